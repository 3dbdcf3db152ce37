import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, stat, unlink, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Bytes by the SHA-256 of their content: written once, never changed, so that writing twice is writing once. Workers and
 * clients of one task queue must see the same store.
 */
export interface ObjectStore {
  /** Keeps bytes under their key. Resolves when they are durable. */
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  /** @throws ObjectMissingError */
  get(sha256: string): Promise<Uint8Array>;
  /**
   * Removes what was put last before a moment, and what killed writers have left from then.
   * @param isNeeded Whether an object stays for all its age.
   */
  sweep(before: Date, isNeeded: (sha256: string) => boolean): Promise<SweptObjects>;
}

/** How many objects were removed, and how many bytes they held. */
export interface SweptObjects {
  readonly objects: number;
  readonly bytes: number;
}

/** A value that a run refers to is not in this object store. */
export class ObjectMissingError extends Error {
  readonly code = "OBJECT_MISSING";
  readonly retryable = true;
  readonly hint =
    "Every worker and client of a task queue needs the same object store: set DAGWRIGHT_OBJECTS to one folder that all of them see.";
  constructor(sha256: string, where: string) {
    super(`There is no object ${sha256} in ${where}`);
    this.name = "ObjectMissingError";
  }
}

/**
 * Opens a folder as an object store; it is made with the first object.
 *
 * @param folder Objects lie in it as `<first two digits>/<sha256>`.
 */
export function openObjectFolder(folder: string): ObjectStore {
  const fileOf = (sha256: string) => join(folder, sha256.slice(0, 2), sha256);
  return {
    async put(sha256, bytes) {
      const file = fileOf(sha256);
      const there = await stat(file).catch(() => null);
      if (there?.size === bytes.length && (await isTouched(file))) return;
      await mkdir(dirname(file), { recursive: true });
      // Whole or not at all, also when the machine loses power: what refers to it may outlive this process.
      const partial = `${file}.${process.pid}.${randomBytes(6).toString("hex")}`;
      try {
        const handle = await open(partial, "wx");
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(partial, file);
      } catch (error) {
        await unlink(partial).catch(() => {});
        throw error;
      }
    },
    async get(sha256) {
      try {
        return await readFile(fileOf(sha256));
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT")
          throw new ObjectMissingError(sha256, folder);
        throw error;
      }
    },
    async sweep(before, isNeeded) {
      let objects = 0;
      let bytes = 0;
      for (const file of await filesIn(folder)) {
        const [sha256 = "", partial] = basename(file).split(".");
        if (!SHA256.test(sha256) || (partial === undefined && isNeeded(sha256))) continue;
        // Looked at last of all, for whoever puts it again touches it.
        const there = await stat(file).catch(() => null);
        if (there === null || there.mtime >= before) continue;
        await unlink(file);
        if (partial === undefined) objects += 1;
        bytes += there.size;
      }
      return { objects, bytes };
    },
  };
}

const SHA256 = /^[0-9a-f]{64}$/;

/** Says that a file is in use. @returns false when it has just been swept away */
async function isTouched(file: string): Promise<boolean> {
  const now = new Date();
  return await utimes(file, now, now).then(
    () => true,
    () => false,
  );
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return names.map((name) => join(folder, name));
}

/** Keeps bytes and gives their key, the SHA-256 of their content. */
export async function keep(objects: Pick<ObjectStore, "put">, bytes: Uint8Array): Promise<string> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await objects.put(sha256, bytes);
  return sha256;
}
