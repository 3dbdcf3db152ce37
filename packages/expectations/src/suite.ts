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
  const path = issue?.path ?? [];
  throw new InvalidSuiteError(String(definition.name), path.join("."), problemOf(issue, valueAt(definition, path)));
}

function problemOf(issue: z.core.$ZodIssue | undefined, given: unknown): string {
  if (issue?.code === "invalid_union" && issue.path.at(-1) === "type" && typeof given === "string") {
    const near = nearestTypes(given);
    return `there is no expectation "${given}"${near.length > 0 ? `; did you mean ${near.join(", ")}?` : ""}`;
  }
  // The value itself says whether it is too big or invalid.
  const message = issue?.message.replace(/^(Invalid|Too) \w+: /, "") ?? "not a suite";
  // A check of our own names the value in its words.
  if (issue?.code === "custom") return message;
  const shown = typeof given === "object" || given === undefined ? undefined : JSON.stringify(given);
  return shown === undefined ? message : `it is ${shown.slice(0, 200)}: ${message}`;
}

function valueAt(definition: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) => (typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined),
    definition,
  );
}

/** The types that share most words with a name, at most three. */
function nearestTypes(name: string): string[] {
  const words = new Set(wordsOf(name));
  const shared = Expectation.options.map((option) => {
    const type = option.shape.type.value;
    const own = wordsOf(type);
    const common = own.filter((word) => words.has(word)).length;
    return { type, likeness: common / (own.length + words.size - common) };
  });
  const most = Math.max(...shared.map(({ likeness }) => likeness));
  return most < 0.5 ? [] : shared.flatMap(({ type, likeness }) => (likeness === most ? [type] : [])).slice(0, 3);
}

function wordsOf(type: string): string[] {
  return type.split("_").filter((word) => word !== "expect");
}
