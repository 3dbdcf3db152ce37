import { ApplicationFailure, type WorkflowExecutionDescription, WorkflowFailedError } from "@temporalio/client";
import { z } from "zod";
import { isOver } from "../core/decide.ts";
import type { RunState, RunTrigger, RunView, TaskError } from "../core/state.ts";
import { QUERY_STATE } from "../sandbox/protocol.ts";
import type { ClientGround } from "./ground.ts";

/** How long a worker may take to replay a closed run, in milliseconds. */
const REPLAY_PATIENCE_MS = 5_000;

/** Enough of a run's view to tell it from what other workflows answer. */
const ViewShape = z.looseObject({ runId: z.string(), dagId: z.string(), state: z.string(), tasks: z.looseObject({}) });

export function isRunView(value: unknown): value is RunView {
  return ViewShape.safeParse(value).success;
}

/**
 * The view of a run that is closed on the server: what it returned or failed with; else (cancelled, terminated) what its
 * replay answers; else what the store knew of it.
 */
export async function closedView(
  { temporal, connection }: ClientGround,
  description: WorkflowExecutionDescription,
  known: RunView | null,
): Promise<RunView> {
  const handle = temporal.workflow.getHandle(description.workflowId, description.runId, { followRuns: false });
  let last: RunView | null = null;
  try {
    const returned: unknown = await handle.result();
    if (isRunView(returned)) return returned;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const [view] = error.cause instanceof ApplicationFailure ? (error.cause.details ?? []) : [];
    if (isRunView(view)) return view;
  }
  try {
    const answer: unknown = await connection.withDeadline(Date.now() + REPLAY_PATIENCE_MS, () =>
      handle.query(QUERY_STATE),
    );
    if (isRunView(answer)) last = answer;
  } catch {
    // No worker, or a workflow that answers no such query.
  }
  const view = last ?? known ?? waitingView(description);
  return isOver(view.state) ? view : { ...view, ...endOf(description) };
}

/** How Temporal ended a run that did not end itself. */
function endOf({
  status: { name },
  closeTime,
}: WorkflowExecutionDescription): Pick<RunView, "state" | "endedAt" | "error"> {
  const endedAt = (closeTime ?? new Date()).toISOString();
  if (name === "COMPLETED") return { state: "success", endedAt };
  const cancelled = name === "CANCELLED";
  const error: TaskError = cancelled
    ? { code: "RUN_CANCELLED", message: "The run was cancelled through Temporal", retryable: true }
    : {
        code: name === "TERMINATED" ? "RUN_TERMINATED" : "RUN_FAILED",
        message: `The run was ended by Temporal: ${name.toLowerCase()}`,
        hint: "Its history in the Temporal UI says by whom and why; start it again with the same logical date.",
        retryable: true,
      };
  return { state: cancelled ? "cancelled" : "failed", endedAt, error };
}

const Trigger = z.enum(["schedule", "manual", "backfill", "asset", "signal"]);

/** A run that no worker has planned yet, as far as Temporal itself can describe it. */
export function waitingView(description: WorkflowExecutionDescription): RunView {
  const { workflowId, type, startTime } = description;
  const { logicalDate, trigger, state } = publishedOf(description);
  const date = (logicalDate ?? startTime).toISOString();
  return {
    runId: workflowId,
    dagId: type,
    dagVersion: "",
    logicalDate: date,
    dataInterval: { start: date, end: date },
    trigger,
    conf: {},
    params: {},
    state,
    startedAt: startTime.toISOString(),
    output: null,
    tasks: {},
  };
}

const State = z.enum(["queued", "running", "paused", "success", "failed", "cancelled"]);

/** What a run has published of itself in its search attributes. */
export function publishedOf({ typedSearchAttributes }: Pick<WorkflowExecutionDescription, "typedSearchAttributes">): {
  dagId: string | undefined;
  logicalDate: Date | undefined;
  trigger: RunTrigger;
  state: RunState;
} {
  const trigger = Trigger.safeParse(typedSearchAttributes.get({ name: "RunTrigger", type: "KEYWORD" }));
  const state = State.safeParse(typedSearchAttributes.get({ name: "RunState", type: "KEYWORD" }));
  return {
    dagId: typedSearchAttributes.get({ name: "DagId", type: "KEYWORD" }),
    logicalDate: typedSearchAttributes.get({ name: "LogicalDate", type: "DATETIME" }),
    trigger: trigger.success ? trigger.data : "manual",
    state: state.success ? state.data : "queued",
  };
}
