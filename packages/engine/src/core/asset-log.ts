import type { AssetEvent } from "./state.ts";

/** An event with its number in the log of its asset, from 1. */
export interface LoggedEvent {
  readonly seq: number;
  readonly event: AssetEvent;
}

/** The log of an asset: its last events, and how far each DAG that waits for it has been told. Serialisable. */
export interface LogState {
  /** How many events there were in all: the number of the last. */
  readonly count: number;
  /** Ids of the last events: one that comes again is known. */
  readonly seen: readonly string[];
  /** Those still to be told, and the last ones. */
  readonly events: readonly LoggedEvent[];
  readonly subscribers: Readonly<Record<string, Subscriber>>;
  /** Events that a DAG which is not there could not be told in time: see `LARGEST`. */
  readonly dropped: number;
}

interface Subscriber {
  /** Number of the last event that it was told. */
  readonly delivered: number;
  /** Nobody was there to be told. */
  readonly absent?: boolean;
}

/** A log as people see it. */
export interface LogView {
  readonly count: number;
  /** The last events, the newest first. */
  readonly events: readonly AssetEvent[];
  /** The DAGs that wait for it, and how many events each is still to be told. */
  readonly subscribers: readonly { readonly dagId: string; readonly untold: number }[];
  readonly dropped: number;
}

export const EMPTY_LOG: LogState = { count: 0, seen: [], events: [], subscribers: {}, dropped: 0 };

/** How many events are kept when all have been told. */
const KEPT = 100;
/** How many are told at once, by number and in characters of JSON. */
const AT_ONCE = 200;
const LARGEST_AT_ONCE = 300_000;
/** Ids that are remembered, and events that are kept for who is not there, in characters of JSON: Temporal refuses 2 MiB. */
const LARGEST_SEEN = 300_000;
const LARGEST = 700_000;

/** Takes events, those left out whose id is known. */
export function logged(state: LogState, events: readonly AssetEvent[]): LogState {
  const known = new Set(state.seen);
  const fresh = events.filter(({ id }) => !known.has(id) && known.add(id));
  if (fresh.length === 0) return state;
  return bounded({
    ...state,
    count: state.count + fresh.length,
    seen: lastOf([...state.seen, ...fresh.map(({ id }) => id)], LARGEST_SEEN),
    events: [...state.events, ...fresh.map((event, place) => ({ seq: state.count + place + 1, event }))],
  });
}

/** A DAG waits for the asset, from the next event on; one that has waited before goes on where it was. */
export function subscribed(state: LogState, dagId: string): LogState {
  const { delivered = state.count } = state.subscribers[dagId] ?? {};
  return { ...state, subscribers: { ...state.subscribers, [dagId]: { delivered } } };
}

export function unsubscribed(state: LogState, dagId: string): LogState {
  const { [dagId]: _, ...subscribers } = state.subscribers;
  return bounded({ ...state, subscribers });
}

/** Whom to tell what, now. */
export function toTell(
  { events, subscribers }: LogState,
  evenAbsent = false,
): readonly { readonly dagId: string; readonly events: readonly LoggedEvent[] }[] {
  return Object.entries(subscribers).flatMap(([dagId, { delivered, absent = false }]) => {
    const untold = absent && !evenAbsent ? [] : firstOf(events.filter(({ seq }) => seq > delivered));
    return untold.length === 0 ? [] : [{ dagId, events: untold }];
  });
}

/** A DAG has been told all events up to this number. */
export function told(state: LogState, dagId: string, seq: number): LogState {
  const subscriber = state.subscribers[dagId];
  if (subscriber === undefined || subscriber.delivered >= seq) return state;
  return bounded({ ...state, subscribers: { ...state.subscribers, [dagId]: { delivered: seq } } });
}

/** Nobody was there to be told: it is tried again when the DAG waits anew, or later. */
export function notThere(state: LogState, dagId: string): LogState {
  const subscriber = state.subscribers[dagId];
  if (subscriber === undefined) return state;
  return { ...state, subscribers: { ...state.subscribers, [dagId]: { ...subscriber, absent: true } } };
}

export function logViewOf({ count, events, subscribers, dropped }: LogState): LogView {
  return {
    count,
    events: events
      .slice(-KEPT)
      .map(({ event }) => event)
      .reverse(),
    subscribers: Object.entries(subscribers).map(([dagId, { delivered }]) => ({ dagId, untold: count - delivered })),
    dropped,
  };
}

/** Whoever is there is soon told: what they still need is kept whatever it takes. */
function bounded(state: LogState): LogState {
  const { events, count } = state;
  if (events.length <= KEPT) return state;
  const subscribers = Object.values(state.subscribers);
  const toldTo = (some: typeof subscribers) => Math.min(count, ...some.map(({ delivered }) => delivered));
  const toldToAll = toldTo(subscribers);
  const needed = toldTo(subscribers.filter(({ absent }) => !absent));
  const kept = events.filter(({ seq }) => seq > needed);
  const others = events.filter(({ seq }) => seq <= needed && seq > Math.min(toldToAll, count - KEPT));
  const within = lastOf(others, Math.max(0, LARGEST - JSON.stringify(kept).length));
  const lost = others.slice(0, others.length - within.length).filter(({ seq }) => seq > toldToAll);
  return { ...state, events: [...within, ...kept], dropped: state.dropped + lost.length };
}

function firstOf(events: readonly LoggedEvent[]): readonly LoggedEvent[] {
  let room = LARGEST_AT_ONCE;
  const end = events.findIndex((event, place) => {
    room -= JSON.stringify(event).length;
    return place > 0 && (place >= AT_ONCE || room < 0);
  });
  return end < 0 ? events : events.slice(0, end);
}

/** The last of a list, as many as a number of characters of JSON holds. */
export function lastOf<T>(list: readonly T[], characters: number): readonly T[] {
  let room = characters;
  let from = list.length;
  for (; from > 0; from -= 1) {
    room -= JSON.stringify(list[from - 1]).length + 1;
    if (room < 0) break;
  }
  return from === 0 ? list : list.slice(from);
}
