import type { Lake, TableRef } from "@dagwright/lake";
import type { Columns, ColumnValues } from "@dagwright/learn";
import { nearest, ToolError } from "@dagwright/mcp-kit";

/** Features and label of one version of a table. */
export interface LabelledRows {
  readonly table: string;
  readonly version: number;
  readonly columns: Columns;
  readonly label: Float64Array;
  /** Of the rows, where a column of weights was asked for. */
  readonly weight?: Float64Array;
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
  weight?: string,
): Promise<LabelledRows> {
  const { table, version, columns: known } = await lake.snapshot(ref);
  const at = `Table "${table}" at version ${version}`;
  const wanted = [label, ...features, ...(weight === undefined ? [] : [weight])];
  for (const name of wanted) {
    const column = known.find((one) => one.name === name);
    if (column === undefined) {
      const names = known.map((one) => one.name);
      const meant = nearest(name, names);
      throw new ToolError("COLUMN_NOT_FOUND", `${at} has no column "${name}".`, {
        field: name === label ? "label" : name === weight ? "weight" : "features",
        hint: meant === undefined ? `It has: ${names.join(", ")}.` : `Did you mean "${meant}"?`,
      });
    }
  }
  const read = await lake.readColumns({ table, version }, { columns: [...new Set(wanted)] });
  if (read.rowCount === 0) throw new ToolError("NO_ROWS", `${at} has no rows: expected at least one.`, { field });
  const numbersOf = (name: string): Float64Array => {
    const column = read.columns[name]!;
    if (column.type === "number" || column.type === "boolean") return column.values;
    throw new ToolError(
      "COLUMN_NOT_NUMERIC",
      `Column "${name}" of ${table} is of type ${column.type}: expected numbers or booleans.`,
      {
        field: name === label ? "label" : name === weight ? "weight" : "features",
        hint: "Turn it into a number in the query that makes the table.",
      },
    );
  };
  const featureOf = (name: string): ColumnValues => {
    const column = read.columns[name]!;
    return column.type === "string" ? column.values : numbersOf(name);
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
    columns: { names: [...features], values: features.map(featureOf), rowCount: read.rowCount },
    label: labels,
    ...(weight !== undefined && { weight: numbersOf(weight) }),
  };
}

/** @throws ToolError LABEL_IS_FEATURE, DUPLICATE_FEATURE */
export function checkFeatures({ features, label }: { features: readonly string[]; label: string }): void {
  if (features.includes(label))
    throw new ToolError(
      "LABEL_IS_FEATURE",
      `The label "${label}" is among the features: expected only columns known before it.`,
      { field: "features" },
    );
  const twice = features.find((name, at) => features.indexOf(name) !== at);
  if (twice !== undefined)
    throw new ToolError("DUPLICATE_FEATURE", `features names "${twice}" twice: expected each column once.`, {
      field: "features",
    });
}
