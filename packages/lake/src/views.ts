import type { TableRef, View } from "./api.ts";
import type { HeldFiles } from "./data-files.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { checkViewName, quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";
import { holdFiles } from "./table-files.ts";

/** Defines the views of a query on its session. Several names of one unpinned table see the same version. */
export async function defineViews(
  session: Session,
  log: DeltaLog,
  held: HeldFiles,
  views: Readonly<Record<string, View>>,
  isStaged: (path: string) => boolean,
  base?: Snapshot,
): Promise<void> {
  const newest = new Map<string, Snapshot>(base ? [[base.table, base]] : []);
  for (const [name, view] of Object.entries(views)) {
    checkViewName(name);
    let sql: string;
    if ("staged" in view) {
      if (!isStaged(view.staged)) {
        throw new LakeError("SOURCE_OUTSIDE_ROOTS", `The view ${name} is nothing that was staged, or it is closed.`, {
          field: "views",
        });
      }
      sql = `SELECT * FROM read_parquet(${quoteLiteral(view.staged)}, hive_partitioning = false)`;
    } else {
      const seen = isNewest(view) ? newest.get(view.table) : undefined;
      const snapshot = seen ?? (await log.at(view));
      if (isNewest(view)) newest.set(view.table, snapshot);
      sql = await holdFiles(held, snapshot);
    }
    await session.run(`CREATE TEMP VIEW ${quoteIdentifier(name)} AS ${sql}`);
  }
}

/** Whether a reference means the table as it is, not as it was. */
export function isNewest({ version, timestamp }: TableRef): boolean {
  return version === undefined && timestamp === undefined;
}
