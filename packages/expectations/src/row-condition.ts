type Value = string | number | boolean;
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** Only rows for which this holds are looked at (Great Expectations' `row_condition`). */
export type RowCondition =
  | { readonly column: string; readonly operator: Comparison; readonly value: Value }
  /** Two columns of a row compared. */
  | { readonly column: string; readonly operator: Comparison; readonly other: string }
  | { readonly column: string; readonly operator: "in" | "not_in"; readonly value: readonly Value[] }
  | { readonly column: string; readonly operator: "is_null" | "is_not_null" }
  | { readonly and: readonly RowCondition[] }
  | { readonly or: readonly RowCondition[] }
  | { readonly not: RowCondition };
