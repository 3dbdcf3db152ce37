import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTracking } from "@dagwright/tracking";
import { expect, it } from "vitest";
import { codeVersionOf, withCodeVersion } from "./code-version.ts";

it("runs carry the commit of the code, and whether it was changed since", async () => {
  const folder = mkdtempSync(join(tmpdir(), "code-version-"));
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@t.example", ...args], {
      encoding: "utf8",
    });
  expect(await codeVersionOf(folder)).toBeUndefined();
  git("init", "-q");
  writeFileSync(join(folder, "a"), "1");
  git("add", "a");
  git("commit", "-q", "-m", "one");
  const commit = git("rev-parse", "HEAD").trim();
  expect(await codeVersionOf(folder)).toBe(commit);
  writeFileSync(join(folder, "a"), "2");
  const codeVersion = await codeVersionOf(folder);
  expect(codeVersion).toBe(`${commit}-dirty`);

  const tracking = withCodeVersion(await openTracking({ root: join(folder, "tracking") }), codeVersion);
  const codeOf = async (run: { codeVersion?: string }) => {
    const { runId } = await tracking.startRun({ experiment: "e", lineage: run });
    await tracking.registerModel({ name: "m", runId });
    const [newest] = await tracking.listModelVersions("m");
    return (await tracking.versionLineage({ name: "m", version: newest?.version ?? 0 })).codeVersion;
  };
  expect(await codeOf({})).toBe(codeVersion);
  expect(await codeOf({ codeVersion: "mine" })).toBe("mine");
  await tracking.close();
  rmSync(folder, { recursive: true });
});
