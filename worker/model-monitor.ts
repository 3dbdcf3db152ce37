/** Watches served models between their weekly checks: what they are asked, against what they were trained on. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EngineClient } from "@dagwright/engine/client";
import { InvalidSettingError } from "@dagwright/engine/settings";
import type { McpPool } from "@dagwright/mcp-kit";
import type { Deployments } from "@dagwright/serving";
import { schedule, validate } from "node-cron";
import { z } from "zod";
import { monitoring } from "../mcp-servers/monitoring/contract.ts";
import { training } from "../mcp-servers/training/contract.ts";

/** What the monitor stands on. */
export interface MonitorDeps {
  readonly pool: McpPool;
  readonly deployments: Pick<Deployments, "status" | "predictions">;
  readonly engine: Pick<EngineClient, "signalDrift">;
  /** Folder in which it remembers how far it has come, a file for each model. */
  readonly stateFolder: string;
  /** Moments at which windows end are multiples of this, in milliseconds. */
  readonly windowMs: number;
  /** Fewer answered rows than these are left for a later check. @default 300 */
  readonly minRows?: number | undefined;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** What a check of a model came to. */
export type Check =
  | { readonly outcome: "nothing new" | "not deployed" }
  | { readonly outcome: "too few rows"; readonly rows: number; readonly expected: number }
  | { readonly outcome: "stable"; readonly share: number; readonly rows: number }
  | { readonly outcome: "drifted"; readonly share: number; readonly rows: number; readonly signalId: string };

const MIN_ROWS = 300;
/** Rows of longer ago than so many windows are not waited for. */
const MOST_WINDOWS = 24;

const State = z.object({
  /** Rows before this moment have been looked at. */
  checkedUntil: z.number(),
  /** A signal that was decided on, and may or may not have been sent. */
  pending: z
    .object({ id: z.string(), reason: z.string(), evidence: z.record(z.string(), z.json()), until: z.number() })
    .nullable(),
});
type State = z.infer<typeof State>;

/**
 * Checks what a served model was asked since the last check, up to the last full window before `now`, and reports drift to
 * the model's retraining controller. What is decided is written down before it is sent, and its id names version and
 * stretch of time: sent again after a crash, or by another worker, it counts once.
 * @throws ToolError of the tools, and what the engine throws for a model without a controller
 */
export async function checkServedModel(deps: MonitorDeps, model: string, now: number): Promise<Check> {
  const { deployments, windowMs, minRows = MIN_ROWS } = deps;
  const until = Math.floor(now / windowMs) * windowMs;
  let state = await readState(deps, model);
  if (state !== null && state.pending !== null) state = await send(deps, model, state.pending);
  const { version, runId } = await deployments.status(model);
  if (version === null || runId === null) return { outcome: "not deployed" };
  const since = Math.max(state?.checkedUntil ?? until - windowMs, until - MOST_WINDOWS * windowMs);
  if (since >= until) return { outcome: "nothing new" };
  const answered = (await deployments.predictions(model, { since, until })).filter((row) => row.version === version);
  if (answered.length < minRows) return { outcome: "too few rows", rows: answered.length, expected: minRows };

  const { tags } = await deps.pool.client(training).call("get_model_metrics", { runId });
  const reference = trainedOn(model, runId, tags);
  const window = { since: new Date(since).toISOString(), until: new Date(until).toISOString() };
  const id = `monitor/${model}/${version}/${window.since}/${window.until}`;
  const report = await deps.pool.client(monitoring, { idempotencyKey: id }).call("detect_model_drift", {
    reference,
    current: { model, version, ...window },
    columns: Object.keys(answered[0]?.features ?? {}),
    monitor: model,
    at: window.until,
  });
  const page = await deps.pool.client(monitoring).call("generate_monitoring_dashboard", { monitor: model });
  const { share, rows, driftedColumns } = report;
  if (!report.drifted) {
    await writeState(deps, model, { checkedUntil: until, pending: null });
    return { outcome: "stable", share, rows: rows.current };
  }
  const pending = {
    id,
    reason: `${driftedColumns.length} of ${report.columns.length} features of version ${version} drifted in what it was asked from ${window.since} to ${window.until}: ${driftedColumns.join(", ")}`,
    evidence: {
      version,
      share,
      rows,
      ...window,
      psi: Object.fromEntries(report.columns.map(({ column, psi }) => [column, psi.score])),
      reportUri: report.reportUri,
      dashboardUri: page.pageUri,
    },
    until,
  };
  await writeState(deps, model, { checkedUntil: until, pending });
  await send(deps, model, pending);
  return { outcome: "drifted", share, rows: rows.current, signalId: id };
}

function trainedOn(model: string, runId: string, tags: Readonly<Record<string, string>>) {
  const [table, version] = [tags["dagwright.train.table"], Number(tags["dagwright.train.version"])];
  if (table !== undefined && Number.isInteger(version)) return { table, version };
  throw new Error(
    `Run ${runId} of model "${model}" does not say what it was trained on: expected its tags dagwright.train.table and dagwright.train.version`,
  );
}

async function send(deps: MonitorDeps, model: string, pending: NonNullable<State["pending"]>): Promise<State> {
  const { id, reason, evidence, until } = pending;
  await deps.engine.signalDrift({ model, id, reason, evidence });
  const state = { checkedUntil: until, pending: null };
  await writeState(deps, model, state);
  return state;
}

function stateFile({ stateFolder }: MonitorDeps, model: string): string {
  return join(stateFolder, `${encodeURIComponent(model)}.json`);
}

async function readState(deps: MonitorDeps, model: string): Promise<State | null> {
  const text = await readFile(stateFile(deps, model), "utf8").catch(() => null);
  if (text === null) return null;
  const state = State.safeParse(JSON.parse(text));
  if (state.success) return state.data;
  throw new Error(`${stateFile(deps, model)} holds no state of a monitor: remove it to begin anew`);
}

async function writeState(deps: MonitorDeps, model: string, state: State): Promise<void> {
  const file = stateFile(deps, model);
  await mkdir(deps.stateFolder, { recursive: true });
  const draft = `${file}.${randomUUID()}.tmp`;
  await writeFile(draft, JSON.stringify(state), { flush: true });
  await rename(draft, file);
}

/** A monitor that checks by the clock. */
export interface ModelMonitor {
  /** Ends the clock; a check under way is waited for. */
  stop(): Promise<void>;
}

/**
 * Checks models at the moments of a cron expression (UTC); a check that takes longer than until the next moment is not
 * overtaken. A check that fails is logged, and made up for by the next.
 * @throws InvalidSettingError for an expression that is none
 */
export function startModelMonitor(deps: MonitorDeps, models: readonly string[], expression: string): ModelMonitor {
  if (!validate(expression))
    throw new InvalidSettingError("DAGWRIGHT_MONITOR", expression, 'a cron expression such as "*/15 * * * *", or off');
  let checking = Promise.resolve();
  const checkAll = async () => {
    for (const model of models)
      try {
        deps.log("model checked", { model, ...(await checkServedModel(deps, model, Date.now())) });
      } catch (error) {
        deps.log("model not checked", { model, message: error instanceof Error ? error.message : String(error) });
      }
  };
  const clock = schedule(
    expression,
    () => {
      checking = checkAll();
      return checking;
    },
    { timezone: "UTC", noOverlap: true, name: "model monitor" },
  );
  return {
    stop: async () => {
      await clock.destroy();
      await checking;
    },
  };
}
