import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleWorkflows } from "./workflow-bundle.ts";

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
});
