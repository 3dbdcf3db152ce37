import { z } from "zod";
import { InvalidSuiteError, type SuiteProblem } from "./errors.ts";
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
 * @throws InvalidSuiteError that names every expectation and argument where a type is unknown or an argument is wrong.
 */
export function defineSuite(definition: SuiteDefinition): Suite {
  const parsed = SuiteSchema.safeParse(definition);
  if (parsed.success) return parsed.data;
  throw new InvalidSuiteError(nameOf(definition), problemsOf(definition, parsed.error));
}

/** What to call a suite that may be anything at all. */
export function nameOf(definition: unknown): string {
  return String(valueAt(definition, ["name"]) ?? valueAt(definition, ["expectation_suite_name"]) ?? "");
}

/** Everything that a schema found wrong with a suite, in the suite's words. */
export function problemsOf(definition: unknown, { issues }: z.ZodError): SuiteProblem[] {
  return issues.map((issue) => {
    const given = valueAt(definition, issue.path);
    return { field: issue.path.join("."), problem: problemOf(issue, given) };
  });
}

function problemOf(issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.code === "invalid_union" && issue.path.at(-1) === "type" && typeof given === "string") {
    const why = REFUSED.get(given);
    if (why !== undefined) return `"${given}" ${why}`;
    const near = nearestTypes(given);
    return `there is no expectation "${given}"${near.length > 0 ? `; did you mean ${near.join(", ")}?` : ""}`;
  }
  if (issue.code === "invalid_union" && issue.path.at(-1) === "type" && issue.path.length === 3) {
    return 'expected the name of an expectation, as "expect_column_values_to_not_be_null"';
  }
  // The value itself says whether it is too big or invalid.
  const message = issue.message.replace(/^(Invalid|Too) \w+: /, "");
  // A check of our own names the value in its words.
  if (issue.code === "custom") return message;
  const shown = shownAs(given, issue.code === "invalid_union");
  return shown === undefined ? message : `it is ${shown.slice(0, 200)}: ${message}`;
}

/** A value for a message; an object only where its parts say nothing. */
function shownAs(given: unknown, whole: boolean): string | undefined {
  if (typeof given === "number") return String(given);
  return typeof given === "object" && !whole ? undefined : JSON.stringify(given);
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
  // Also the name of Great Expectations' class.
  const words = type
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_")
    .toLowerCase()
    .split("_");
  return words.filter((word) => word !== "expect");
}
