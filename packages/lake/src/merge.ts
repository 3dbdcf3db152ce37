import type { MergeOptions, MergeResult } from "./api.ts";
import { deltaToDuck } from "./column-types.ts";
import { checkMayRemove } from "./commit.ts";
import type { HeldFiles } from "./data-files.ts";
import type { AddFile, DeltaField } from "./delta-actions.ts";
import type { Bindings, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { quoteIdentifier } from "./names.ts";
import { countRows } from "./removal.ts";
import type { Snapshot } from "./replay.ts";
import { dataKey, holdFiles } from "./table-files.ts";
import { changeTable, type Plan, type Rows, readsItself, type Workshop } from "./write.ts";
import { conform, incomingColumns } from "./write-columns.ts";
import type { NewFiles } from "./write-files.ts";
import { checkTarget } from "./write-options.ts";

/** Checks everything about a merge that can be known before it starts. */
export function checkMerge(o: MergeOptions): void {
  checkTarget(o);
  const refuse = (field: string, message: string) => {
    throw new LakeError("WRITE_ARGUMENT", message, { field });
  };
  if (o.on.length === 0 || new Set(o.on).size !== o.on.length)
    refuse("on", `on must name at least one column, each once; it is [${o.on.join(", ")}].`);
  if (o.whenMatched === "ignore" && o.whenNotMatched === "ignore" && o.whenNotMatchedBySource !== "delete")
    refuse("whenMatched", "The merge would change nothing: all of its clauses ignore.");
}

/**
 * Merges a query's rows into a table in one commit, by writing anew the files that hold rows to change. Beaten by a
 * commit that may hold rows of its keys, it is worked out again.
 */
export async function mergeTable(workshop: Workshop, o: MergeOptions, rows: Rows): Promise<MergeResult> {
  const result = await changeTable(
    workshop,
    o,
    () => true,
    async (session, held, found, files) => {
      const base = found ?? (await workshop.log.get(o.table));
      return await rows(session, held, base, (query, bindings) =>
        planMerge(o, query, bindings, session, held, base, files),
      );
    },
  );
  const { merge, ...info } = result.info;
  const count = (name: string) =>
    typeof merge === "object" && merge !== null && name in merge ? Number(Reflect.get(merge, name)) : 0;
  return {
    ...result,
    info,
    rowsInserted: count("rowsInserted"),
    rowsUpdated: count("rowsUpdated"),
    rowsDeleted: count("rowsDeleted"),
  };
}

async function planMerge(
  o: MergeOptions,
  query: string,
  bindings: Bindings,
  session: Session,
  held: HeldFiles,
  base: Snapshot,
  files: NewFiles,
): Promise<Plan> {
  const incoming = await incomingColumns(session, query, bindings);
  checkKeys(o, base, incoming);
  const add = o.mergeSchema ?? false;
  // Only a row that is inserted needs a value for every column.
  const fields = conform(o.table, incoming, base.fields, { add, lack: add || o.whenNotMatched === "ignore" });
  const merge = new Merge(o, base, fields, incoming);
  await merge.stage(session, query, bindings);
  const touched = await merge.touched(session, held);
  if (touched.files.length > 0) checkMayRemove(base);
  const inserts = o.whenNotMatched === "ignore" ? undefined : await merge.inserts(held);
  const [[inserted] = []] = inserts ? await session.rows(`SELECT count(*) FROM (${inserts})`) : [[0]];
  const rows = [touched.rows, Number(inserted) > 0 ? inserts : undefined].filter((part) => part !== undefined);
  const partitionColumns = base.metaData.partitionColumns;
  const added =
    rows.length === 0 ? [] : await files.write(session, rows.join(" UNION ALL "), {}, fields, partitionColumns);
  const { updated, deleted } = touched;
  const counts = { rowsInserted: Number(inserted), rowsUpdated: updated, rowsDeleted: deleted };
  return {
    operation: "MERGE",
    operationParameters: { predicate: o.on.map((c) => `target.${c} = source.${c}`).join(" AND ") },
    fields,
    partitionColumns,
    added,
    removed: touched.files,
    note: {
      rowsWritten: Number(inserted) + updated,
      rowsRemoved: updated + deleted,
      info: { ...o.info, merge: counts },
    },
    reads: readsItself(o) ? "table" : await merge.reads(session),
  };
}

function checkKeys(o: MergeOptions, base: Snapshot, incoming: readonly DeltaField[]): void {
  const unknown = o.on.find((c) => !base.fields.some((f) => f.name === c) || !incoming.some((i) => i.name === c));
  if (unknown === undefined) return;
  throw new LakeError("WRITE_ARGUMENT", `on names ${unknown}, which is no column of both the table and the query.`, {
    field: "on",
  });
}

/** Files that a merge writes anew, and the SQL of the rows that come in their place. */
interface Touched {
  readonly files: readonly AddFile[];
  readonly rows: string | undefined;
  readonly updated: number;
  readonly deleted: number;
}

/** One merge on one version: its rows in `__source`, their keys in `__keys`. */
class Merge {
  readonly #o: MergeOptions;
  readonly #base: Snapshot;
  readonly #fields: readonly DeltaField[];
  readonly #given: readonly DeltaField[];

  constructor(o: MergeOptions, base: Snapshot, fields: readonly DeltaField[], incoming: readonly DeltaField[]) {
    this.#o = o;
    this.#base = base;
    this.#fields = fields;
    this.#given = fields.filter((f) => incoming.some((i) => i.name === f.name));
  }

  async stage(session: Session, query: string, bindings: Bindings): Promise<void> {
    const columns = this.#given.map(
      (f) => `CAST(${quoteIdentifier(f.name)} AS ${deltaToDuck(f.type)}) AS ${quoteIdentifier(f.name)}`,
    );
    await session.run(`CREATE TEMP TABLE __source AS SELECT ${columns.join(", ")} FROM (${query})`, bindings);
    const keys = this.#o.on.map(quoteIdentifier);
    const known = keys.map((k) => `${k} IS NOT NULL`).join(" AND ");
    await session.run(
      `CREATE TEMP TABLE __keys AS SELECT ${keys.join(", ")}, count(*) AS __times FROM __source WHERE ${known} GROUP BY ALL`,
    );
  }

  async touched(session: Session, held: HeldFiles): Promise<Touched> {
    const { whenMatched = "update", whenNotMatchedBySource = "keep" } = this.#o;
    const base = this.#base;
    const nothing = { files: [], rows: undefined, updated: 0, deleted: 0 };
    if (base.files.length === 0) return nothing;
    const table = await holdFiles(held, base, base.files, true);
    const found = await session.rows(
      `SELECT __file, count(*), count(k.__times), max(k.__times) FROM (${table}) t LEFT JOIN __keys k ON ${this.#equal("t", "k")} GROUP BY __file`,
    );
    const byPath = new Map(base.files.map((f) => [held.path(dataKey(base.table, f.path)), f]));
    let [updated, deleted] = [0, 0];
    const files = found.flatMap(([path, all, matched, times]) => {
      const file = byPath.get(String(path));
      if (!file) return [];
      const gone = whenNotMatchedBySource === "delete" ? Number(all) - Number(matched) : 0;
      const changed = whenMatched === "ignore" ? 0 : Number(matched);
      if (whenMatched === "update" && Number(times ?? 0) > 1) throw this.#ambiguous();
      updated += whenMatched === "update" ? changed : 0;
      deleted += gone + (whenMatched === "delete" ? changed : 0);
      return gone + changed > 0 ? [file] : [];
    });
    if (files.length === 0) return nothing;
    const stays =
      whenMatched === "delete"
        ? "k.__times IS NULL"
        : whenNotMatchedBySource === "delete"
          ? "k.__times IS NOT NULL"
          : "true";
    const both = whenMatched === "delete" && whenNotMatchedBySource === "delete";
    if (both || (await countRows(session, held, base, files)) === deleted)
      return { files, rows: undefined, updated, deleted };
    const update = whenMatched === "update";
    const columns = this.#fields.map((f) => {
      const name = quoteIdentifier(f.name);
      const old = base.fields.some((b) => b.name === f.name) ? `t.${name}` : "NULL";
      const isGiven = update && this.#given.includes(f);
      return `${isGiven ? `CASE WHEN k.__times IS NULL THEN ${old} ELSE s.${name} END` : old} AS ${name}`;
    });
    const old = await holdFiles(held, base, files);
    const source = update ? `LEFT JOIN __source s ON ${this.#equal("t", "s")}` : "";
    const rows = `SELECT ${columns.join(", ")} FROM (${old}) t LEFT JOIN __keys k ON ${this.#equal("t", "k")} ${source} WHERE ${stays}`;
    return { files, rows, updated, deleted };
  }

  /** Rows of the query whose keys the table lacks; a null key is never found. */
  async inserts(held: HeldFiles): Promise<string> {
    const columns = this.#fields.map((f) => {
      const name = quoteIdentifier(f.name);
      return this.#given.includes(f) ? `s.${name}` : `NULL AS ${name}`;
    });
    const table = await holdFiles(held, this.#base);
    return `SELECT ${columns.join(", ")} FROM __source s WHERE NOT EXISTS (SELECT 1 FROM (${table}) t WHERE ${this.#equal("t", "s")})`;
  }

  /**
   * What the merge depends on: rows whose keys lie between the query's least and greatest. Files that hold rows with its
   * keys are among those that it removes, unless it ignores them: then what others remove would count too.
   */
  async reads(session: Session): Promise<Plan["reads"]> {
    const { on, whenMatched, whenNotMatchedBySource } = this.#o;
    if (whenMatched === "ignore" || whenNotMatchedBySource === "delete") return "table";
    const bounds = on.map(quoteIdentifier).map((k) => `min(${k})::VARCHAR, max(${k})::VARCHAR`);
    const [found = []] = await session.rows(`SELECT ${bounds.join(", ")} FROM __keys`);
    const texts = found.map((text) => (typeof text === "string" && !text.endsWith("(BC)") ? text : undefined));
    return on.map((column, i) => ({ column, from: texts[2 * i], through: texts[2 * i + 1] }));
  }

  #equal(a: string, b: string): string {
    return this.#o.on.map((c) => `${a}.${quoteIdentifier(c)} = ${b}.${quoteIdentifier(c)}`).join(" AND ");
  }

  #ambiguous(): LakeError {
    const { on, table } = this.#o;
    return new LakeError(
      "MERGE_AMBIGUOUS",
      `Several rows of the query have the same ${on.join(", ")} as one row of ${table}: which of them is meant?`,
      { field: "sql", hint: "Keep one row for each key, for instance by row_number() over (partition by …) = 1." },
    );
  }
}
