/** What docs/tracking.md shows runs, and prints what stands below it. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { serveTracking } from "@dagwright/tracking";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROJECT } from "../product.ts";
import { installMlflow, mlflowProgram } from "../servers/mlflow.ts";

const run = promisify(execFile);
const text = readFileSync(join(PROJECT, "docs", "tracking.md"), "utf8");
/** Files that are shown with what they print: "```ts track.ts", then "```text". */
const SHOWN = [
  ...text.matchAll(/^```(ts|python) (\S+)\n(.*?)^```\n(?:.*?\n)??(?:.*?\n)??(?:.*?\n)??```text\n(.*?)^```$/gms),
].map(([, language = "", name = "", code = "", prints = ""]) => ({ language, name, code, prints }));
const missing = await installMlflow("skinny");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tracking-docs-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  symlinkSync(join(PROJECT, "node_modules"), join(folder, "node_modules"));
});
afterAll(() => rmSync(folder, { recursive: true }));

it("shows three files", () => {
  expect(SHOWN.map(({ name }) => name)).toEqual(["track.ts", "registry.ts", "train.py"]);
});

it.each(SHOWN.filter(({ language }) => language === "ts"))(
  "$name prints what is said",
  async ({ name, code, prints }) => {
    writeFileSync(join(folder, name), code);
    const options = ["--conditions=source", "--import", "tsx"];
    const { stdout } = await run(process.execPath, [...options, name], { cwd: folder });
    expect(stdout).toBe(prints);
  },
);

it.skipIf(missing !== undefined)(`train.py does, to a server of ours${missing ? ` (${missing})` : ""}`, async () => {
  const [shown] = SHOWN.filter(({ language }) => language === "python");
  const server = await serveTracking({ root: join(folder, "served"), port: 0 });
  const env = { ...process.env, MLFLOW_TRACKING_URI: server.url, MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0" };
  const python = mlflowProgram("skinny", "python");
  const { stdout } = await run(python, ["-W", "ignore", "-c", shown?.code ?? ""], { cwd: folder, env });
  await server.close();
  // Links to a UI that this server does not have are MLflow's own words.
  expect(stdout.replaceAll(/^.*View .*\n/gm, "")).toBe(shown?.prints);
});
