import {
  ApplicationFailure,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  WorkflowFailedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from "@temporalio/client";
import { z } from "zod";
import { checkedRange } from "../language/backfill-dates.ts";
import { BackfillRangeError } from "../language/errors.ts";
import { normalMoment } from "../language/logical-date.ts";
import {
  ASSET_EVENTS,
  BACKFILL_WORKFLOW,
  type BackfillCancel,
  type BackfillConfig,
  type BackfillView,
  backfillIdOf,
  MEMO_BACKFILL,
  REPROCESS,
  SIGNAL_CANCEL,
} from "../sandbox/backfill-protocol.ts";
import { QUERY_STATE } from "../sandbox/protocol.ts";
import { BackfillExistsError, BackfillNotFoundError, BackfillOverError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { isNotFound } from "./temporal-call.ts";

/** How long a worker may take to answer for a backfill; after that its memo answers in its place, in milliseconds. */
const QUERY_PATIENCE_MS = 2_500;

/** How many runs go on at once when nobody says it, and how many at most. */
const CONCURRENCY = 16;
const MOST_AT_ONCE = 500;

/** What of a backfill has a default: forward, 16 at once, missing dates only, and each run tells its assets. */
type Optional = {
  readonly [K in Exclude<keyof BackfillConfig, "dagId" | "from" | "to">]?: BackfillConfig[K] | undefined;
};

/** What a backfill is created with. */
export interface CreateBackfill extends Optional {
  readonly dagId: string;
  /** Letters, digits and `_.:-`; a second backfill of the DAG with the same one is refused. @default the moment */
  readonly id?: string | undefined;
  /** First and last logical date: a day (its midnight in UTC), or an ISO-8601 moment. */
  readonly from: string;
  readonly to: string;
}

/** Which backfills to list. */
export interface BackfillList {
  readonly dagId?: string;
  /** @default 50 */
  readonly limit?: number;
}

/** Enough of a backfill's view to tell it from what other workflows answer. */
const ViewShape = z.looseObject({ backfillId: z.string(), dagId: z.string(), state: z.string(), started: z.number() });

/** Backfills: each is a durable workflow. */
export class BackfillCalls {
  constructor(private readonly ground: ClientGround) {}

  async create({ dagId, id, from, to, ...options }: CreateBackfill): Promise<BackfillView> {
    const { temporal, taskQueue } = this.ground;
    const config = checkedConfig({ dagId, from, to, ...options });
    const startedAt = new Date().toISOString();
    const backfillId = backfillIdOf(dagId, checkedId(id ?? startedAt));
    const view: BackfillView = { ...config, ...BLANK, backfillId, startedAt };
    try {
      await temporal.workflow.start(BACKFILL_WORKFLOW, {
        workflowId: backfillId,
        taskQueue,
        args: [config],
        memo: { [MEMO_BACKFILL]: view },
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        staticSummary: `${dagId} from ${config.from} to ${config.to}`,
      });
    } catch (error) {
      throw error instanceof WorkflowExecutionAlreadyStartedError ? new BackfillExistsError(backfillId) : error;
    }
    return view;
  }

  async get(given: string): Promise<BackfillView> {
    const { temporal, connection } = this.ground;
    const backfillId = fullId(given);
    const handle = temporal.workflow.getHandle(backfillId);
    try {
      const description = await handle.describe();
      const { type, status } = description;
      if (type !== BACKFILL_WORKFLOW) throw new BackfillNotFoundError(given);
      const told = toldBy(description);
      if (status.name === "COMPLETED" || status.name === "FAILED") return (await resultOf(handle)) ?? told;
      if (status.name !== "RUNNING") return told;
      try {
        const view: unknown = await connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
          handle.query(QUERY_STATE),
        );
        return isView(view) ? view : told;
      } catch {
        // No worker answers: what it has told last.
        return told;
      }
    } catch (error) {
      throw isNotFound(error) ? new BackfillNotFoundError(given) : error;
    }
  }

  async list({ dagId, limit = 50 }: BackfillList = {}): Promise<BackfillView[]> {
    const found: BackfillView[] = [];
    const seen = new Set<string>();
    for await (const one of this.ground.temporal.workflow.list({ query: `WorkflowType = "${BACKFILL_WORKFLOW}"` })) {
      // One that went on as a new execution is listed by its latest.
      if (seen.has(one.workflowId)) continue;
      seen.add(one.workflowId);
      const view = toldBy(one);
      if (dagId !== undefined && view.dagId !== dagId) continue;
      found.push(view);
      if (found.length >= limit) break;
    }
    return found.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  }

  async cancel(given: string, asked: BackfillCancel = {}): Promise<void> {
    try {
      await this.ground.temporal.workflow.getHandle(fullId(given)).signal(SIGNAL_CANCEL, asked);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const { backfillId, state } = await this.get(given);
      throw new BackfillOverError(backfillId, state);
    }
  }
}

const BLANK = {
  ...{ state: "running", total: null, started: 0, succeeded: 0, failed: 0, cancelled: 0, skipped: 0 },
  ...{ running: [], failedRuns: [] },
} as const satisfies Partial<BackfillView>;

function checkedConfig(given: Omit<CreateBackfill, "id">): BackfillConfig {
  const { dagId, order = "forward", concurrency = CONCURRENCY, reprocess = "missing", assetEvents = "each" } = given;
  const { from, to } = checkedRange(given);
  if (!(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MOST_AT_ONCE))
    throw refused("concurrency", concurrency, `a whole number from 1 to ${MOST_AT_ONCE}`);
  if (order !== "forward" && order !== "backward") throw refused("order", order, '"forward" or "backward"');
  if (!REPROCESS.includes(reprocess)) throw refused("reprocess", reprocess, REPROCESS.join(", "));
  if (!ASSET_EVENTS.includes(assetEvents)) throw refused("assetEvents", assetEvents, ASSET_EVENTS.join(", "));
  const { stopOnFailure = false, params = {}, trigger = "backfill" } = given;
  return {
    ...{ dagId, from: normalMoment(from), to: normalMoment(to), order, concurrency, reprocess, assetEvents },
    ...{ stopOnFailure, params, trigger },
  };
}

function checkedId(id: string): string {
  if (/^[\w.:-]{1,200}$/.test(id)) return id;
  throw refused("id", id, 'letters, digits, "_", ".", ":" and "-"');
}

function refused(field: string, value: unknown, expected: string): BackfillRangeError {
  const message = `The backfill's ${field} is ${JSON.stringify(value)}: expected ${expected}`;
  return new BackfillRangeError(field, message, "dagwright backfill create --help");
}

function fullId(given: string): string {
  return given.startsWith("backfill/") ? given : `backfill/${given}`;
}

function isView(value: unknown): value is BackfillView {
  return ViewShape.safeParse(value).success;
}

/** What a backfill has told its memo last, with what Temporal knows of its end. */
function toldBy({
  workflowId,
  memo,
  status,
  startTime,
  closeTime,
}: Pick<WorkflowExecutionInfo, "workflowId" | "memo" | "status" | "startTime" | "closeTime">): BackfillView {
  const told = memo?.[MEMO_BACKFILL];
  const view = isView(told) ? told : blankView(workflowId, startTime.toISOString());
  if (view.endedAt !== undefined || status.name === "RUNNING" || status.name === "CONTINUED_AS_NEW") return view;
  const endedAt = (closeTime ?? new Date()).toISOString();
  return { ...view, state: status.name === "CANCELLED" ? "cancelled" : "failed", running: [], endedAt };
}

/** Of a backfill that something else than this client has started. */
function blankView(backfillId: string, startedAt: string): BackfillView {
  const dagId = backfillId.split("/").at(1) ?? "";
  const config = checkedConfig({ dagId, from: startedAt, to: startedAt });
  return { ...config, ...BLANK, backfillId, startedAt };
}

async function resultOf(handle: { result(): Promise<unknown> }): Promise<BackfillView | null> {
  try {
    const view = await handle.result();
    return isView(view) ? view : null;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const [view] = error.cause instanceof ApplicationFailure ? (error.cause.details ?? []) : [];
    return isView(view) ? view : null;
  }
}
