import { proposeSuite, renderDataDocs, type Suite, type ValidationReport, validate } from "@dagwright/expectations";
import { type Lake, LakeError, type ObjectStore } from "@dagwright/lake";
import { nearest, ToolError } from "@dagwright/mcp-kit";
import { earlierThan, remember, writeReport } from "./validations.ts";

/** What is to be validated against what. */
export interface ValidationRequest {
  readonly table: string;
  /** The newest when left out. */
  readonly version?: number | undefined;
  readonly suite: string;
  readonly interval?: { readonly start: string; readonly end: string } | undefined;
}

/** The name under which the suite's queries see the table. */
const VIEW = "validated_table";

/** Finds a suite by its name. @throws ToolError `SUITE_NOT_FOUND` that names the known ones. */
function suiteByName(suites: readonly Suite[], name: string): Suite {
  const found = suites.find((suite) => suite.name === name);
  if (found !== undefined) return found;
  const names = suites.map((suite) => suite.name);
  const meant = nearest(name, names);
  throw new ToolError(
    "SUITE_NOT_FOUND",
    `There is no expectation suite "${name}"; known: ${names.join(", ") || "none"}`,
    {
      field: "suite",
      hint: meant === undefined ? "list_expectation_suites names them all." : `Did you mean "${meant}"?`,
    },
  );
}

/** Where and how a validation is kept. */
export interface Keeping {
  /** Where reports lie. */
  readonly reports: ObjectStore;
  /** Who validates. Without it the validation leaves no trace in the history, and its report belongs to the question. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Expectations that look at earlier runs. */
const LOOKS_BACK = /_earlier_runs?$/;

/**
 * Validates one version of a table: every query of the suite sees the same rows, whatever is written meanwhile. Keeps
 * the report as a page, and, where the suite looks at earlier runs, what was seen for the runs to come: once for a key.
 */
export async function validateTable(
  lake: Lake,
  suites: readonly Suite[],
  request: ValidationRequest,
  { reports, key, signal }: Keeping,
): Promise<ValidationReport & { suite: string; table: string; version: number; reportUri: string }> {
  const suite = suiteByName(suites, request.suite);
  const { table, interval } = request;
  const { version } = await lake.snapshot({ table, version: request.version });
  const views = { [VIEW]: { table, version } };
  const looksBack = suite.expectations.some(({ type }) => LOOKS_BACK.test(type));
  const now = { key: key ?? "", suite: suite.name, table, intervalEnd: momentOf(interval?.end) };
  const report = await validate({
    suite,
    view: VIEW,
    query: (sql, params) => lake.native(sql, { views, ...(params && { params }), ...(signal && { signal }) }),
    dialect: lake.dialect,
    earlier: looksBack ? await earlierThan(lake, now) : [],
    otherRows: (other) => rowsOf(lake, other),
    interval,
  });
  signal?.throwIfAborted();
  const at = new Date().toISOString();
  if (looksBack && key !== undefined && report.facts !== undefined) {
    await remember(lake, { ...now, at, success: report.success, facts: report.facts });
  }
  const page = renderDataDocs(report, { suite: suite.name, table, version, interval, at, run: key });
  const reportUri = await writeReport(reports, key ?? JSON.stringify({ ...request, version }), page);
  return { ...report, suite: suite.name, table, version, reportUri };
}

/** Rows of a table; undefined where there is none of this name. */
async function rowsOf(lake: Lake, table: string): Promise<number | undefined> {
  try {
    return (await lake.snapshot({ table })).rowCount;
  } catch (error) {
    if (error instanceof LakeError && (error.code === "TABLE_NOT_FOUND" || error.code === "TABLE_NAME"))
      return undefined;
    throw error;
  }
}

function momentOf(iso: string | undefined): string {
  return iso === undefined ? "" : new Date(iso).toISOString();
}

/** Proposes a suite for one version of a table, named as the table. */
export async function profileTable(
  lake: Lake,
  request: { readonly table: string; readonly version?: number | undefined },
  signal?: AbortSignal,
): Promise<{ table: string; version: number; suite: Suite }> {
  const { table } = request;
  const { version } = await lake.snapshot({ table, version: request.version });
  const views = { [VIEW]: { table, version } };
  const suite = await proposeSuite({
    name: table,
    view: VIEW,
    dialect: lake.dialect,
    query: (sql, params) => lake.native(sql, { views, ...(params && { params }), ...(signal && { signal }) }),
  });
  return { table, version, suite };
}
