import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "./deployment-lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

it("one works at a time, and all get their turn", async () => {
  let working = 0;
  let most = 0;
  const work = async () => {
    working += 1;
    most = Math.max(most, working);
    await pause(5);
    working -= 1;
  };
  await Promise.all(Array.from({ length: 12 }, () => withLock(folder, "m", work)));
  expect(most).toBe(1);
  expect(await readdir(folder)).toHaveLength(1);
});

it("other names do not wait, and a failure lets go", async () => {
  await withLock(folder, "m", async () => {
    await withLock(folder, "m.1", async () => {});
    await expect(withLock(folder, "n", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await withLock(folder, "n", async () => {});
  });
});

it("the lock of a living process is waited for, that of a dead or forgotten one is taken", async () => {
  await writeFile(join(folder, "m.3"), String(process.pid));
  let taken = false;
  const waiting = withLock(folder, "m", async () => {
    taken = true;
  });
  await pause(200);
  expect(taken).toBe(false);
  const longAgo = new Date(Date.now() - 121_000);
  await utimes(join(folder, "m.3"), longAgo, longAgo);
  await waiting;
  expect(taken).toBe(true);
});
