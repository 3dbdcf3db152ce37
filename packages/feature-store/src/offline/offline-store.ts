import type { Lake, TableRef } from "@dagwright/lake";
import type { FeatureView } from "../definitions.ts";
import { checkSourceTable } from "./table-types.ts";

/** What the feature store needs of a lake. */
export type OfflineStore = Pick<Lake, "dialect" | "snapshot" | "native" | "write" | "stageQuery">;

/** The table of a view at its newest version, checked against the definition; with its number of rows. */
export async function checkedSource(
  lake: OfflineStore,
  view: FeatureView,
): Promise<{ readonly ref: TableRef; readonly rowCount: number }> {
  const { table } = view.source;
  const { version, columns, rowCount } = await lake.snapshot({ table });
  checkSourceTable(view, columns);
  return { ref: { table, version }, rowCount };
}
