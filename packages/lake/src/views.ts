import type { TableRef, View } from "./api.ts";
import type { HeldFiles } from "./data-files.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { Bindings, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { filesThatMatter } from "./file-skipping.ts";
import { checkViewNames, quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";
import { holdFiles } from "./table-files.ts";

/** The query for which views are put up. */
export interface ViewsFor {
  readonly sql: string;
  readonly bindings: Bindings;
  /** A folder that the session may read. */
  readonly scratch: string;
}

/**
 * Defines the views of a query on its session. Several names of one unpinned table see the same version. Of a table,
 * those files are read that may hold rows that matter to the query, or all where that is not known.
 */
export async function defineViews(
  session: Session,
  log: DeltaLog,
  held: HeldFiles,
  views: Readonly<Record<string, View>>,
  isStaged: (path: string) => boolean,
  query: ViewsFor | undefined,
  base?: Snapshot,
): Promise<void> {
  const newest = new Map<string, Snapshot>(base ? [[base.table, base]] : []);
  const tables = new Map<string, Snapshot>();
  checkViewNames(views);
  for (const [name, view] of Object.entries(views)) {
    if ("staged" in view) {
      if (!isStaged(view.staged)) {
        throw new LakeError("SOURCE_OUTSIDE_ROOTS", `The view ${name} is nothing that was staged, or it is closed.`, {
          field: "views",
        });
      }
      const read = `SELECT * FROM read_parquet(${quoteLiteral(view.staged)}, hive_partitioning = false)`;
      await session.run(`CREATE TEMP VIEW ${quoteIdentifier(name)} AS ${read}`);
    } else {
      const seen = isNewest(view) ? newest.get(view.table) : undefined;
      const snapshot = seen ?? (await log.at(view));
      if (isNewest(view)) newest.set(view.table, snapshot);
      tables.set(name, snapshot);
    }
  }
  const files = query && (await filesThatMatter(session, query, tables, query.scratch));
  for (const [name, snapshot] of tables) {
    const rows = await holdFiles(held, snapshot, files?.get(name));
    await session.run(`CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(name)} AS ${rows}`);
  }
}

/** Whether a reference means the table as it is, not as it was. */
export function isNewest({ version, timestamp }: TableRef): boolean {
  return version === undefined && timestamp === undefined;
}
