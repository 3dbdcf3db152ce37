import type { Desk } from "./desk.ts";
import { readBy } from "./expression.ts";
import type { GraphNode, Json } from "./graph.ts";
import { ItemList } from "./item-list.ts";
import { mappedOutcome } from "./mapped.ts";
import { timeLeftMs, totalTimeoutError } from "./retries.ts";
import type { MappedStatus } from "./state.ts";

/**
 * Starts a mapped node: works out its list and what each item is given. Items that it has from before (its list is made
 * of another mapped task's outputs, of which some were made anew) stay as they are where they come from the same item
 * and are given the same.
 */
export function startMapping(desk: Desk, node: GraphNode, { over }: NonNullable<GraphNode["map"]>): void {
  const { id } = node;
  const list = readBy(over, desk.values);
  desk.change(id, { state: "running", startedAt: desk.at });
  if (!Array.isArray(list)) {
    const message = `It is mapped over ${JSON.stringify(list)?.slice(0, 100)}: expected a list`;
    desk.end(id, { state: "failed", error: { code: "NOT_A_LIST", message, retryable: false } });
    return;
  }
  const sources = sourcesOf(desk, id, list.length);
  const untouched = list.map((value: Json, index): MappedStatus => {
    const source = sources?.[index] ?? index;
    const input = readBy(node.input, { ...desk.values, item: { value, index } });
    return { state: "none", attempts: 0, lost: 0, input, ...(source === index ? {} : { source }) };
  });
  const former = desk.itemsOf(id);
  desk.putItems(id, former === undefined ? ItemList.of(untouched) : joined(desk, id, former, untouched));
  goOnMapping(desk, node);
}

/** Starts the next items of a mapped node, or ends it when all have ended. */
export function goOnMapping(desk: Desk, node: GraphNode): void {
  const { id } = node;
  const items = desk.itemsOf(id);
  if (items === undefined) return;
  const { window = 1 } = node.map ?? {};
  while (desk.goesOn() && items.busy < window) {
    const next = items.waiting(window - items.busy);
    for (const index of next) desk.admit(node, index);
    // Those whose time is over make room for others; those for which the run has no room wait on.
    const [first] = next;
    if (first === undefined || items.waits(first)) break;
  }
  if (items.open === 0) desk.end(id, mappedOutcome(items));
}

/** Starts an attempt of an item. */
export function launchItem(desk: Desk, { id, policy }: GraphNode, index: number): void {
  const { input = null, attempts = 0, startedAt = desk.at, clears = 0, error } = desk.itemsOf(id)?.at(index) ?? {};
  const withinMs = timeLeftMs(policy, startedAt, desk.at);
  if (withinMs !== undefined && withinMs <= 0) {
    const late = totalTimeoutError(policy.totalTimeoutMs, error);
    desk.changePlace({ id, index }, { state: "failed", error: late, endedAt: desk.at });
    return;
  }
  desk.changePlace({ id, index }, { state: "running", attempts: attempts + 1, startedAt });
  const ofNode = desk.statusOf(id).clears ?? 0;
  desk.commands.push({
    ...{ type: "run_task", id, index, attempt: attempts + 1, clears: ofNode + clears, input },
    ...(withinMs === undefined ? {} : { withinMs }),
  });
}

/** Aborts the items of a node that ends without them: they have not run, should it go on after all. */
export function withdrawItems(desk: Desk, id: string): void {
  const items = desk.itemsOf(id);
  for (let index = 0; index < (items?.length ?? 0); index += 1) {
    const item = items?.at(index);
    if (item === undefined || isSettled(item) || item.state === "none") continue;
    desk.commands.push({ type: "cancel_task", id, index });
    items?.set(index, untouchedItem(item));
  }
}

/** An item as it was before it ran. */
export function untouchedItem({ input, source, clears = 0 }: MappedStatus, more = 0): MappedStatus {
  return {
    ...{ state: "none", attempts: 0, lost: 0, input },
    ...(source === undefined ? {} : { source }),
    ...(clears + more > 0 ? { clears: clears + more } : {}),
  };
}

/** The item that each entry of a node's list comes from, where that is made of the outputs of another mapped node. */
function sourcesOf(desk: Desk, id: string, length: number): readonly number[] | undefined {
  const source = desk.topology.itemwise.get(id);
  const items = source === undefined ? undefined : desk.itemsOf(source);
  if (items === undefined) return undefined;
  const found: number[] = [];
  let index = 0;
  for (const { state } of items) {
    if (state === "success") found.push(index);
    index += 1;
  }
  // Somebody may have marked it with an output of their own.
  return found.length === length ? found : undefined;
}

/** The items of a node whose list was made anew: former ones where they still hold, else untouched ones. */
function joined(desk: Desk, id: string, former: ItemList, untouched: readonly MappedStatus[]): ItemList {
  const places = new Map<number, number>();
  let place = 0;
  let clears = 0;
  for (const item of former) {
    places.set(item.source ?? place, place);
    clears = Math.max(clears, item.clears ?? 0);
    place += 1;
  }
  const inPlace =
    former.length === untouched.length && untouched.every(({ source }, index) => places.get(source ?? index) === index);
  // An effect is remembered by its place in the list: where places shift, what runs must not take another's for its own.
  if (!inPlace) desk.change(id, { clears: (desk.statusOf(id).clears ?? 0) + clears + 1 });
  const moved = new Map<number, number>();
  const items = untouched.map((item, index): MappedStatus => {
    const from = places.get(item.source ?? index);
    const known = from === undefined ? undefined : former.at(from);
    if (from === undefined || known === undefined) return item;
    const holds = known.state === "none" || same(known.input, item.input);
    if (holds) moved.set(from, index);
    if (holds && isSettled(known)) return withSource(known, item.source);
    const { clears: before = 0 } = known;
    if (known.state === "none") return inPlace && before > 0 ? { ...item, clears: before } : item;
    if (holds && inPlace) return known;
    if (!isSettled(known)) desk.commands.push({ type: "cancel_task", id, index: from });
    return inPlace ? { ...item, clears: before + 1 } : item;
  });
  const here = new Set(untouched.map(({ source }, index) => source ?? index));
  for (const [source, from] of places) {
    const known = former.at(from);
    if (here.has(source) || known === undefined || known.state === "none" || isSettled(known)) continue;
    desk.commands.push({ type: "cancel_task", id, index: from });
  }
  if (!inPlace || moved.size < former.length) passOn(desk, id, moved);
  return ItemList.of(items);
}

/** Tells the nodes whose items come from this one's where these are now; what comes from none of them runs anew. */
function passOn(desk: Desk, id: string, moved: ReadonlyMap<number, number>): void {
  for (const [next, from] of desk.topology.itemwise) {
    const items = from === id ? desk.itemsOf(next) : undefined;
    for (let index = 0; index < (items?.length ?? 0); index += 1) {
      const item = items?.at(index);
      if (item === undefined) continue;
      const source = moved.get(item.source ?? index) ?? NOWHERE;
      items?.set(index, withSource(item, source === index ? undefined : source));
    }
  }
}

/** The source of an item that comes from none of those that there are. */
const NOWHERE = -1;

function isSettled({ state }: MappedStatus): boolean {
  return state === "success" || state === "failed" || state === "skipped";
}

function withSource({ source: _, ...item }: MappedStatus, source: number | undefined): MappedStatus {
  return source === undefined ? item : { ...item, source };
}

function same(one: Json, other: Json): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
