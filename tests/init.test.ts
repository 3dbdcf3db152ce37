/** A project as `dagwright init` makes it: installed, tested and run as its README says. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Product } from "./product.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-init-"));
const project = join(folder, "My Pipelines");
let product: Product;

beforeAll(async () => {
  product = await Product.create();
});
afterAll(async () => {
  await product.destroy();
  rmSync(folder, { recursive: true, force: true });
});

/** A program in the project's folder, as typed there. */
async function typed(program: string, args: readonly string[]): Promise<{ code: number | null; out: string }> {
  // What this very test was started with is not the project's.
  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...env } = product.env;
  const child = spawn(program, args, { cwd: project, env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      out += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out };
}

it("makes a project that installs, passes its tests, type-checks and runs on Temporal", async () => {
  const made = await product.json(["init", project]);
  expect(made).toMatchObject({
    code: 0,
    value: { folder: project, written: expect.arrayContaining(["workflows/hello.ts"]) },
  });
  expect(JSON.parse(readFileSync(join(project, "package.json"), "utf8"))).toMatchObject({ name: "my-pipelines" });

  expect(await typed("npm", ["install", "--no-audit", "--no-fund"])).toMatchObject({ code: 0 });
  expect(await typed("npm", ["test"])).toMatchObject({ code: 0, out: expect.stringContaining("2 passed") });
  expect(await typed("npm", ["run", "typecheck"])).toMatchObject({ code: 0 });
  const run = await typed("npx", ["dagwright", "run", "hello", "--dags", "workflows", "--wait"]);
  expect(run).toMatchObject({ code: 0, out: expect.stringContaining("Hello, Hello, world!!") });

  // What was deleted comes back; what was changed stays, and is named.
  rmSync(join(project, "README.md"));
  expect(await product.json(["init", project])).toMatchObject({ code: 0, value: { written: ["README.md"] } });
  writeFileSync(join(project, "workflows", "hello.ts"), "// mine now\n");
  writeFileSync(join(project, "notes.txt"), "");
  rmSync(join(project, "README.md"));
  expect(await product.json(["init", project])).toMatchObject({
    code: 2,
    value: { error: { code: "FOLDER_NOT_EMPTY", message: expect.stringContaining("notes.txt, workflows/hello.ts") } },
  });
  expect(existsSync(join(project, "README.md"))).toBe(false);
  expect(await product.json(["init", join(project, "notes.txt", "below")])).toMatchObject({
    code: 2,
    value: { error: { code: "FOLDER_UNUSABLE", field: "dir" } },
  });
}, 400_000);
