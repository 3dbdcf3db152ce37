import {
  condition,
  continueAsNew,
  defineQuery,
  getExternalWorkflowHandle,
  setDefaultSignalHandler,
  setHandler,
  uuid4,
  workflowInfo,
} from "@temporalio/workflow";
import {
  EMPTY_LOG,
  type LoggedEvent,
  type LogState,
  logged,
  logViewOf,
  notThere,
  subscribed,
  told,
  toTell,
  unsubscribed,
} from "../core/asset-log.ts";
import type { GraphAsset, Json } from "../core/graph.ts";
import type { AssetEvent } from "../core/state.ts";
import {
  type AssetLogView,
  LARGEST_MEMORY,
  QUERY_STATE,
  SIGNAL_EMIT,
  SIGNAL_EVENTS,
  SIGNAL_SUBSCRIBE,
  SIGNAL_UNSUBSCRIBE,
  triggerIdOf,
} from "./asset-protocol.ts";

/**
 * After what time a DAG is looked for that was not there to be told, in milliseconds: soon at first, for a trigger that is
 * just continuing as new cannot be told either; then less and less often.
 */
const SOONEST_LOOK_MS = 500;
const LATEST_LOOK_MS = 600_000;

/** What a log tells a trigger. */
export interface ToldEvents {
  readonly uri: string;
  /** The same for ever in one log, another in one that was begun anew. */
  readonly log: string;
  readonly events: readonly LoggedEvent[];
}

/**
 * Keeps the events of one asset for ever, each once, and tells them to the triggers of the DAGs that wait for it: in
 * their order, and again when in doubt.
 */
export async function dagwrightAsset(given: GraphAsset, memory: LogState = EMPTY_LOG): Promise<void> {
  let asset = given;
  let state = memory;
  let lookAfter = SOONEST_LOOK_MS;
  const log = workflowInfo().firstExecutionRunId;

  // One handler for all: those that wait for the first step are taken by name else, and not in their order.
  setDefaultSignalHandler((name, first, second) => {
    if (name === SIGNAL_EMIT) {
      state = logged(state, eventsOf(first, given.uri));
      asset = describedBy(second, asset);
    } else if (name === SIGNAL_SUBSCRIBE) state = subscribed(state, String(first));
    else if (name === SIGNAL_UNSUBSCRIBE) state = unsubscribed(state, String(first));
  });
  setHandler(defineQuery<AssetLogView>(QUERY_STATE), () => ({ ...asset, ...logViewOf(state) }));

  const tell = async ({ dagId, events }: ReturnType<typeof toTell>[number]) => {
    const message: ToldEvents = { uri: given.uri, log, events };
    try {
      await getExternalWorkflowHandle(triggerIdOf(dagId)).signal(SIGNAL_EVENTS, message);
      state = told(state, dagId, events.at(-1)?.seq ?? 0);
      lookAfter = SOONEST_LOOK_MS;
    } catch {
      state = notThere(state, dagId);
    }
  };
  const hasToGoOn = () => workflowInfo().continueAsNewSuggested && JSON.stringify(state).length < LARGEST_MEMORY;
  for (let evenAbsent = false; ; ) {
    if (hasToGoOn()) await continueAsNew<typeof dagwrightAsset>(asset, state);
    const due = toTell(state, evenAbsent);
    evenAbsent = false;
    if (due.length > 0) {
      await Promise.all(due.map(tell));
      continue;
    }
    const awake = () => toTell(state).length > 0 || hasToGoOn();
    if (toTell(state, true).length > 0) {
      evenAbsent = !(await condition(awake, lookAfter));
      if (evenAbsent) lookAfter = Math.min(2 * lookAfter, LATEST_LOOK_MS);
    } else await condition(() => toTell(state, true).length > 0 || hasToGoOn());
  }
}

/** Whatever came as events: what is no event of ours was typed by hand, `{ "by": "who", "extra": {…} }` or nothing at all. */
function eventsOf(payload: unknown, uri: string): AssetEvent[] {
  const all: readonly unknown[] = Array.isArray(payload) ? payload : [payload];
  return all.map((one) => (isEvent(one) ? one : typedByHand(one, uri)));
}

function isEvent(value: unknown): value is AssetEvent {
  return (
    typeof value === "object" &&
    value !== null &&
    ["id", "uri", "at"].every((name) => typeof Reflect.get(value, name) === "string") &&
    ["extra", "source"].every((name) => isObject(Reflect.get(value, name)))
  );
}

function typedByHand(value: unknown, uri: string): AssetEvent {
  const [id, by, extra] = ["id", "by", "extra"].map((name): unknown =>
    isObject(value) ? Reflect.get(value, name) : undefined,
  );
  return {
    id: typeof id === "string" && id !== "" ? id : uuid4(),
    uri,
    at: new Date(Date.now()).toISOString(),
    extra: isObject(extra) ? extra : {},
    source: { by: typeof by === "string" && by !== "" ? by : "a signal" },
  };
}

/** It came as JSON through Temporal. */
function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The last who says more of an asset than its uri is believed. */
function describedBy(described: unknown, asset: GraphAsset): GraphAsset {
  if (!isObject(described)) return asset;
  const { name, extra } = described;
  return {
    ...asset,
    ...(typeof name === "string" ? { name } : {}),
    ...(isObject(extra) ? { extra } : {}),
  };
}
