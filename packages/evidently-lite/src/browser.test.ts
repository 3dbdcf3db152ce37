import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { datasetDrift, runReport } from "./index.ts";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const found = () =>
  process.env["CHROME_PATH"] ??
  (process.env["PATH"] ?? "")
    .split(":")
    .flatMap((folder) => BROWSERS.map((name) => join(folder, name)))
    .find(existsSync);
/** The browser, installed where it is missing and can be (as root, with apt). */
const browser = found() ?? (await installed());

async function installed(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]) => promisify(execFile)("apt-get", args, { timeout: 300_000, env });
  const install = () => apt("install", "-y", "-qq", "--no-install-recommends", "chromium");
  await install()
    .catch(() => apt("update", "-qq").then(install))
    .catch(() => undefined);
  return found();
}

/** A page's program: a drift, a sketch and a report; its result is text. */
const PROGRAM = `
const size = 30000;
const column = (shift) => Float64Array.from({ length: size }, (_, at) => Math.sin(at * at) + shift);
const table = (shift) => ({ n: column(shift), c: Array.from({ length: size }, (_, at) => "k" + ((at * 7 + shift * 40) % 3)) });
const drift = E.datasetDrift({ reference: table(0), current: table(0.3) });
const sketched = E.profileDrift({ reference: new E.Profile().add(table(0)), current: new E.Profile().add(table(0.3)), options: { numMethod: "ks" } });
const html = E.runReport({ presets: [{ preset: "DataDriftPreset" }], reference: table(0), current: table(0.3) }).html();
result = JSON.stringify({ drift, methods: sketched.columns.map((one) => one.method), plots: html.split("<svg").length - 1 });
`;

async function bundle(): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL("index.ts", import.meta.url))],
    bundle: true,
    platform: "browser",
    format: "iife",
    globalName: "E",
    write: false,
    metafile: true,
  });
  // Its own files alone: no package, and nothing of Node, which the platform "browser" would refuse.
  expect(Object.keys(metafile.inputs).every((path) => path.includes("evidently-lite/src/"))).toBe(true);
  return outputFiles[0]?.text ?? "";
}

function checked(text: string): void {
  const { drift, methods, plots } = JSON.parse(text);
  const column = (shift: number) => Float64Array.from({ length: 30_000 }, (_, at) => Math.sin(at * at) + shift);
  const wanted = datasetDrift({ reference: { n: column(0) }, current: { n: column(0.3) } }).columns[0];
  expect(drift.columns[0].score).toBeCloseTo(wanted?.score ?? Number.NaN, 9);
  expect(drift.columns.map(({ method }: { method: string }) => method)).toEqual(["wasserstein", "jensenshannon"]);
  expect(methods).toEqual(["ks", "jensenshannon"]);
  expect(plots).toBe(3);
}

test("runs where there is nothing of Node", async () => {
  // A bare context has the language alone; a browser adds this.
  const context = createContext({ TextDecoder });
  checked(String(runInContext(`${await bundle()}\nlet result;${PROGRAM}\nresult`, context)));
});

const missing = browser === undefined;
test.skipIf(missing && process.env["CI"] !== "true")(
  "runs in headless Chromium (Debian: apt-get install chromium, or CHROME_PATH)",
  async () => {
    if (browser === undefined) throw new Error("there is no Chromium on the PATH: install it, or set CHROME_PATH");
    const folder = await mkdtemp(join(tmpdir(), "evidently-lite-"));
    try {
      const script = `let result;try{${PROGRAM}}catch(error){result=String(error.stack)}\ndocument.body.textContent = "<<" + result + ">>";`;
      await writeFile(
        join(folder, "page.html"),
        `<!doctype html><meta charset="utf-8"><body><script>${(await bundle()).replaceAll("</script", "<\\/script")}</script><script>${script}</script>`,
      );
      expect(await dumpOf(pathToFileURL(join(folder, "page.html")).href, folder)).toMatch(/&lt;&lt;\{/);
      checked(
        /&lt;&lt;(.*)&gt;&gt;/s.exec(await dumpOf(pathToFileURL(join(folder, "page.html")).href, folder))?.[1] ?? "",
      );
      // A report opens from a file, asks for nothing, and its script would not run if one got in.
      const report = runReport({
        presets: [{ preset: "DataDriftPreset" }],
        reference: { "<script>document.title='no'</script>": [1, 2, 3] },
        current: { "<script>document.title='no'</script>": [1, 2, 4] },
      });
      await writeFile(join(folder, "report.html"), report.html());
      const dom = await dumpOf(pathToFileURL(join(folder, "report.html")).href, folder);
      expect(dom).toContain("<title>Report</title>");
      expect(dom).toContain("&lt;script&gt;");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  120_000,
);

async function dumpOf(url: string, folder: string): Promise<string> {
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    `--user-data-dir=${join(folder, "profile")}`,
  ];
  const { stdout } = await promisify(execFile)(
    browser ?? "",
    [...flags, "--virtual-time-budget=20000", "--dump-dom", url],
    { maxBuffer: 64e6, timeout: 100_000 },
  );
  return stdout;
}
