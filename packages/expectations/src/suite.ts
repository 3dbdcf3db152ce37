import { z } from "zod";
import { InvalidSuiteError } from "./errors.ts";
import { ColumnName, Expectation } from "./vocabulary.ts";

const SuiteSchema = z.strictObject({
  name: z.string().min(1),
  table: z.string().min(1).optional(),
  timestampColumn: ColumnName.optional(),
  expectations: z.array(Expectation).min(1),
});

/** Types of Great Expectations that are refused, and why. */
const REFUSED = new Map([
  [
    "expect_query_results_to_match_comparison",
    "compares queries over two data sources, and a suite sees one table: write the comparison as a table of its own and expect its rows",
  ],
]);

/** What is read of a suite that is not well formed: the types it asks for. */
const Typed = z
  .object({ expectations: z.array(z.object({ type: z.string().optional().catch(undefined) }).catch({})).catch([]) })
  .catch({ expectations: [] });

/** A named list of expectations about one table. */
export interface Suite {
  readonly name: string;
  /** The table it is meant for; it may be held against any other. */
  readonly table?: string | undefined;
  /**
   * The column that dates a row. A validation for a data interval then sees only rows dated before the interval's end
   * (and rows without a date), so that a table which already holds later days still validates for an earlier one.
   */
  readonly timestampColumn?: string | undefined;
  readonly expectations: readonly Expectation[];
}

/** A suite as its author writes it: arguments with a default may be left out. */
export type SuiteDefinition = z.input<typeof SuiteSchema>;

/**
 * Checks a suite and fills in its defaults.
 *
 * @throws InvalidSuiteError that names the expectation and the argument, when a type is unknown or an argument is wrong.
 */
export function defineSuite(definition: SuiteDefinition): Suite {
  const parsed = SuiteSchema.safeParse(definition);
  if (parsed.success) return parsed.data;
  for (const [index, { type }] of Typed.parse(definition).expectations.entries()) {
    const why = REFUSED.get(type ?? "");
    if (why !== undefined)
      throw new InvalidSuiteError(String(definition.name), `expectations.${index}.type`, `"${type}" ${why}`);
  }
  const issue = parsed.error.issues[0];
  throw new InvalidSuiteError(String(definition.name), issue?.path.join(".") ?? "", issue?.message ?? "not a suite");
}
