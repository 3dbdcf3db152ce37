import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import type { ObjectStore } from "./object-store.ts";

/**
 * A name for any text: readable as far as it fits one part of an object's key, and unlike every other text's by its hash.
 * It never begins with a dot.
 */
export function objectNameOf(text: string): string {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const readable = text.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(-80);
  return `${readable.replace(/^\.+/, "")}-${hash}`;
}

/**
 * Keeps a text, whole or not at all; the same key replaces it.
 * @returns where it lies: a file's URL, or `s3://bucket/key`
 */
export async function keepText(store: ObjectStore, key: string, text: string): Promise<string> {
  await store.put(key, new TextEncoder().encode(text));
  return store.local ? pathToFileURL(store.localPath(key)).href : `${store.root}/${key}`;
}

/** The text under a key; undefined where there is none. */
export async function readText(store: ObjectStore, key: string): Promise<string | undefined> {
  const bytes = await store.read(key);
  return bytes && new TextDecoder().decode(bytes);
}
