import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { diskFull, TrackingError } from "./errors.ts";

/** Files of runs in a folder: `<folder>/<runId>/<path>`. */
export class ArtifactFolder {
  readonly #folder: string;

  /** @param folder absolute */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a file whole or not at all. @throws ARTIFACT_PATH, DISK_FULL */
  async write(runId: string, path: string, bytes: Uint8Array): Promise<void> {
    const file = this.#fileOf(runId, path);
    // Half-written files live beside the runs, never among the artifacts of one.
    const temporary = join(this.#folder, ".writing", randomUUID());
    try {
      await mkdir(dirname(temporary), { recursive: true });
      await mkdir(dirname(file), { recursive: true });
      const handle = await open(temporary, "wx");
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
      await syncFolder(dirname(file));
    } catch (error) {
      await rm(temporary, { force: true });
      const code = errnoOf(error);
      if (code === "ENOSPC" || code === "EDQUOT") throw diskFull(`the artifact "${path}"`, error);
      if (code === "ENOTDIR" || code === "EISDIR" || code === "EEXIST")
        throw new TrackingError(
          "ARTIFACT_PATH",
          `path "${path}" is a folder, or lies under a file, among the artifacts of run ${runId}.`,
          { field: "path" },
        );
      throw error;
    }
  }

  /** @throws ARTIFACT_PATH, ARTIFACT_NOT_FOUND */
  async read(runId: string, path: string): Promise<Uint8Array> {
    const file = this.#fileOf(runId, path);
    try {
      return new Uint8Array(await readFile(file));
    } catch (error) {
      const code = errnoOf(error);
      if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EISDIR") throw error;
      const there = await this.list(runId);
      throw new TrackingError("ARTIFACT_NOT_FOUND", `Run ${runId} has no artifact "${path}".`, {
        field: "path",
        hint: there.length === 0 ? "It has no artifacts." : `It has: ${there.slice(0, 20).join(", ")}.`,
      });
    }
  }

  /** Paths of a run's files, sorted. */
  async list(runId: string): Promise<string[]> {
    const root = join(this.#folder, runId);
    try {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .sort();
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  }

  /** @throws ARTIFACT_PATH */
  uri(runId: string, path: string): string {
    return pathToFileURL(this.#fileOf(runId, path)).href;
  }

  #fileOf(runId: string, path: string): string {
    if (!/^[0-9a-f]{32}$/.test(runId))
      throw new TrackingError("RUN_NOT_FOUND", `There is no run "${runId}": a run id has 32 hexadecimal digits.`, {
        field: "runId",
      });
    const segments = path.split("/");
    const unsafe = segments.some((segment) => segment === "" || segment === "." || segment === "..");
    if (unsafe || path.includes("\\") || path.includes("\0") || path.length > 1000)
      throw new TrackingError(
        "ARTIFACT_PATH",
        `path ${JSON.stringify(path)} must be relative, its segments joined by "/", without ".", ".." or backslashes.`,
        { field: "path" },
      );
    return join(this.#folder, runId, ...segments);
  }
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
