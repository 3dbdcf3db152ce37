import { proposeSuite, type Suite, type ValidationReport, validate } from "@dagwright/expectations";
import type { Lake } from "@dagwright/lake";
import { nearest, ToolError } from "@dagwright/mcp-kit";

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

/** Validates one version of a table: every query of the suite sees the same rows, whatever is written meanwhile. */
export async function validateTable(
  lake: Lake,
  suites: readonly Suite[],
  request: ValidationRequest,
  signal?: AbortSignal,
): Promise<ValidationReport & { suite: string; table: string; version: number }> {
  const suite = suiteByName(suites, request.suite);
  const { version } = await lake.snapshot({ table: request.table, version: request.version });
  const views = { [VIEW]: { table: request.table, version } };
  const report = await validate({
    suite,
    view: VIEW,
    query: (sql, params) => lake.native(sql, { views, ...(params && { params }), ...(signal && { signal }) }),
    dialect: lake.dialect,
    otherRows: async (other) => (await lake.snapshot({ table: other })).rowCount,
    interval: request.interval,
  });
  return { ...report, suite: suite.name, table: request.table, version };
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
