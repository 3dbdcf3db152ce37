import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Contract } from "@dagwright/mcp-kit/contract";
import type { IConfiguration, ICruiseResult } from "dependency-cruiser";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}/src`);
const folders = ["client", "worker", "workflows", "activities", "mcp-servers", "tests", "bench", ...packages].filter(
  (folder) => existsSync(join(root, folder)),
);
const { default: config }: { default: IConfiguration } = await import(join(root, ".dependency-cruiser.mjs"));

/** Files longer than this are usually two. */
const MOST_LINES = 400;
/** Files that may be longer, each with the reason why it is one subject. */
const LONG_BY_NATURE: Readonly<Record<string, string>> = {};

const run = promisify(execFile);
const depcruise = join(root, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");

/** In a process of its own: this one loads modules through tsx, under which dependency-cruiser cannot use swc. */
async function modulesAndViolations(baseDir: string, where: readonly string[]): Promise<ICruiseResult> {
  const options = ["--config", join(root, ".dependency-cruiser.mjs"), "--output-type", "json"];
  const { stdout } = await run(process.execPath, [depcruise, ...options, ...where], {
    cwd: baseDir,
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout);
}

function filesIn(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => ending.test(file) && !/(^|\/)(node_modules|dist)\//.test(file))
    .map((file) => `${folder}/${file}`);
}

describe("the house", async () => {
  const { modules, summary } = await modulesAndViolations(root, folders);

  test.each(folders)("%s was read, every file", (folder) => {
    const read = new Set(modules.map(({ source }) => source));
    expect(filesIn(folder, /\.tsx?$/).filter((file) => !read.has(file))).toEqual([]);
  });

  test("imports keep the rules", () => {
    expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
  });
});

/** For each rule, small trees that break it. */
const BROKEN: readonly (readonly [rule: string, tree: Readonly<Record<string, string>>])[] = [
  [
    "no-circles",
    {
      "packages/lake/src/a.ts": 'import type { B } from "./b.ts";\nexport type A = B | 1;',
      "packages/lake/src/b.ts": 'import type { A } from "./a.ts";\nexport type B = A | 2;',
    },
  ],
  ["packages-know-no-product", { "packages/lake/src/a.ts": 'import "../../../worker/b.ts";', "worker/b.ts": "" }],
  [
    "servers-look-down",
    {
      "mcp-servers/spark/spark.ts": 'import type { A } from "../../activities/a.ts";\nexport type B = A;',
      "activities/a.ts": "export type A = 1;",
    },
  ],
  [
    "servers-are-strangers",
    {
      "mcp-servers/spark/spark.ts": 'import "../training/contract.ts";',
      "mcp-servers/training/contract.ts": "",
    },
  ],
  ["activities-look-down", { "activities/a.ts": 'import "../workflows/b.ts";', "workflows/b.ts": "" }],
  ["workflows-look-down", { "workflows/a.ts": 'import "../worker/b.ts";', "worker/b.ts": "" }],
  ["worker-knows-no-client", { "worker/a.ts": 'import "../client/b.ts";', "client/b.ts": "" }],
  [
    "servers-by-contract",
    { "activities/a.ts": 'import "../mcp-servers/spark/server.ts";', "mcp-servers/spark/server.ts": "" },
  ],
  ["packages-by-name", { "worker/a.ts": 'import "../packages/lake/src/index.ts";', "packages/lake/src/index.ts": "" }],
  [
    "packages-by-name-among-themselves",
    { "packages/learn/src/a.ts": 'import "../../lake/src/index.ts";', "packages/lake/src/index.ts": "" },
  ],
  ["no-own-front-door", { "packages/lake/src/a.ts": 'import "./index.ts";', "packages/lake/src/index.ts": "" }],
  ["evidently-lite-stands-alone", { "packages/evidently-lite/src/a.ts": 'import "node:fs";' }],
  [
    "sandbox-is-sealed",
    { "packages/engine/src/sandbox/a.ts": 'import "../language/b.ts";', "packages/engine/src/language/b.ts": "" },
  ],
  ["sandbox-is-sealed", { "packages/engine/src/sandbox/a.ts": 'import "node:crypto";' }],
  [
    "engine-face-is-pure",
    { "packages/engine/src/index.ts": 'import "./a.ts";', "packages/engine/src/a.ts": 'import "node:fs/promises";' },
  ],
  [
    "engine-face-is-pure",
    {
      "packages/engine/src/index.ts": 'export * from "./a.ts";',
      "packages/engine/src/a.ts": 'import "@temporalio/client";',
      "node_modules/@temporalio/client/package.json": '{ "name": "@temporalio/client", "main": "index.js" }',
      "node_modules/@temporalio/client/index.js": "",
    },
  ],
  ["nothing-imports-tests", { "worker/a.ts": 'import "./b.test.ts";', "worker/b.test.ts": "" }],
  ["nothing-imports-tests", { "worker/a.ts": 'import "../tests/b.ts";', "tests/b.ts": "" }],
  ["no-orphans", { "client/a.ts": "export const alone = true;" }],
  ["nothing-unresolvable", { "client/a.ts": 'import "./gone.ts";' }],
];

describe("each rule can fail", () => {
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true });
  });

  test("and is shown to", () => {
    const names = (config.forbidden ?? []).map(({ name }) => name);
    expect([...new Set(BROKEN.map(([rule]) => rule))].toSorted()).toEqual(names.toSorted());
  });

  test.concurrent.each(BROKEN)("%s: %j", async (rule, tree) => {
    const folder = mkdtempSync(join(tmpdir(), "house-"));
    made.push(folder);
    for (const [file, text] of Object.entries(tree)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const { summary } = await modulesAndViolations(folder, [
      ...new Set(
        Object.keys(tree)
          .map((file) => file.split("/")[0] ?? file)
          .filter((top) => top !== "node_modules"),
      ),
    ]);
    expect(summary.violations.map((violation) => violation.rule.name)).toContain(rule);
  });
});

describe("files", () => {
  const sources = [...folders, "bin"].flatMap((folder) => filesIn(folder, /\.(tsx?|mjs)$/));

  test.each(readdirSync(join(root, "mcp-servers")))("mcp-servers/%s is three files", (name) => {
    for (const file of ["contract.ts", `${name}.ts`, "server.ts"])
      expect(existsSync(join(root, "mcp-servers", name, file)), `mcp-servers/${name}/${file}`).toBe(true);
  });

  test.each(readdirSync(join(root, "mcp-servers")))(
    "mcp-servers/%s says what each argument of its tools is",
    async (name) => {
      const contracts: readonly Contract[] = Object.values(
        await import(join(root, "mcp-servers", name, "contract.ts")),
      );
      const tools = contracts.flatMap((exported) => Object.entries(exported.tools ?? {}));
      expect(tools).not.toEqual([]);
      const silent = tools.flatMap(([tool, { input }]) =>
        Object.entries(input.shape).flatMap(([argument, schema]) =>
          z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }).description === undefined
            ? [`${tool}.${argument}`]
            : [],
        ),
      );
      expect(silent).toEqual([]);
    },
  );

  test("are named after their subject", () => {
    const vague = /^(utils?|helpers?|common|misc|shared)([.-]|$)/;
    expect(sources.filter((file) => file.split("/").some((part) => vague.test(part)))).toEqual([]);
  });

  test(`have at most ${MOST_LINES} lines`, () => {
    const long = sources.filter(
      (file) =>
        !file.endsWith(".test.ts") && readFileSync(join(root, file), "utf8").trimEnd().split("\n").length > MOST_LINES,
    );
    expect(long.filter((file) => !(file in LONG_BY_NATURE))).toEqual([]);
    expect(Object.keys(LONG_BY_NATURE).filter((file) => !long.includes(file))).toEqual([]);
  });

  test("leave nothing for later and name nothing outside the repository", () => {
    // Put together here, so that this file passes its own test.
    const unwanted = new RegExp([`\\b${"TO"}${"DO"}\\b`, `\\b${"FIX"}${"ME"}\\b`, `\\.\\./${"sha"}${"red"}`].join("|"));
    const documents = readdirSync(root).filter((file) => /\.(md|yml|mjs|json)$|^Dockerfile$/.test(file));
    const found = [...sources, ...documents]
      .filter((file) => basename(file) !== "package-lock.json")
      .filter((file) => unwanted.test(readFileSync(join(root, file), "utf8")));
    expect(found).toEqual([]);
  });
});
