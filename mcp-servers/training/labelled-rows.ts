import type { Lake, TableRef } from "@dagwright/lake";
import type { Columns } from "@dagwright/learn";
import { nearest, ToolError } from "@dagwright/mcp-kit";

/** Features and label of one version of a table. */
export interface LabelledRows {
  readonly table: string;
  readonly version: number;
  readonly columns: Columns;
  readonly label: Float64Array;
}

/**
 * Reads features and label from a table.
 * @param field the argument that named the table, for errors
 * @throws ToolError COLUMN_NOT_FOUND, COLUMN_NOT_NUMERIC, NO_ROWS, LABEL_MISSING; the lake's own
 */
export async function readLabelledRows(
  lake: Lake,
  ref: TableRef,
  features: readonly string[],
  label: string,
  field: string,
): Promise<LabelledRows> {
  const { table, version, columns: known } = await lake.snapshot(ref);
  const at = `Table "${table}" at version ${version}`;
  for (const name of [label, ...features]) {
    const column = known.find((one) => one.name === name);
    if (column === undefined) {
      const names = known.map((one) => one.name);
      const meant = nearest(name, names);
      throw new ToolError("COLUMN_NOT_FOUND", `${at} has no column "${name}".`, {
        field: name === label ? "label" : "features",
        hint: meant === undefined ? `It has: ${names.join(", ")}.` : `Did you mean "${meant}"?`,
      });
    }
  }
  const read = await lake.readColumns({ table, version }, { columns: [label, ...features] });
  if (read.rowCount === 0) throw new ToolError("NO_ROWS", `${at} has no rows: expected at least one.`, { field });
  const numbersOf = (name: string): Float64Array => {
    const column = read.columns[name]!;
    if (column.type === "number" || column.type === "boolean") return column.values;
    throw new ToolError(
      "COLUMN_NOT_NUMERIC",
      `Column "${name}" of ${table} is of type ${column.type}: expected numbers or booleans.`,
      {
        field: name === label ? "label" : "features",
        hint: "Turn it into a number in the query that makes the table.",
      },
    );
  };
  const labels = numbersOf(label);
  const missing = labels.reduce((count, value) => (Number.isNaN(value) ? count + 1 : count), 0);
  if (missing > 0)
    throw new ToolError(
      "LABEL_MISSING",
      `The label "${label}" is null in ${missing} of ${read.rowCount} rows of ${table}.`,
      {
        field: "label",
        hint: "Leave rows without a label out of the table.",
      },
    );
  return {
    table,
    version,
    columns: { names: [...features], values: features.map(numbersOf), rowCount: read.rowCount },
    label: labels,
  };
}
