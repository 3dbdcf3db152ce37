import { readdir, stat } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { controllersOfModule, type RetrainingController } from "../language/controller.ts";
import type { Dag } from "../language/dag.ts";
import { dagsOfModule } from "../language/registry.ts";
import { importDagFile } from "./import-dag-file.ts";

/** What DAG files hold, and which of them could not be read. */
export interface LoadedDags {
  readonly dags: readonly Dag[];
  readonly controllers: readonly RetrainingController[];
  /** The file of each DAG, by DAG id. */
  readonly files: ReadonlyMap<string, string>;
}

/** A DAG file that is missing, does not compile, throws, or exports no DAG. */
export class BrokenDagFileError extends Error {
  readonly code = "DAG_FILE_BROKEN";
  readonly retryable = false;
  readonly hint = "Mend the file; `dagwright test FILE` shows the same error faster.";
  constructor(
    readonly file: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`DAG file ${file}: ${why}`, options);
    this.name = "BrokenDagFileError";
  }
}

const SOURCES = new Set([".ts", ".mts", ".js", ".mjs"]);
const isDagFile = (name: string) =>
  SOURCES.has(extname(name)) && !/\.(test|d)\.m?ts$/.test(name) && !name.startsWith(".");

/**
 * Loads the DAGs of files and folders (folders with all they hold, tests and hidden files aside).
 *
 * @param paths Files or folders. A file named here must export a DAG; one found in a folder may be without.
 * @param cacheFolder Where compiled copies of files outside the project are kept.
 * @throws BrokenDagFileError for the first file that cannot be read, with the reason in words.
 */
export async function loadDagFiles(paths: readonly string[], cacheFolder: string): Promise<LoadedDags> {
  const dags = new Map<string, Dag>();
  const files = new Map<string, string>();
  const controllers = new Map<string, RetrainingController>();
  for (const path of paths) {
    const { found, named } = await dagFilesOf(resolve(path));
    for (const file of found) {
      const module = await importDagFile(file, cacheFolder).catch((cause: unknown) => {
        throw new BrokenDagFileError(file, cause instanceof Error ? cause.message : String(cause), { cause });
      });
      const own = dagsOfModule(module);
      if (own.length === 0 && named)
        throw new BrokenDagFileError(file, "exports no DAG (use `defineDag` and export it)");
      for (const dag of own) {
        const other = files.get(dag.id);
        if (other !== undefined && other !== file) {
          throw new BrokenDagFileError(file, `DAG "${dag.id}" is already defined in ${other}`);
        }
        dags.set(dag.id, dag);
        files.set(dag.id, file);
      }
      for (const controller of controllersOfModule(module)) controllers.set(controller.model, controller);
    }
  }
  return { dags: [...dags.values()], controllers: [...controllers.values()], files };
}

async function dagFilesOf(path: string): Promise<{ found: string[]; named: boolean }> {
  const info = await stat(path).catch(() => null);
  if (info === null) throw new BrokenDagFileError(path, "there is no such file or folder");
  if (!info.isDirectory()) return { found: [path], named: true };
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const found = entries
    .filter((entry) => entry.isFile() && isDagFile(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    // Hidden folders are tools' own, ours (`.dagwright`) among them.
    .filter((file) => !/[\\/](\.|node_modules[\\/])/.test(file.slice(path.length)))
    .sort();
  return { found, named: false };
}
