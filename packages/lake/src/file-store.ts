import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { diskFull, isDiskFull, LakeError } from "./errors.ts";
import type { ObjectStore, StoredObject } from "./object-store.ts";

/** A folder on a file system with hard links. Names that begin with a dot are its own. */
export class FileStore implements ObjectStore {
  readonly root: string;
  readonly local = true;

  /** @param root a folder that exists, by its real path */
  constructor(root: string) {
    this.root = root;
  }

  localPath(key: string): string {
    return join(this.root, ...key.split("/"));
  }

  async folders(): Promise<string[]> {
    const entries = await readdir(this.root, { withFileTypes: true });
    return entries
      .filter((e) => e.isDirectory())
      .map((e) => e.name)
      .sort();
  }

  async keys(prefix: string, after = ""): Promise<string[]> {
    const folder = this.localPath(prefix);
    const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(noEntries);
    return entries
      .filter((e) => e.isFile() && !e.name.startsWith("."))
      .map((e) => prefix + join(e.parentPath, e.name).slice(join(folder, sep).length).split(sep).join("/"))
      .filter((key) => key > after)
      .sort(byBytes);
  }

  async list(prefix: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    for (const key of await this.keys(prefix)) {
      const info = await stat(this.localPath(key)).catch((error: unknown) => {
        if (isMissing(error)) return undefined; // removed since it was listed
        throw error;
      });
      if (info) found.push({ key, size: info.size, modified: info.mtimeMs });
    }
    return found;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    return await readFile(this.localPath(key)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#viaTemporary(key, bytes, rename);
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    return await this.#viaTemporary(key, bytes, async (from, to) => {
      try {
        await link(from, to);
        return true;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
        throw error;
      }
    });
  }

  async take(path: string, key: string): Promise<void> {
    const target = this.localPath(key);
    try {
      await syncPath(path);
      for (let attempt = 1; ; attempt++) {
        try {
          await mkdir(dirname(target), { recursive: true });
          await move(path, target);
          await syncPath(dirname(target));
          return;
        } catch (error) {
          // Another writer that gave up may have removed the empty folder in between.
          if (!isMissing(error) || attempt === 10) throw error;
        }
      }
    } catch (error) {
      throw isDiskFull(error) ? diskFull(target, error) : error;
    }
  }

  async copyTo(key: string, path: string): Promise<boolean> {
    try {
      await copyFile(this.localPath(key), path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Folders that are left empty go with the files. */
  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const path = this.localPath(key);
      if (!path.startsWith(this.root + sep)) throw new LakeError("STORE_LOCATION", `${path} is not in the lake.`);
      await rm(path, { force: true });
    }
    const folders = new Set(keys.map((key) => dirname(this.localPath(key))));
    for (let folder of folders) {
      // rmdir refuses a folder that somebody has just written to.
      while (
        folder.startsWith(this.root + sep) &&
        (await rmdir(folder).then(
          () => true,
          () => false,
        ))
      )
        folder = dirname(folder);
    }
  }

  close(): void {}

  async #viaTemporary<T>(
    key: string,
    bytes: Uint8Array,
    publish: (from: string, to: string) => Promise<T>,
  ): Promise<T> {
    const target = this.localPath(key);
    const folder = dirname(target);
    const temporary = join(folder, `.${basename(target)}.${randomUUID()}.tmp`);
    try {
      await mkdir(folder, { recursive: true });
      const file = await open(temporary, "wx");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      const result = await publish(temporary, target);
      // So that what was linked or renamed outlasts a power failure.
      await syncPath(folder);
      return result;
    } catch (error) {
      throw isDiskFull(error) ? diskFull(target, error) : error;
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** Renames, or copies to another file system and renames there. */
async function move(path: string, target: string): Promise<void> {
  try {
    await rename(path, target);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    const near = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
    await copyFile(path, near);
    await syncPath(near);
    await rename(near, target);
    await rm(path);
  }
}

/** Orders keys as S3 does: by the bytes of their UTF-8. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function noEntries(error: unknown): [] {
  if (isMissing(error)) return [];
  throw error;
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
