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

/** DAGs with those that they start runs of, near and far. */
function withChildren(dags: readonly Dag[]): readonly Dag[] {
  const found = new Set(dags);
  // What is added on the way is visited as well.
  for (const dag of found) for (const child of dag.children.values()) found.add(child);
  return [...found];
}

/**
 * Makes a registry of DAGs, those included that they start runs of.
 * @throws DuplicateDagError when two DAGs share an id.
 */
export function createRegistry(dags: readonly Dag[]): DagRegistry {
  const known = new Map<string, Dag>();
  const named = new Set(dags);
  for (const dag of withChildren(dags)) {
    const other = known.get(dag.id) ?? dag;
    // A sub-DAG may be a copy: each DAG file is read by itself.
    if (other !== dag && (named.has(dag) || other.graph.version !== dag.graph.version)) {
      throw new DuplicateDagError(dag.id);
    }
    known.set(dag.id, other);
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
