import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { z } from "zod";

/** Where DAGs come from, in names that are the same on every machine: `<package>:<path within it>`. */
export interface DagSources {
  /** The files and folders that were named. */
  readonly owned: readonly string[];
  /** The file of each DAG, by DAG id. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Names the sources of DAGs that were loaded from some paths. A path within no package keeps its whole name.
 *
 * @param files The file of each DAG, as `loadDagFiles` tells it.
 */
export function dagSources(paths: readonly string[], files: ReadonlyMap<string, string>): DagSources {
  const roots = paths.map((path) => ({ path: resolve(path), name: nameOf(resolve(path)) }));
  const sources = new Map<string, string>();
  for (const [dagId, file] of files) {
    const root = roots.find(({ path }) => file === path || file.startsWith(`${path}${sep}`));
    if (root === undefined) continue;
    const within = relative(root.path, file).split(sep).join("/");
    const joint = within === "" || root.name.endsWith(":") ? "" : "/";
    sources.set(dagId, `${root.name}${joint}${within}`);
  }
  return { owned: roots.map(({ name }) => name), sources };
}

/** What a package's file says of itself. */
const PackageFile = z.looseObject({ name: z.string().min(1) });

function nameOf(path: string): string {
  const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === false ? dirname(path) : path;
  for (let at = folder; ; at = dirname(at)) {
    const name = packageIn(at);
    if (name !== null) return `${name}:${relative(at, path).split(sep).join("/")}`;
    if (dirname(at) === at) return path;
  }
}

function packageIn(folder: string): string | null {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return null;
  try {
    return PackageFile.parse(JSON.parse(readFileSync(file, "utf8"))).name;
  } catch {
    return null;
  }
}
