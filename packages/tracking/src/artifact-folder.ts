import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { diskFull, TrackingError } from "./errors.ts";

/** The scheme of what lies in this folder; MLflow's clients ask the server for it. */
const SCHEME = "mlflow-artifacts:/";

/** Half-written files live beside the artifacts, never among them. */
const WRITING = ".writing";

export interface ArtifactEntry {
  /** The last segment of its path. */
  readonly name: string;
  readonly folder: boolean;
  /** Bytes; 0 for a folder. */
  readonly size: number;
}

/** Files by paths, in a folder. A reader sees a file whole or not at all. */
export class ArtifactFolder {
  readonly #folder: string;

  /** @param folder absolute */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The path in this folder that an artifact URI means, `mlflow-artifacts:/1/…`. @throws ARTIFACTS_ELSEWHERE */
  pathOf(uri: string): string {
    if (!uri.startsWith(SCHEME))
      throw new TrackingError("ARTIFACTS_ELSEWHERE", `The artifacts of ${uri} are not kept by this tracking store.`, {
        hint: "Only experiments without an artifact location of their own keep artifacts here.",
      });
    // mlflow-artifacts://host/path names a server too: this one.
    const rest = uri.slice(SCHEME.length);
    return (rest.startsWith("/") ? rest.slice(1).replace(/^[^/]*\/?/, "") : rest).replace(/\/+$/, "");
  }

  /** Writes a file whole or not at all. @throws ARTIFACT_PATH, DISK_FULL */
  async write(path: string, bytes: Uint8Array | Readable): Promise<void> {
    const file = this.#fileOf(path);
    const temporary = join(this.#folder, WRITING, randomUUID());
    try {
      await mkdir(dirname(temporary), { recursive: true });
      await mkdir(dirname(file), { recursive: true });
      if (bytes instanceof Uint8Array) {
        const handle = await open(temporary, "wx");
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
      } else await pipeline(bytes, createWriteStream(temporary, { flags: "wx", flush: true }));
      await rename(temporary, file);
      await syncFolder(dirname(file));
    } catch (error) {
      await rm(temporary, { force: true });
      const code = errnoOf(error);
      if (code === "ENOSPC" || code === "EDQUOT") throw diskFull(`the artifact "${path}"`, error);
      if (code === "ENOTDIR" || code === "EISDIR" || code === "EEXIST")
        throw new TrackingError("ARTIFACT_PATH", `path "${path}" is a folder, or lies under a file.`, {
          field: "path",
        });
      throw error;
    }
  }

  /** @throws ARTIFACT_PATH, ARTIFACT_NOT_FOUND */
  async read(path: string): Promise<Uint8Array> {
    try {
      return new Uint8Array(await readFile(this.#fileOf(path)));
    } catch (error) {
      throw notThere(path, error);
    }
  }

  /** A file as a stream, and its size in bytes. @throws ARTIFACT_PATH, ARTIFACT_NOT_FOUND */
  async stream(path: string): Promise<{ stream: Readable; size: number }> {
    const file = this.#fileOf(path);
    try {
      const about = await stat(file);
      if (about.isDirectory())
        throw new TrackingError("ARTIFACT_PATH", `Artifact path refers to a directory, not a file: '${path}'`, {
          field: "path",
        });
      return { stream: createReadStream(file), size: about.size };
    } catch (error) {
      throw notThere(path, error);
    }
  }

  /** What lies in a folder, by name; nothing where there is none. @param path empty for the whole */
  async list(path: string): Promise<ArtifactEntry[]> {
    const folder = path === "" ? this.#folder : this.#fileOf(path);
    const entries = await readdir(folder, { withFileTypes: true }).catch(noEntries);
    const found = entries.filter(({ name }) => path !== "" || name !== WRITING);
    const sizes = await Promise.all(
      found.map(async (entry) => (entry.isDirectory() ? 0 : (await stat(join(folder, entry.name))).size)),
    );
    return found
      .map((entry, at) => ({ name: entry.name, folder: entry.isDirectory(), size: sizes[at] ?? 0 }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Paths of all files under a folder, from there, sorted. */
  async files(path: string): Promise<string[]> {
    const root = this.#fileOf(path);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(noEntries);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
      .sort();
  }

  /** Removes a file, or a folder with all in it; none is no error. @throws ARTIFACT_PATH */
  async remove(path: string): Promise<void> {
    await rm(this.#fileOf(path), { recursive: true, force: true });
  }

  /** The file URL of an artifact, whether or not it is there. @throws ARTIFACT_PATH */
  url(path: string): string {
    return pathToFileURL(this.#fileOf(path)).href;
  }

  #fileOf(path: string): string {
    checkArtifactPath(path);
    const segments = path.split("/");
    if (segments[0] === WRITING)
      throw new TrackingError("ARTIFACT_PATH", `path ${JSON.stringify(path)} is taken.`, { field: "path" });
    return join(this.#folder, ...segments);
  }
}

/** @throws ARTIFACT_PATH unless it is relative, its segments joined by `/`; no `.` or `..`, no backslash */
export function checkArtifactPath(path: string): void {
  const unsafe = path.split("/").some((segment) => segment === "" || segment === "." || segment === "..");
  if (unsafe || path.includes("\\") || path.includes("\0") || path.length > 1_500)
    throw new TrackingError(
      "ARTIFACT_PATH",
      `path ${JSON.stringify(path)} must be relative, its segments joined by "/", without ".", ".." or backslashes.`,
      { field: "path", mlflow: "Invalid path" },
    );
}

function noEntries(error: unknown): [] {
  const code = errnoOf(error);
  if (code === "ENOENT" || code === "ENOTDIR") return [];
  throw error;
}

function notThere(path: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EISDIR") return error;
  return new TrackingError("ARTIFACT_NOT_FOUND", `There is no artifact "${path}".`, {
    field: "path",
    mlflow: `No such artifact: '${path}'`,
  });
}

/** Makes a rename into the folder outlive a power failure. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
