import {
  condition,
  defineQuery,
  getExternalWorkflowHandle,
  makeContinueAsNewFunc,
  ParentClosePolicy,
  setDefaultSignalHandler,
  setHandler,
  startChild,
  upsertMemo,
  WorkflowIdReusePolicy,
  workflowInfo,
} from "@temporalio/workflow";
import { conditionText, urisOf } from "../core/asset-condition.ts";
import {
  type DueRun,
  decideTrigger,
  initialTrigger,
  type TriggerEvent,
  type TriggerState,
  triggerViewOf,
} from "../core/asset-trigger.ts";
import type { ToldEvents } from "./asset-log.ts";
import {
  type AssetTriggerView,
  assetLogIdOf,
  LARGEST_MEMORY,
  MEMO,
  QUERY_STATE,
  SIGNAL_CONFIGURE,
  SIGNAL_EVENTS,
  SIGNAL_PAUSE,
  SIGNAL_RESUME,
  SIGNAL_SUBSCRIBE,
  SIGNAL_UNSUBSCRIBE,
  type TriggerConfig,
} from "./asset-protocol.ts";

/** What a trigger carries over when it continues as new. */
interface Memory {
  readonly state: TriggerState;
  readonly note: string;
  readonly lastRunId: string | null;
  /** The assets whose logs tell it their events. */
  readonly heard: readonly string[];
}

/**
 * Starts the runs of one DAG that waits for assets, for ever: it takes the events that their logs tell it, and starts one
 * run each time that they make the DAG's condition hold, in order, each with the events that no run before it had.
 */
export async function dagwrightAssetTrigger(given: TriggerConfig, memory?: Memory): Promise<void> {
  let config = given;
  const { paused } = given;
  let state = memory?.state ?? initialTrigger(given.condition, paused !== undefined);
  let { note = paused?.note ?? "", lastRunId = null, heard = [] } = memory ?? {};

  const take = (event: TriggerEvent) => {
    state = decideTrigger(state, event);
  };
  const publish = () =>
    upsertMemo({
      [MEMO.queue]: config.taskQueue,
      [MEMO.condition]: state.condition,
      [MEMO.source]: config.source ?? null,
      [MEMO.paused]: state.paused ? note : null,
    });
  // One handler for all: those that wait for the first step are taken by name else, and not in their order.
  setDefaultSignalHandler((name, payload) => {
    const at = Date.now();
    if (name === SIGNAL_EVENTS && isTold(payload)) {
      take({ type: "events", ...payload, at });
      return;
    }
    if (name === SIGNAL_CONFIGURE && isConfig(payload)) {
      config = payload;
      take({ type: "configure", condition: config.condition, at });
    } else if (name === SIGNAL_PAUSE || name === SIGNAL_RESUME) {
      note = typeof payload === "string" ? payload : "";
      take({ type: name, at });
    } else return;
    publish();
  });
  setHandler(
    defineQuery<AssetTriggerView>(QUERY_STATE),
    (): AssetTriggerView => ({ dagId: config.dagId, ...triggerViewOf(state), note, lastRunId }),
  );

  /** Has the logs of its assets tell it their events, and no others. */
  const listen = async () => {
    const uris = urisOf(state.condition);
    const tell = async (signal: string, uri: string) => {
      // A log that is not there has nothing to tell; whoever brings the DAGs in line with the code starts it.
      await getExternalWorkflowHandle(assetLogIdOf(uri))
        .signal(signal, config.dagId)
        .catch(() => undefined);
    };
    const before = heard;
    heard = uris;
    await Promise.all([
      ...uris.filter((uri) => !before.includes(uri)).map((uri) => tell(SIGNAL_SUBSCRIBE, uri)),
      ...before.filter((uri) => !uris.includes(uri)).map((uri) => tell(SIGNAL_UNSUBSCRIBE, uri)),
    ]);
  };
  const hasToListen = () => urisOf(state.condition).join(" ") !== heard.join(" ");
  const hasToMove = () => config.taskQueue !== given.taskQueue;

  const hasToGoOn = () => workflowInfo().continueAsNewSuggested && JSON.stringify(state).length < LARGEST_MEMORY;

  for (;;) {
    const [next] = state.due;
    if (hasToMove() || hasToGoOn()) {
      const { paused: _, ...kept } = config;
      const goOn = makeContinueAsNewFunc<typeof dagwrightAssetTrigger>({ taskQueue: config.taskQueue });
      await goOn(kept, { state, note, lastRunId, heard });
    } else if (hasToListen()) {
      await listen();
    } else if (next !== undefined && !state.paused) {
      const started = await startRun(config, next, state.lastAt);
      lastRunId = started.runId;
      take({ type: "started", startedAt: started.at, at: Date.now() });
    } else {
      await condition(() => (state.due.length > 0 && !state.paused) || hasToListen() || hasToMove() || hasToGoOn());
    }
  }
}

/** Only logs of assets send it; what somebody typed by hand is passed over. */
function isTold(payload: unknown): payload is ToldEvents {
  return typeof payload === "object" && payload !== null && "events" in payload && Array.isArray(payload.events);
}

/** Only whoever brings the DAGs in line with the code sends it. */
function isConfig(payload: unknown): payload is TriggerConfig {
  return typeof payload === "object" && payload !== null && "condition" in payload && "taskQueue" in payload;
}

/** Starts a run, under the first free moment from its own on. */
async function startRun(
  { dagId, condition: waited }: TriggerConfig,
  { at: decided, events }: DueRun,
  lastAt: number,
): Promise<{ readonly runId: string; readonly at: number }> {
  for (let at = decided; ; at = Math.max(at, lastAt) + 1) {
    const logicalDate = new Date(at).toISOString().replace(".000Z", "Z");
    const runId = `${dagId}/asset-${logicalDate}`;
    try {
      await startChild(dagId, {
        workflowId: runId,
        args: [{ trigger: "asset", logicalDate, assetEvents: events }],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        typedSearchAttributes: [
          { key: { name: "DagId", type: "KEYWORD" }, value: dagId },
          { key: { name: "LogicalDate", type: "DATETIME" }, value: new Date(at) },
          { key: { name: "RunState", type: "KEYWORD" }, value: "queued" },
          { key: { name: "RunTrigger", type: "KEYWORD" }, value: "asset" },
        ],
        staticSummary: `on ${conditionText(waited)}`.slice(0, 200),
      });
      return { runId, at };
    } catch (error) {
      // A former trigger of this DAG, which was ended, had a clock that was ahead.
      if (!(error instanceof Error) || error.name !== "WorkflowExecutionAlreadyStartedError") throw error;
    }
  }
}
