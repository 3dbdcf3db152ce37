import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runInProcess } from "../testing/run-in-process.ts";
import { loadDagFiles } from "./dag-files.ts";
import { type DagReload, type WatchedDags, watchDagFiles } from "./dag-watcher.ts";

let folder: string;
let dags: string;
let watched: WatchedDags | undefined;
const reloads: DagReload[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "dagwright-watch-")));
  dags = join(folder, "dags");
  mkdirSync(dags);
  reloads.length = 0;
});
afterEach(() => {
  watched?.close();
  watched = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  const path = join(dags, name);
  mkdirSync(join(path, ".."), { recursive: true });
  // As many editors do it: whole or not at all.
  writeFileSync(`${path}~`, text);
  renameSync(`${path}~`, path);
}

const dagText = (id: string, body: string, head = "") => `import { defineDag, derive, subdag } from "@dagwright/engine";
${head}
export const ${id} = defineDag({ id: "${id}" }, () => ${body});
`;

async function start(paths = [dags], cacheFolder = join(folder, ".cache")): Promise<WatchedDags> {
  watched = await watchDagFiles({
    paths,
    cacheFolder,
    onReload: (reload) => void reloads.push(reload),
  });
  return watched;
}

/** The next reload that is told of. */
async function next(): Promise<DagReload> {
  await expect.poll(() => reloads.length, { timeout: 15_000, interval: 20 }).toBeGreaterThan(0);
  const [reload] = reloads.splice(0, 1);
  if (reload === undefined) throw new Error("no reload");
  return reload;
}

async function outputOf(dagId: string): Promise<unknown> {
  if (watched === undefined) throw new Error("nothing is watched");
  return (await runInProcess(watched.registry.get(dagId))).output;
}

describe("a folder that is watched", () => {
  test("a file that changes gives its new DAG; others stay the same objects", async () => {
    write("orders.ts", dagText("orders", `derive("n", [], () => 1)`));
    write("returns.ts", dagText("returns", `derive("n", [], () => 7)`));
    const { registry } = await start();
    const { version } = registry.get("orders").graph;
    const untouched = registry.get("returns");
    write("orders.ts", dagText("orders", `derive("n", [], () => 2)`));
    expect(await next()).toMatchObject({ changed: ["orders"], added: [], removed: [], broken: [] });
    expect(await outputOf("orders")).toBe(2);
    expect(registry.get("returns")).toBe(untouched);
    // Its graph is the same: only the code has changed.
    expect(registry.get("orders").graph.version).toBe(version);
  });

  test("a local module that it imports counts, also one outside the folder", async () => {
    mkdirSync(join(folder, "lib"));
    writeFileSync(join(folder, "lib", "rate.ts"), "export const rate = 3;");
    write("orders.ts", dagText("orders", `derive("n", [], () => rate)`, `import { rate } from "../lib/rate.ts";`));
    await start();
    writeFileSync(join(folder, "lib", "rate.ts"), "export const rate = 4;");
    expect(await next()).toMatchObject({ changed: ["orders"] });
    expect(await outputOf("orders")).toBe(4);
  });

  test("a broken file is named with its line, keeps its former DAG, and can be mended", async () => {
    write("orders.ts", dagText("orders", `derive("n", [], () => 1)`));
    write("returns.ts", dagText("returns", `derive("n", [], () => 7)`));
    const { registry } = await start();
    write("orders.ts", "import { defineDag } from '@dagwright/engine';\n\nexport const = 3;\n");
    const { broken, changed, removed } = await next();
    expect({ changed, removed }).toEqual({ changed: [], removed: [] });
    expect(broken.map(({ code, file, message }) => ({ code, file, message }))).toEqual([
      {
        code: "DAG_FILE_BROKEN",
        file: join(dags, "orders.ts"),
        message: expect.stringMatching(/orders\.ts: line 3: Expected identifier.*/),
      },
    ]);
    expect(broken[0]?.message).not.toContain("\n");
    expect(await outputOf("orders")).toBe(1);
    // The others go on.
    write("returns.ts", dagText("returns", `derive("n", [], () => 8)`));
    expect(await next()).toMatchObject({ changed: ["returns"], broken: [], mended: [] });
    expect(await outputOf("returns")).toBe(8);
    write("orders.ts", dagText("orders", `derive("n", [], () => 5)`));
    expect(await next()).toMatchObject({ changed: ["orders"], mended: [join(dags, "orders.ts")] });
    expect(await outputOf("orders")).toBe(5);
    expect(registry.list().map(({ id }) => id)).toEqual(["orders", "returns"]);
  });

  test("a file that throws, or defines a DAG with mistakes, is broken too", async () => {
    write("orders.ts", dagText("orders", `derive("n", [], () => 1)`));
    await start();
    write("orders.ts", dagText("orders", "null", "\nthrow new Error('not today');"));
    const [thrown] = (await next()).broken;
    expect(thrown?.message).toMatch(/orders\.ts: line 3: not today$/);
    write("orders.ts", dagText("orders", `derive("bad id!", [], () => 1)`));
    const [wrong] = (await next()).broken;
    expect(wrong?.message).toMatch(/bad id!/);
    expect(await outputOf("orders")).toBe(1);
  });

  test("an import that is not there yet is waited for", async () => {
    await start();
    write("orders.ts", dagText("orders", `derive("n", [], () => rate)`, `import { rate } from "../lib/rate.ts";`));
    const [missing] = (await next()).broken;
    expect(missing?.message).toMatch(/orders\.ts: line 2: Could not resolve "\.\.\/lib\/rate\.ts"/);
    mkdirSync(join(folder, "lib"));
    await new Promise((later) => setTimeout(later, 100));
    writeFileSync(join(folder, "lib", "rate.ts"), "export const rate = 9;");
    expect(await next()).toMatchObject({ added: ["orders"] });
    expect(await outputOf("orders")).toBe(9);
  });

  test("new files appear, also in new folders; deleted ones take their DAGs with them", async () => {
    write("orders.ts", dagText("orders", `derive("n", [], () => 1)`));
    const { registry } = await start();
    write("deep/down/returns.ts", dagText("returns", `derive("n", [], () => 7)`));
    expect(await next()).toMatchObject({ added: ["returns"] });
    write("deep/down/more.ts", dagText("more", `derive("n", [], () => 8)`));
    expect(await next()).toMatchObject({ added: ["more"] });
    rmSync(join(dags, "deep"), { recursive: true });
    const gone: string[] = [];
    while (gone.length < 2) gone.push(...(await next()).removed);
    expect(gone.sort()).toEqual(["more", "returns"]);
    expect(registry.list().map(({ id }) => id)).toEqual(["orders"]);
  });

  test("an id that another file has is that file's mistake; DAGs may stand in each other", async () => {
    write("a.ts", dagText("inner", `derive("n", [], () => 1)`));
    write(
      "b.ts",
      dagText("outer", "subdag(inner, {}, { id: 'inside' })", `import { inner } from "./a.ts";\nexport { inner };`),
    );
    const { registry, first } = await start();
    expect(first).toMatchObject({ broken: [], added: ["inner", "outer"] });
    expect(registry.get("outer").children.get("inside")).toBe(registry.get("inner"));
    write("c.ts", dagText("inner", `derive("other", [], () => 1)`));
    expect((await next()).broken[0]?.message).toMatch(/c\.ts: DAG "inner" is already defined in .*a\.ts/);
    expect(await outputOf("inner")).toBe(1);
    // Also of one whose name comes first.
    write("0.ts", dagText("inner", `derive("other", [], () => 2)`));
    const clash = await next();
    expect(clash).toMatchObject({ changed: [], removed: [], mended: [] });
    expect(clash.broken[0]?.message).toMatch(/0\.ts: DAG "inner" is already defined in .*a\.ts/);
    expect(await outputOf("inner")).toBe(1);
  });

  test("files that are not touched by what happens around them are not read again", async () => {
    write("orders.ts", dagText("orders", `derive("n", [], () => 1)`));
    await start();
    writeFileSync(join(dags, "notes.txt"), "nothing of ours");
    await new Promise((later) => setTimeout(later, 300));
    expect(reloads).toEqual([]);
  });

  test("a state folder among the files is none of them, though it holds compiled copies", async () => {
    write("orders.ts", dagText("orders", `derive("n", [], () => 1)`));
    const { first } = await start([dags], join(dags, "state", "cache", "dags"));
    expect(first).toMatchObject({ added: ["orders"], broken: [] });
    write("orders.ts", dagText("orders", `derive("n", [], () => 2)`));
    expect(await next()).toMatchObject({ changed: ["orders"], broken: [] });
    await new Promise((later) => setTimeout(later, 300));
    expect(reloads).toEqual([]);
  });
});

describe("loadDagFiles", () => {
  test("a top-level await, a default export of a package and import.meta work in a compiled file", async () => {
    write("data.json", `{"rate": 2}`);
    write("later.ts", dagText("later", `derive("n", [], () => value)`, "const value = await Promise.resolve(3);"));
    write(
      "place.ts",
      dagText(
        "place",
        `derive("n", [], () => [basename(import.meta.url), data.rate, typeof z.object])`,
        `import { basename } from "node:path";\nimport z from "zod";\nimport data from "./data.json" with { type: "json" };`,
      ),
    );
    for (const file of ["later.ts", "place.ts"]) {
      const { dags: found } = await loadDagFiles([join(dags, file)], join(folder, ".cache"));
      const [dag] = found;
      if (dag === undefined) throw new Error("no DAG");
      const { output } = await runInProcess(dag);
      expect(output).toEqual(file === "later.ts" ? 3 : ["place.ts", 2, "function"]);
    }
  });

  test("names the file, the line and what is wrong", async () => {
    write("orders.ts", "const x: = 1;\n");
    await expect(loadDagFiles([dags], join(folder, ".cache"))).rejects.toMatchObject({
      code: "DAG_FILE_BROKEN",
      message: expect.stringMatching(/^DAG file .*orders\.ts: line 1: Unexpected "="$/),
    });
    await expect(loadDagFiles([join(folder, "none")], join(folder, ".cache"))).rejects.toMatchObject({
      message: expect.stringMatching(/none: there is no such file or folder$/),
      hint: expect.stringContaining(process.cwd()),
    });
  });
});
