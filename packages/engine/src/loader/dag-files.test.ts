import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadDagFiles, loadSoundDags } from "./dag-files.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-files-"));
const cache = join(folder, ".cache");
const broken = join(folder, "broken.ts");
writeFileSync(
  join(folder, "sound.ts"),
  'import { defineDag, derive } from "@dagwright/engine";\nexport const sound = defineDag({ id: "sound" }, () => derive("one", [], () => 1));\n',
);
writeFileSync(broken, "export const = 3\n");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a folder with a broken file", () => {
  it("gives its sound DAGs, and names the broken file with the line", async () => {
    const { dags, broken: told } = await loadSoundDags([folder], cache);
    expect(dags.map(({ id }) => id)).toEqual(["sound"]);
    expect(told.map(({ message }) => message)).toEqual([
      `DAG file ${broken}: line 1: Expected identifier but found "="`,
    ]);
  });

  it("is refused where the broken file is meant, or all of them", async () => {
    await expect(loadSoundDags([broken], cache)).rejects.toMatchObject({ code: "DAG_FILE_BROKEN", file: broken });
    await expect(loadSoundDags([join(folder, "gone.ts")], cache)).rejects.toMatchObject({ code: "DAG_FILE_BROKEN" });
    await expect(loadDagFiles([folder], cache)).rejects.toMatchObject({ code: "DAG_FILE_BROKEN", file: broken });
  });
});
