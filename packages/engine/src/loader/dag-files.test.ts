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

it("files that import each other in a circle are told so when one needs what is not there yet", async () => {
  const circle = mkdtempSync(join(tmpdir(), "dagwright-circle-"));
  const dag = 'import { defineDag, derive } from "@dagwright/engine";';
  const body = '() => derive("one", [], () => 1)';
  writeFileSync(
    join(circle, "first.ts"),
    `${dag}\nimport { name } from "./second.ts";\nexport const prefix = "a";\nexport const first = defineDag({ id: name() }, ${body});\n`,
  );
  writeFileSync(
    join(circle, "second.ts"),
    `${dag}\nimport { prefix } from "./first.ts";\nexport const name = () => prefix + "_b";\nexport const second = defineDag({ id: prefix + "_c" }, ${body});\n`,
  );
  writeFileSync(join(circle, "apart.ts"), `${dag}\nexport const apart = defineDag({ id: "apart" }, ${body});\n`);
  const { dags, broken: told } = await loadSoundDags([circle], cache);
  expect(dags.map(({ id }) => id)).toContain("apart");
  expect(told.length).toBeGreaterThan(0);
  for (const { line } of told) expect(line).toContain("import each other in a circle");
  expect(told[0]?.line).toContain("first.ts → second.ts → first.ts");
  rmSync(circle, { recursive: true, force: true });
});
