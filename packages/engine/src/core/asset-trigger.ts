import { holds, urisOf } from "./asset-condition.ts";
import { type LoggedEvent, lastOf } from "./asset-log.ts";
import type { AssetCondition } from "./graph.ts";
import type { AssetEvent } from "./state.ts";

/** What a DAG that waits for assets has been told and has not run for. Serialisable. */
export interface TriggerState {
  readonly condition: AssetCondition;
  /** Events that wait for a run, in the order in which they came. */
  readonly pending: readonly AssetEvent[];
  /** Runs that were decided on and are not started yet, in their order. */
  readonly due: readonly DueRun[];
  /** How far each log has been read: what comes again is known by its number. */
  readonly cursors: Readonly<Record<string, { readonly log: string; readonly seq: number }>>;
  readonly paused: boolean;
  /** How many runs were decided on. */
  readonly decided: number;
  /** Moment of the last of them, in milliseconds since 1970: each is later than the one before. */
  readonly lastAt: number;
  /** Events that waited for too long: see `LARGEST`. */
  readonly dropped: number;
}

/** What happened. `at` in milliseconds since 1970. */
export type TriggerEvent =
  /** A log tells its events, in their order; those that were told before may come again. `log` tells one log of an asset from a later one. */
  | {
      readonly type: "events";
      readonly uri: string;
      readonly log: string;
      readonly events: readonly LoggedEvent[];
      readonly at: number;
    }
  /** The DAG waits for something else. Events of assets that it still names wait on. */
  | { readonly type: "configure"; readonly condition: AssetCondition; readonly at: number }
  | { readonly type: "pause"; readonly at: number }
  | { readonly type: "resume"; readonly at: number }
  /** The first of the due runs has been started, at the moment that it was given in the end. */
  | { readonly type: "started"; readonly startedAt: number; readonly at: number };

/** A run to start, for these events. */
export interface DueRun {
  /** When it was decided on: its logical date, in milliseconds since 1970. No two of a DAG are the same. */
  readonly at: number;
  /** In the order in which they came; one at least. */
  readonly events: readonly AssetEvent[];
  /** Of the events, in characters of JSON. */
  readonly size: number;
}

/** A trigger as people see it. */
export interface TriggerView {
  readonly condition: AssetCondition;
  readonly paused: boolean;
  /** Each asset of the condition, with how many events of it wait. */
  readonly waiting: readonly { readonly uri: string; readonly events: number; readonly last: string | null }[];
  /** Runs that are about to start. */
  readonly due: number;
  readonly decided: number;
  readonly dropped: number;
}

/** Events that one run takes at most, by number and in characters of JSON: every task of the run is given them. */
const MOST_OF_A_RUN = 500;
const LARGEST_RUN = 200_000;
/** When so many runs are due, by number or in characters of JSON, what comes is gathered for one run. */
const MOST_DUE = 100;
const LARGEST_DUE = 300_000;
/**
 * Events that wait at most while no run can take them, in characters of JSON: Temporal refuses 2 MiB. The oldest are
 * dropped beyond it.
 */
const LARGEST = 700_000;

export function initialTrigger(condition: AssetCondition, paused = false): TriggerState {
  return { condition, pending: [], due: [], cursors: {}, paused, decided: 0, lastAt: 0, dropped: 0 };
}

/**
 * One decision: what happened, on a trigger as it stands, gives the trigger as it stands then; the runs to start are its
 * `due` ones, in their order. Pure. An event that makes the condition hold is a run with all events that wait; while it is
 * paused they wait, and one run takes them when it goes on.
 */
export function decideTrigger(state: TriggerState, event: TriggerEvent): TriggerState {
  switch (event.type) {
    case "events":
      return take(state, event);
    case "configure": {
      const named = new Set(urisOf(event.condition));
      const cursors = Object.entries(state.cursors).filter(([uri]) => named.has(uri));
      const pending = state.pending.filter(({ uri }) => named.has(uri));
      const { condition } = event;
      return consume({ ...state, condition, pending, cursors: Object.fromEntries(cursors) }, event.at);
    }
    case "pause":
      return { ...state, paused: true };
    case "resume":
      return consume({ ...state, paused: false }, event.at);
    case "started": {
      const lastAt = Math.max(state.lastAt, event.startedAt);
      return consume({ ...state, due: state.due.slice(1), lastAt }, event.at);
    }
  }
}

export function triggerViewOf({ condition, pending, due, paused, decided, dropped }: TriggerState): TriggerView {
  const waiting = urisOf(condition).map((uri) => {
    const own = pending.filter((event) => event.uri === uri);
    return { uri, events: own.length, last: own.at(-1)?.at ?? null };
  });
  return { condition, paused, waiting, due: due.length, decided, dropped };
}

function take(before: TriggerState, { uri, log, events, at }: Extract<TriggerEvent, { type: "events" }>): TriggerState {
  // A log that was still telling when the DAG stopped waiting for it.
  if (!urisOf(before.condition).includes(uri)) return before;
  let state = before;
  // Grown in place: many events may come at once, and wait.
  let pending = [...before.pending];
  let updated = urisAmong(pending);
  for (const { seq, event } of events) {
    const cursor = state.cursors[uri];
    if (cursor?.log === log && seq <= cursor.seq) continue;
    state = { ...state, cursors: { ...state.cursors, [uri]: { log, seq } } };
    pending.push(event);
    updated.add(uri);
    if (!hasRoom(state) || !holds(state.condition, updated)) continue;
    state = consume({ ...state, pending }, at);
    pending = [...state.pending];
    updated = urisAmong(pending);
  }
  // What is gathered is soon taken.
  if (!state.paused && holds(state.condition, updated)) return { ...state, pending };
  const kept = lastOf(pending, LARGEST);
  return { ...state, pending: kept, dropped: state.dropped + pending.length - kept.length };
}

function urisAmong(events: readonly AssetEvent[]): Set<string> {
  return new Set(events.map(({ uri }) => uri));
}

/** Whether one more run may be decided on. */
function hasRoom({ paused, due }: TriggerState): boolean {
  return !paused && due.length < MOST_DUE && due.reduce((sum, { size }) => sum + size, 0) < LARGEST_DUE;
}

/** Decides on runs as long as what waits makes the condition hold. */
function consume(before: TriggerState, at: number): TriggerState {
  let state = before;
  while (hasRoom(state) && holds(state.condition, urisAmong(state.pending))) {
    const events = eventsOfRun(state.pending);
    const taken = new Set(events);
    const moment = Math.max(at, state.lastAt + 1);
    const run: DueRun = { at: moment, events, size: JSON.stringify(events).length };
    const pending = state.pending.filter((event) => !taken.has(event));
    state = { ...state, pending, due: [...state.due, run], lastAt: moment, decided: state.decided + 1 };
  }
  return state;
}

/** All that waits; of more than a run can take, the oldest, and the oldest of each asset. */
function eventsOfRun(pending: readonly AssetEvent[]): readonly AssetEvent[] {
  const first = new Set<AssetEvent>();
  for (const uri of urisAmong(pending)) {
    const oldest = pending.find((event) => event.uri === uri);
    if (oldest !== undefined) first.add(oldest);
  }
  let room = LARGEST_RUN;
  let count = 0;
  return pending.filter((event) => {
    count += 1;
    room -= JSON.stringify(event).length;
    return first.has(event) || (count <= MOST_OF_A_RUN && room >= 0);
  });
}
