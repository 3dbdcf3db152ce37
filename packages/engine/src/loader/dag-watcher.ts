import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { RetrainingController } from "../language/controller.ts";
import type { Dag } from "../language/dag.ts";
import { DuplicateDagError } from "../language/errors.ts";
import { createRegistry, type DagRegistry } from "../language/registry.ts";
import { type DagFile, joinDagFiles, type LoadedDags, readDagFiles } from "./dag-files.ts";
import { BrokenDagFileError } from "./errors.ts";
import { FileStamps } from "./file-stamps.ts";
import { watchFolders } from "./folder-watch.ts";
import { findDagFiles } from "./found-files.ts";
import type { KnownModules } from "./modules.ts";

/** How long files must be left alone before they are read, in milliseconds: editors write in several steps. */
const SETTLED_MS = 40;

/** What a change of DAG files came to. */
export interface DagReload {
  /** All DAGs as they are now. */
  readonly dags: readonly Dag[];
  readonly controllers: readonly RetrainingController[];
  /** The file of each DAG, by DAG id. */
  readonly files: ReadonlyMap<string, string>;
  /** Ids of DAGs. Changed are also those whose tasks have other code and whose graph is the same. */
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Files that are broken, and were not so before: their former DAGs stay in use. */
  readonly broken: readonly BrokenDagFileError[];
  /** Files that were broken and are so no more. */
  readonly mended: readonly string[];
  /** Broken files, newly or still, that no former DAGs stand in for: what they define is not there. */
  readonly absent: readonly string[];
}

export interface WatchOptions {
  /** Files or folders, as for `loadDagFiles`. */
  readonly paths: readonly string[];
  readonly cacheFolder: string;
  /** Called after each reading that changed something, one call at a time. */
  readonly onReload: (reload: DagReload) => void | Promise<void>;
}

/** DAG files that are read again when they change. */
export interface WatchedDags {
  /** What was loaded at first. */
  readonly first: DagReload;
  /** Knows the newest version of each DAG. */
  readonly registry: DagRegistry;
  close(): void;
}

/** What the files of a moment came to. */
interface Standing {
  readonly loaded: LoadedDags;
  readonly registry: DagRegistry;
  /** What each file held when it was last sound. */
  readonly sound: ReadonlyMap<string, DagFile>;
  readonly broken: ReadonlyMap<string, BrokenDagFileError>;
}

/**
 * Loads DAG files and reads them again when they, or local modules that they import, change. A file that is broken keeps
 * its former DAGs, at first none; a file that is gone takes its DAGs with it.
 */
export async function watchDagFiles({ paths, cacheFolder, onReload }: WatchOptions): Promise<WatchedDags> {
  const known: KnownModules = new Map();
  const stamps = new FileStamps();
  let standing: Standing = {
    loaded: { dags: [], controllers: [], files: new Map() },
    registry: createRegistry([]),
    sound: new Map(),
    broken: new Map(),
  };
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let turn: Promise<void> = Promise.resolve();

  const soon = () => {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(() => {
      turn = turn.then(again);
    }, SETTLED_MS);
  };
  const folders = watchFolders(soon);

  const read = async (): Promise<DagReload> => {
    const begun = Date.now();
    const before = standing;
    const result = await readDagFiles(paths, cacheFolder, { fresh: true, known });
    await stamps.complete(result.inputs, begun);
    // What happened in a folder before it was watched is looked for once more.
    if (folders.follow([...new Set(result.folders.map(nearestFolder))])) soon();
    standing = standingOf(before, result.files);
    return differenceOf(before, standing);
  };
  const again = async () => {
    if (closed) return;
    const { files } = await findDagFiles(paths, cacheFolder);
    // A broken file may lack another one that nobody has read yet.
    if (!(await stamps.haveChanged(files)) && standing.broken.size === 0) return;
    const reload = await read();
    if (!closed && isNews(reload)) await onReload(reload);
  };

  await stamps.haveChanged((await findDagFiles(paths, cacheFolder)).files);
  const first = await read();
  return {
    first,
    registry: {
      get: (dagId) => standing.registry.get(dagId),
      list: () => standing.registry.list(),
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      folders.close();
    },
  };
}

/** What newly read files come to: a broken one is stood in for by its former self. */
function standingOf(before: Standing, files: ReadonlyMap<string, DagFile | BrokenDagFileError>): Standing {
  const broken = new Map<string, BrokenDagFileError>();
  const held = new Map<string, DagFile | BrokenDagFileError>();
  for (const [file, now] of files) {
    if (now instanceof BrokenDagFileError) broken.set(file, now);
    held.set(file, now instanceof BrokenDagFileError ? (before.sound.get(file) ?? now) : now);
  }
  // A DAG id that another file has already is the mistake of the file that came later, whatever their names.
  const claimsAnothers = ([file, one]: [string, DagFile | BrokenDagFileError]) =>
    !(one instanceof BrokenDagFileError) && one.dags.some(({ id }) => (before.loaded.files.get(id) ?? file) !== file);
  const claims = [...held].filter(claimsAnothers);
  const byAge = new Map([...[...held].filter((one) => !claimsAnothers(one)), ...claims]);
  for (const clash of joinDagFiles(byAge).broken) {
    if (broken.has(clash.file)) continue;
    broken.set(clash.file, clash);
    held.set(clash.file, before.sound.get(clash.file) ?? clash);
  }
  const { broken: _, ...loaded } = joinDagFiles(held);
  try {
    const sound = [...held].flatMap(([file, one]): [string, DagFile][] =>
      one instanceof BrokenDagFileError ? [] : [[file, one]],
    );
    return { loaded, registry: createRegistry(loaded.dags), sound: new Map(sound), broken };
  } catch (error) {
    if (!(error instanceof DuplicateDagError)) throw error;
    // A sub-DAG that is another one than the DAG of that id: all stays as it was.
    const file = loaded.files.get(error.dagId) ?? "";
    return { ...before, broken: new Map(broken).set(file, new BrokenDagFileError(file, error.message)) };
  }
}

function differenceOf(before: Standing, { loaded, broken, sound }: Standing): DagReload {
  const former = new Map(before.loaded.dags.map((dag) => [dag.id, dag]));
  const now = new Map(loaded.dags.map((dag) => [dag.id, dag]));
  const ids = [...now.keys()];
  return {
    dags: loaded.dags,
    controllers: loaded.controllers,
    files: loaded.files,
    added: ids.filter((id) => !former.has(id)),
    changed: ids.filter((id) => former.has(id) && former.get(id) !== now.get(id)),
    removed: [...former.keys()].filter((id) => !now.has(id)),
    broken: [...broken.values()].filter(({ file, message }) => before.broken.get(file)?.message !== message),
    mended: [...before.broken.keys()].filter((file) => !broken.has(file) && sound.has(file)),
    absent: [...broken.keys()].filter((file) => !sound.has(file)),
  };
}

function isNews({ added, changed, removed, broken, mended }: DagReload): boolean {
  return [added, changed, removed, broken, mended].some((list) => list.length > 0);
}

/** The folder itself, or the nearest above it that is there: it tells when the missing one comes. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
