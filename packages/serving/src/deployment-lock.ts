import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { errnoOf, ServingError } from "./errors.ts";
import { writeWhole } from "./whole-file.ts";

const RETRY_MS = 50;
/** No holder works this long; an older lock belongs to a process whose number another process has got since. */
const STALE_AFTER_MS = 120_000;
const WAIT_LIMIT_MS = 150_000;

/**
 * Runs `work` while no other process (and no other call in this one) holds the lock of that name. A lock whose owner
 * died is taken over.
 *
 * The lock is a row of files `<name>.<n>`: the highest number counts. To take it is to create the next number, which
 * only one contender can, once the highest is released or its owner is dead; so a slow contender can never remove or
 * replace a lock that another one took meanwhile.
 * @throws ServingError DEPLOYMENT_LOCKED after 150 s
 */
export async function withLock<T>(folder: string, name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const turn = await take(folder, name);
  try {
    return await work();
  } finally {
    await writeWhole(fileOf(folder, name, turn), content("released"));
  }
}

async function take(folder: string, name: string): Promise<number> {
  const started = Date.now();
  for (;;) {
    const highest = (await turns(folder, name)).at(-1) ?? 0;
    if (highest === 0 || (await isFree(fileOf(folder, name, highest)))) {
      if (await create(folder, name, highest + 1)) {
        const now = await turns(folder, name);
        // The numbers had moved on before this one was created again: it counts for nothing.
        if (now.at(-1) === highest + 1) {
          for (const old of now.slice(0, -1)) await rm(fileOf(folder, name, old), { force: true });
          return highest + 1;
        }
        await rm(fileOf(folder, name, highest + 1), { force: true });
      }
    }
    if (Date.now() - started > WAIT_LIMIT_MS)
      throw new ServingError(
        "DEPLOYMENT_LOCKED",
        `Another process has been deploying "${name}" for over ${WAIT_LIMIT_MS / 1000} s.`,
        {
          retryable: true,
        },
      );
    await pause(RETRY_MS);
  }
}

async function turns(folder: string, name: string): Promise<number[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1)))
    .map((file) => Number(file.slice(name.length + 1)))
    .sort((a, b) => a - b);
}

/** Creates the lock's file with its content in one step; false when it is there. */
async function create(folder: string, name: string, turn: number): Promise<boolean> {
  const temporary = join(folder, `.${name}.${randomUUID()}.tmp`);
  await writeFile(temporary, content(String(process.pid)));
  try {
    await link(temporary, fileOf(folder, name, turn));
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function isFree(file: string): Promise<boolean> {
  try {
    const owner = await readFile(file, "utf8");
    if (owner === "released") return true;
    return !isAlive(Number(owner)) || Date.now() - (await stat(file)).mtimeMs > STALE_AFTER_MS;
  } catch (error) {
    // Removed by the holder of a higher number.
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== "ESRCH";
  }
}

function content(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function fileOf(folder: string, name: string, turn: number): string {
  return join(folder, `${name}.${turn}`);
}
