import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { diskFull, isDiskFull } from "./errors.ts";

/** The folder `_delta_log` of one table, on a local file system with hard links. */
export class LogStore {
  readonly folder: string;

  constructor(tableFolder: string) {
    this.folder = join(tableFolder, "_delta_log");
  }

  /** Names of all files in the log; empty when there is no log. */
  async list(): Promise<string[]> {
    try {
      return (await readdir(this.folder)).sort();
    } catch (error) {
      if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return [];
      throw error;
    }
  }

  read(name: string): Promise<string> {
    return readFile(join(this.folder, name), "utf8");
  }

  /**
   * Writes a file unless one of that name exists. A reader sees it whole or not at all, also after a crash.
   * @returns false when another writer was first
   */
  async putIfAbsent(name: string, text: string): Promise<boolean> {
    return this.#viaTemporary(name, text, async (from, to) => {
      try {
        await link(from, to);
        return true;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
        throw error;
      }
    });
  }

  /** Writes a file, or replaces it whole. */
  async put(name: string, text: string): Promise<void> {
    await this.#viaTemporary(name, text, rename);
  }

  /** Makes what was linked or renamed into the folder outlive a power failure. */
  sync(): Promise<void> {
    return syncPath(this.folder);
  }

  async #viaTemporary<T>(name: string, text: string, publish: (from: string, to: string) => Promise<T>): Promise<T> {
    const temporary = join(this.folder, `.${name}.${randomUUID()}.tmp`);
    try {
      await mkdir(this.folder, { recursive: true });
      const file = await open(temporary, "wx");
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      const result = await publish(temporary, join(this.folder, name));
      await this.sync();
      return result;
    } catch (error) {
      throw isDiskFull(error) ? diskFull(`the log of the table ${dirname(this.folder)}`, error) : error;
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** fsync of a file or a folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
