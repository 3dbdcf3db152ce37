import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

// As a new process has it: another file of tests may have made the bundle in this one.
vi.resetModules();
const { bundleWorkflows } = await import("./workflow-bundle.ts");

describe("the workflow bundle", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "workflow-bundle-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it("is made once in a process, kept for the next, and takes short stacks", async () => {
    const bundle = await bundleWorkflows(join(folder, "cache"));
    expect(bundle.code.startsWith("Error.stackTraceLimit = 1;")).toBe(true);
    const kept = await readdir(join(folder, "cache"));
    expect(kept).toEqual([expect.stringMatching(/^workflows-[0-9a-f]{16}\.json$/)]);
    expect(JSON.parse(await readFile(join(folder, "cache", kept[0] ?? ""), "utf8"))).toEqual(bundle);
    expect(await bundleWorkflows()).toBe(bundle);
  }, 60_000);

  it("is evaluated once for all runs, so no module of it keeps anything of a run", async () => {
    expect((await bundleWorkflows()).code).toMatch(
      /exports\.preloadModules = function preloadModules\(\) \{\s*__webpack/,
    );
    for (const folder of ["../sandbox/", "../core/"]) {
      const url = new URL(folder, import.meta.url);
      for (const name of (await readdir(url)).filter((file) => /(?<!\.test)\.ts$/.test(file))) {
        // What is worked out of an object may be kept with that object.
        const kept =
          /^(export )?(let |var |(const \w+[^=]*= new (?!WeakMap|Error|URL)))|^ +(private )?static (?!readonly|of\()/m;
        expect(await readFile(new URL(name, url), "utf8"), name).not.toMatch(kept);
      }
    }
  }, 60_000);
});
