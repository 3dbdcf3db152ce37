import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errnoOf, ServingError } from "./errors.ts";

/** Writes a file or replaces it: a reader sees the old one or the new one, whole, also after a crash. @throws DISK_FULL */
export async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const code = errnoOf(error);
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    throw new ServingError("DISK_FULL", `No space left on the disk while writing ${file}; it is as it was.`, {
      hint: "Free some space where the serving folder lives, then try again.",
      cause: error,
    });
  }
}
