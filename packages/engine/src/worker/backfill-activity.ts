import type { RunState } from "../core/state.ts";
import { taskErrorOf } from "../execution/task-error.ts";
import { backfillDates, isToRun, type RangeOfDates } from "../language/backfill-dates.ts";
import { workflowIdFor } from "../language/logical-date.ts";
import { planRun } from "../language/plan.ts";
import type { BackfillPage, BackfillPageRequest } from "../sandbox/backfill-protocol.ts";
import { RunStoreUnavailableError } from "../store/errors.ts";
import { failureOf, type TaskGround } from "./task-activity.ts";

/** How many dates are looked at in one go. */
const PAGE = 100;

/**
 * The next dates of a backfill: of those that begin its range, or follow `after`.
 * @throws ApplicationFailure when the DAG is not known, has no schedule, or does not take the params
 */
export async function backfillPage(
  { registry, store }: TaskGround,
  { dagId, from, to, order, reprocess, params, startedAt, after }: BackfillPageRequest,
): Promise<BackfillPage> {
  try {
    const dag = registry.get(dagId);
    const now = new Date(startedAt);
    const range: RangeOfDates = { from, to, order, now };
    const found = backfillDates(dag.graph, { ...range, after, limit: PAGE });
    const [first] = found;
    // A mistake in the params is one of the backfill, not of each of its runs.
    if (after === undefined && first !== undefined)
      planRun(dag, { params, conf: {}, logicalDate: first, trigger: "backfill", now });
    const states = await Promise.all(
      found.map(async (date): Promise<RunState | null> => {
        const kept = await store?.getRun(workflowIdFor(dagId, date));
        return kept?.view.state ?? null;
      }),
    );
    const dates = found.filter((_, place) => isToRun(reprocess, states[place] ?? null));
    return {
      dates,
      skipped: found.length - dates.length,
      last: found.length < PAGE ? null : (found.at(-1) ?? null),
      ...(after === undefined ? { total: backfillDates(dag.graph, range).length } : {}),
    };
  } catch (error) {
    // The store may be back in a moment: Temporal tries again.
    if (error instanceof RunStoreUnavailableError) throw error;
    throw failureOf(taskErrorOf(error));
  }
}
