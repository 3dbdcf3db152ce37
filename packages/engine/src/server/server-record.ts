import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const ServerRecord = z.object({
  /** Of the server. */
  pid: z.int().positive(),
  port: z.int(),
  uiPort: z.int(),
  address: z.string(),
  /** Process id of whoever started the server and will stop it. */
  owner: z.int().positive(),
});

/** Which Temporal server runs on a state folder: the content of `<home>/temporal/server.json`. */
export type ServerRecord = z.infer<typeof ServerRecord>;

const fileOf = (home: string) => join(home, "temporal", "server.json");

/** The record of a state folder; null when there is none or it is broken. */
export function readServerRecord(home: string): ServerRecord | null {
  try {
    return ServerRecord.parse(JSON.parse(readFileSync(fileOf(home), "utf8")));
  } catch {
    return null;
  }
}

export function writeServerRecord(home: string, record: ServerRecord): void {
  mkdirSync(join(home, "temporal"), { recursive: true });
  const draft = `${fileOf(home)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(record)}\n`);
  renameSync(draft, fileOf(home));
}

/** Removes the record, unless it names another server by now. */
export function removeServerRecord(home: string, pid: number): void {
  if (readServerRecord(home)?.pid === pid) rmSync(fileOf(home), { force: true });
}

/** Whether a process lives. One that ended and was not waited for by its parent (a zombie) does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // No such file system here (macOS): the signal got through, so it lives.
    return true;
  }
}
