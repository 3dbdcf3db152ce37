import type { CsvView, TableRef, View } from "./api.ts";
import type { HeldFiles } from "./data-files.ts";
import type { DeltaLog } from "./delta-log.ts";
import type { Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { checkViewName, quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";
import { holdFiles } from "./table-files.ts";

const CSV_TYPES = {
  bigint: "BIGINT",
  int: "INTEGER",
  double: "DOUBLE",
  string: "VARCHAR",
  date: "DATE",
  timestamp: "TIMESTAMPTZ",
  boolean: "BOOLEAN",
} as const;

function selectCsv(view: CsvView): string {
  const columns = view.columns.map((c) => `${quoteLiteral(c.name)}: ${quoteLiteral(CSV_TYPES[c.type])}`).join(", ");
  return `SELECT * FROM read_csv(${quoteLiteral(view.csv)}, columns = {${columns}}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, strict_mode = true, max_line_size = 16777216)`;
}

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
    if ("csv" in view) {
      if (!isStaged(view.csv)) {
        throw new LakeError("SOURCE_OUTSIDE_ROOTS", `The view ${name} is no file staged by stageCsv.`, {
          field: "views",
        });
      }
      sql = selectCsv(view);
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
