import { realpath } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { controllersOfModule, type RetrainingController } from "../language/controller.ts";
import type { Dag } from "../language/dag.ts";
import { dagsOfModule } from "../language/registry.ts";
import { ENGINE_FOLDER } from "./bare-imports.ts";
import { type Compiled, compile } from "./compile.ts";
import { BrokenDagFileError } from "./errors.ts";
import { type FoundFiles, findDagFiles } from "./found-files.ts";
import { type Exports, type KnownModules, moduleLoader } from "./modules.ts";
import { placeOfError } from "./place-of-error.ts";

/** What DAG files hold. */
export interface LoadedDags {
  readonly dags: readonly Dag[];
  readonly controllers: readonly RetrainingController[];
  /** The file of each DAG, by DAG id. */
  readonly files: ReadonlyMap<string, string>;
}

/** What one DAG file holds. */
export interface DagFile {
  readonly dags: readonly Dag[];
  readonly controllers: readonly RetrainingController[];
}

/** What became of reading files, each by itself. */
export interface ReadDagFiles {
  /** In the order in which they were found. */
  readonly files: ReadonlyMap<string, DagFile | BrokenDagFileError>;
  /** All local files that were read, as far as they were compiled here. */
  readonly inputs: readonly string[];
  /** Folders where a file could appear that would change the result. */
  readonly folders: readonly string[];
}

/**
 * Loads the DAGs of files and folders (folders with all they hold, tests and hidden files aside).
 *
 * @param paths Files or folders. A file named here must export a DAG; one found in a folder may be without.
 * @param cacheFolder Where compiled copies of files outside the project are kept.
 * @throws BrokenDagFileError for the first file that cannot be read, with the reason in words.
 */
export async function loadDagFiles(paths: readonly string[], cacheFolder: string): Promise<LoadedDags> {
  const { files } = await readDagFiles(paths, cacheFolder);
  const { broken, ...loaded } = joinDagFiles(files);
  for (const error of broken) throw error;
  return loaded;
}

/**
 * The same, of what is sound: a broken file that was found in a folder leaves the others alone.
 * @param o.lenient Paths that somebody else has named: what is broken or missing there leaves the others alone, too.
 * @throws BrokenDagFileError for a file that is named itself, or a path that is missing.
 */
export async function loadSoundDags(
  paths: readonly string[],
  cacheFolder: string,
  o: { readonly lenient?: readonly string[] } = {},
): Promise<LoadedDags & { readonly broken: readonly BrokenDagFileError[] }> {
  const { files } = await readDagFiles([...paths, ...(o.lenient ?? [])], cacheFolder);
  const loaded = joinDagFiles(files);
  const named = new Set(paths.map((path) => resolve(path)));
  for (const error of loaded.broken) if (named.has(resolve(error.file))) throw error;
  return loaded;
}

/**
 * Reads DAG files, each by itself: one that is broken leaves the others alone. A file that finds this very engine by its
 * own `node_modules` is imported as it is; any other is compiled with its bare imports (`@dagwright/engine`, `zod`) bound
 * to ours, so that a file in an empty folder works.
 *
 * @param o.fresh Compiles all of them: Node imports a file that is imported as it is once only. @default false
 * @param o.known Modules of the reading before: what has not changed is taken from there, and is the same.
 */
export async function readDagFiles(
  paths: readonly string[],
  cacheFolder: string,
  o: { readonly fresh?: boolean; readonly known?: KnownModules } = {},
): Promise<ReadDagFiles> {
  const found = await findDagFiles(paths, cacheFolder);
  const reals = new Map(
    await Promise.all(found.files.map(async (file) => [file, await realpath(file).catch(() => file)] as const)),
  );
  const finds = o.fresh === true ? async () => false : engineFinder();
  const asTheyAre = new Set<string>();
  for (const real of reals.values()) if (await finds(dirname(real))) asTheyAre.add(real);
  const compiled = await compile(
    [...new Set(reals.values())].filter((real) => !asTheyAre.has(real)),
    cacheFolder,
  );
  const load = await moduleLoader(compiled.code, o.known ?? new Map());
  const read = await Promise.all(
    [...reals].map(async ([file, real]): Promise<[string, DagFile | BrokenDagFileError]> => {
      const why = compiled.broken.get(real);
      if (why !== undefined) return [file, new BrokenDagFileError(file, why)];
      const module = asTheyAre.has(real) ? real : compiled.modules.get(real);
      if (module === undefined) return [file, new BrokenDagFileError(file, "it was not compiled")];
      return [file, await heldBy(file, found, compiled, () => load(module))];
    }),
  );
  const missing = found.missing.map((error): [string, BrokenDagFileError] => [error.file, error]);
  return {
    files: new Map([...missing, ...read]),
    inputs: compiled.inputs,
    folders: [...new Set([...found.folders, ...compiled.lookedIn, ...compiled.inputs.map((file) => dirname(file))])],
  };
}

/** What all files hold together; a file is broken, too, when another before it has a DAG of the same id. */
export function joinDagFiles(
  files: ReadonlyMap<string, DagFile | BrokenDagFileError>,
): LoadedDags & { readonly broken: readonly BrokenDagFileError[] } {
  const dags = new Map<string, Dag>();
  const owners = new Map<string, string>();
  const controllers = new Map<string, RetrainingController>();
  const broken: BrokenDagFileError[] = [];
  for (const [file, held] of files) {
    if (held instanceof BrokenDagFileError) {
      broken.push(held);
      continue;
    }
    const taken = held.dags.find(({ id }) => dags.has(id) && dags.get(id) !== held.dags.find((one) => one.id === id));
    if (taken !== undefined) {
      broken.push(new BrokenDagFileError(file, `DAG "${taken.id}" is already defined in ${owners.get(taken.id)}`));
      continue;
    }
    for (const dag of held.dags) {
      // A file may hand on the DAG of another.
      if (dags.has(dag.id)) continue;
      dags.set(dag.id, dag);
      owners.set(dag.id, file);
    }
    for (const controller of held.controllers) controllers.set(controller.model, controller);
  }
  return { dags: [...dags.values()], controllers: [...controllers.values()], files: owners, broken };
}

async function heldBy(
  file: string,
  { named }: FoundFiles,
  { code, circleOf }: Compiled,
  load: () => Promise<Exports>,
): Promise<DagFile | BrokenDagFileError> {
  try {
    const exported = await load();
    const dags = dagsOfModule(exported);
    if (dags.length === 0 && named.has(file))
      return new BrokenDagFileError(file, "exports no DAG (use `defineDag` and export it)");
    return { dags, controllers: controllersOfModule(exported) };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const line = placeOfError(cause, file, code);
    const circle = circleOf(await realpath(file).catch(() => file));
    const why = `${line === null ? message : `${line}: ${message}`}${circle === null ? "" : circleText(circle)}`;
    return new BrokenDagFileError(file, why, { cause });
  }
}

function circleText(circle: readonly string[]): string {
  const names = circle.map((file) => relative(dirname(circle[0] ?? file), file));
  return ` (${names.join(" → ")}: files that import each other in a circle may not have what they need yet; move what both need into a third)`;
}

/** Whether files of a folder find this very engine by their own `node_modules`; each folder is looked at once. */
function engineFinder(): (folder: string) => Promise<boolean> {
  const ours = realpath(ENGINE_FOLDER);
  const known = new Map<string, Promise<boolean>>();
  const finds = (folder: string): Promise<boolean> => {
    const before = known.get(folder);
    if (before !== undefined) return before;
    const answer = (async () => {
      const theirs = await realpath(join(folder, "node_modules", "@dagwright", "engine")).catch(() => null);
      if (theirs !== null) return theirs === (await ours);
      return dirname(folder) === folder ? false : await finds(dirname(folder));
    })();
    known.set(folder, answer);
    return answer;
  };
  return finds;
}
