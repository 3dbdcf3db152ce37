import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where a registry keeps its versions: files by name, in a folder or in an object store. */
export interface RegistryFiles {
  /** Names of all files, in any order; empty where there is nothing yet. */
  list(): Promise<readonly string[]>;
  /** The file's text, or undefined when it is gone. */
  get(name: string): Promise<string | undefined>;
  /** Writes a file, whole and durably, unless one of that name exists. Gives whether it did. */
  putIfAbsent(name: string, text: string): Promise<boolean>;
  /** Removes a file; one that is gone is no error. */
  remove(name: string): Promise<void>;
}

/** A folder of the file system as a registry's place; it is made with the first file. */
export function registryFolder(folder: string): RegistryFiles {
  return {
    async list() {
      return (await unlessMissing(readdir(folder))) ?? [];
    },
    get: (name) => unlessMissing(readFile(join(folder, name), "utf8")),
    async putIfAbsent(name, text) {
      await mkdir(folder, { recursive: true });
      const half = join(folder, `.${name}.${randomUUID()}.tmp`);
      try {
        const handle = await open(half, "wx");
        try {
          await handle.writeFile(text);
          await handle.sync();
        } finally {
          await handle.close();
        }
        // A link is made whole and by one writer alone.
        await link(half, join(folder, name));
        return true;
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      } finally {
        await rm(half, { force: true });
      }
    },
    remove: (name) => rm(join(folder, name), { force: true }),
  };
}

async function unlessMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
