import { condition, workflowInfo } from "@temporalio/workflow";
import { runsPoolOf } from "../core/slot-pool.ts";
import type { SchedulerState } from "../core/state.ts";
import { viewOf } from "../core/view.ts";
import { recordRun } from "./record-run.ts";
import type { RunSlots } from "./run-slots.ts";
import { publishRun } from "./search-attributes.ts";

/** The ticket of the run itself, where its DAG has `maxActiveRuns`; its tasks' count from 1. */
const RUN_TICKET = 0;

/** How long a run that has ended tries to give its slots back; pools find out by themselves later. */
const RELEASE_PATIENCE = "15s";

/**
 * Waits until no more runs of the DAG are active than may be, or until this one is over: first come first served, by the
 * moment of their start, then by their logical date.
 */
export async function waitInLine(
  slots: RunSlots,
  state: SchedulerState,
  limit: number,
  isOver: () => boolean,
): Promise<void> {
  const { graph, run } = state;
  const view = viewOf(state);
  publishRun(view);
  const recorded = recordRun(view, graph);
  let isIn = false;
  slots.take({
    ticket: RUN_TICKET,
    claims: [{ pool: runsPoolOf(graph.dagId), slots: 1, limit }],
    priority: 1,
    since: workflowInfo().startTime.getTime(),
    tie: run.logicalDate,
    onHeld: () => {
      isIn = true;
    },
  });
  await condition(() => isIn || isOver());
  await recorded;
}

/** Leaves the line, and tells pools all that is still to be told. */
export async function leaveLine(slots: RunSlots): Promise<void> {
  slots.release(RUN_TICKET);
  slots.stop();
  if (!slots.isQuiet()) await condition(() => slots.isQuiet(), RELEASE_PATIENCE);
}
