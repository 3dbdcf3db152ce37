import { nearest } from "@dagwright/mcp-kit/nearest";
import { type Dag, isDag } from "./dag.ts";
import { DagNotFoundError, DuplicateDagError } from "./errors.ts";

/** The DAGs a process knows. */
export interface DagRegistry {
  /** @throws DagNotFoundError that suggests the nearest id and lists the known ones. */
  get(dagId: string): Dag;
  /** All DAGs, by id. */
  list(): readonly Dag[];
}

/**
 * Makes a registry of DAGs.
 * @throws DuplicateDagError when two DAGs share an id.
 */
export function createRegistry(dags: readonly Dag[]): DagRegistry {
  const known = new Map<string, Dag>();
  for (const dag of dags) {
    if ((known.get(dag.id) ?? dag) !== dag) throw new DuplicateDagError(dag.id);
    known.set(dag.id, dag);
  }
  const ids = [...known.keys()].sort();
  return {
    get(dagId) {
      const dag = known.get(dagId);
      if (dag === undefined) throw new DagNotFoundError(dagId, nearest(dagId, ids), ids);
      return dag;
    },
    list: () => ids.flatMap((id) => known.get(id) ?? []),
  };
}

/** The DAGs that a module exports: named, or in an array as its default. */
export function dagsOfModule(moduleNamespace: Readonly<Record<string, unknown>>): Dag[] {
  const found = Object.values(moduleNamespace).flatMap((exported) => (Array.isArray(exported) ? exported : [exported]));
  return [...new Set(found.filter(isDag))];
}
