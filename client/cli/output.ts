import pc from "picocolors";
import { z } from "zod";

/** Exit codes of every verb: 0 done, 1 the run or an operation failed, 2 the request itself was wrong. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const Failure = z.object({
  code: z.string().optional(),
  message: z.string(),
  field: z.string().optional(),
  hint: z.string().optional(),
  retryable: z.boolean().optional(),
});

/** A mistake in the command line itself. */
export class UsageError extends Error {
  readonly code = "USAGE";
  readonly retryable = false;
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
    this.name = "UsageError";
  }
}

const OF_THE_REQUEST = new Set([
  "USAGE",
  "INVALID_PARAMS",
  "INVALID_LOGICAL_DATE",
  "INVALID_RUN_ID",
  "DAG_NOT_FOUND",
  "RUN_NOT_FOUND",
  "NOT_WAITING",
  "RUN_ACTIVE",
  "RUN_OVER",
  "RUN_REFUSED",
  "NO_SUCH_TASK",
  "PARAMS_FIXED",
  "NOTHING_TO_CLEAR",
  "INVALID_BACKFILL",
  "BACKFILL_EXISTS",
  "BACKFILL_NOT_FOUND",
  "BACKFILL_OVER",
  "FOLDER_NOT_EMPTY",
  "FOLDER_UNUSABLE",
  "INVALID_SETTING",
  "DAG_FILE_BROKEN",
  "INVALID_DAG",
  "DUPLICATE_DAG",
  "INVALID_ASSET",
  "INVALID_EXTRA",
  "ASSET_NOT_FOUND",
  "INVALID_POOL",
  "POOL_NOT_FOUND",
  "NO_SCHEDULE",
  "CONTROLLER_NOT_FOUND",
  "INVALID_ARGUMENTS",
  "INVALID_FEATURE_REQUEST",
  "UNKNOWN_FEATURE",
]);

/** Prints a value: as JSON and nothing else with `--json`, else by `text`. */
export function show<T>(value: T, asJson: boolean, text: (value: T) => string): void {
  process.stdout.write(asJson ? `${JSON.stringify(value)}\n` : `${text(value)}\n`);
}

/** Prints an error (JSON on stdout with `--json`, words on stderr) and returns the exit code that goes with it. */
export function showError(error: unknown, asJson: boolean): number {
  const parsed = Failure.safeParse(error);
  const failure = parsed.success ? parsed.data : { message: String(error) };
  const { code, message, field, hint } = failure;
  if (asJson)
    process.stdout.write(`${JSON.stringify({ error: { code: code ?? "INTERNAL_ERROR", message, field, hint } })}\n`);
  process.stderr.write(`${pc.red(`${code ?? "Error"}:`)} ${message}\n${hint ? `${pc.dim(hint)}\n` : ""}`);
  if (code === undefined && error instanceof Error && error.stack) process.stderr.write(`${pc.dim(error.stack)}\n`);
  return code !== undefined && OF_THE_REQUEST.has(code) ? EXIT.usage : EXIT.failed;
}

/** Rows as aligned columns under a header. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return pc.dim("none");
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [pc.dim(line(header)), ...rows.map(line)].join("\n");
}

/** One of the values that an option takes. */
export function oneOf<T extends string>(option: string, text: string, values: z.ZodType<T> & { options: T[] }): T {
  const parsed = values.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`${option} is "${text}": expected one of ${values.options.join(", ")}`);
}

/** Parses `--output` and the like: any JSON. */
export function parseJson(option: string, text: string): z.infer<ReturnType<typeof z.json>> {
  try {
    return z.json().parse(JSON.parse(text));
  } catch (error) {
    throw new UsageError(
      `${option} is not JSON: ${error instanceof Error ? error.message : error}`,
      `Text is JSON in quotes: ${option} '"done"'`,
    );
  }
}

/** Parses `--params` and the like: a JSON object. */
export function parseJsonObject(option: string, text: string): Record<string, z.infer<ReturnType<typeof z.json>>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `${option} is not JSON: ${error instanceof Error ? error.message : error}`,
      `e.g. ${option} '{"model":"gradient_boosting"}'`,
    );
  }
  const parsed = z.record(z.string(), z.json()).safeParse(value);
  if (!parsed.success)
    throw new UsageError(
      `${option} is ${text}: expected a JSON object`,
      `e.g. ${option} '{"model":"gradient_boosting"}'`,
    );
  return parsed.data;
}
