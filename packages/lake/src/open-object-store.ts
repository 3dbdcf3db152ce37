import { mkdir, realpath } from "node:fs/promises";
import { FileStore } from "./file-store.ts";
import type { ObjectStore, S3Options } from "./object-store.ts";

/**
 * Opens a folder, made when it is not there, or a prefix of a bucket.
 * @param root A path, or `s3://bucket/prefix`.
 */
export async function openObjectStore(root: string, s3: S3Options = {}): Promise<ObjectStore> {
  if (root.startsWith("s3:")) return new (await import("./s3-store.ts")).S3Store(root, s3);
  await mkdir(root, { recursive: true });
  return new FileStore(await realpath(root));
}
