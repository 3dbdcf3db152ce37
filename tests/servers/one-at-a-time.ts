import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PROJECT } from "../product.ts";

/** Test files run side by side: of two that want to install the same, one waits for the other. */
export async function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
  const folder = join(PROJECT, ".dagwright", "turns");
  const [turn, mine] = [join(folder, name), join(folder, `${name}.${process.pid}`)];
  await mkdir(folder, { recursive: true });
  await writeFile(mine, String(process.pid));
  try {
    while (!(await taken(mine, turn))) {
      const holder = Number(await readFile(turn, "utf8").catch(() => "0"));
      if (holder > 0 && !isAlive(holder)) await rm(turn, { force: true });
      await delay(250);
    }
    try {
      return await work();
    } finally {
      await rm(turn, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** A link appears whole or not at all. */
async function taken(mine: string, turn: string): Promise<boolean> {
  try {
    await link(mine, turn);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
