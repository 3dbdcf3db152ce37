import type { MappedStatus, TaskStatus } from "./state.ts";
import { isFinal } from "./trigger-rules.ts";

/** Items of one block: a change copies one block and the list of blocks, not the whole list. */
const BLOCK = 256;

interface Block {
  readonly items: MappedStatus[];
  /** How many of them wait to be started. */
  waiting: number;
}

/**
 * The items of a mapped node, with what is asked of them after every event counted along: at 50,000 items an event
 * costs as much as at 500. A copy may be changed until the decision that it was made for is over.
 */
export class ItemList implements Iterable<MappedStatus> {
  /** Whether it differs from what it is a copy of. */
  changed = false;
  /** How many items run or wait for slots, and how many have not ended. */
  busy = 0;
  open = 0;
  private array: readonly MappedStatus[] | undefined;
  /** The blocks that no other list shares. */
  private readonly own = new Set<number>();

  private constructor(
    private readonly blocks: Block[],
    readonly length: number,
  ) {}

  static of(items: readonly MappedStatus[]): ItemList {
    const blocks: Block[] = [];
    for (let from = 0; from < items.length; from += BLOCK) {
      const block = items.slice(from, from + BLOCK);
      blocks.push({ items: block, waiting: block.filter(isWaiting).length });
    }
    const list = new ItemList(blocks, items.length);
    for (const item of items) {
      if (isBusy(item)) list.busy += 1;
      if (!isFinal(item.state)) list.open += 1;
    }
    return list;
  }

  copy(): ItemList {
    const copy = new ItemList([...this.blocks], this.length);
    copy.busy = this.busy;
    copy.open = this.open;
    return copy;
  }

  at(index: number): MappedStatus | undefined {
    return this.blocks[Math.floor(index / BLOCK)]?.items[index % BLOCK];
  }

  set(index: number, item: MappedStatus): void {
    const before = this.at(index);
    if (before === undefined || before === item) return;
    const block = this.ownBlock(Math.floor(index / BLOCK));
    block.items[index % BLOCK] = item;
    block.waiting += Number(isWaiting(item)) - Number(isWaiting(before));
    this.busy += Number(isBusy(item)) - Number(isBusy(before));
    this.open += Number(!isFinal(item.state)) - Number(!isFinal(before.state));
    this.changed = true;
    this.array = undefined;
  }

  /** Whether an item waits to be started. */
  waits(index: number): boolean {
    const item = this.at(index);
    return item !== undefined && isWaiting(item);
  }

  /** The first items that wait to be started, in the order of the list. */
  waiting(most: number): number[] {
    const found: number[] = [];
    if (most <= 0) return found;
    for (const [number, { items, waiting }] of this.blocks.entries()) {
      if (waiting === 0) continue;
      for (const [place, item] of items.entries()) {
        if (!isWaiting(item)) continue;
        found.push(number * BLOCK + place);
        if (found.length === most) return found;
      }
    }
    return found;
  }

  *[Symbol.iterator](): Iterator<MappedStatus> {
    for (const { items } of this.blocks) yield* items;
  }

  toArray(): readonly MappedStatus[] {
    this.array ??= this.blocks.flatMap(({ items }) => items);
    return this.array;
  }

  private ownBlock(number: number): Block {
    const { items, waiting } = this.blocks[number] ?? { items: [], waiting: 0 };
    if (!this.own.has(number)) {
      this.blocks[number] = { items: [...items], waiting };
      this.own.add(number);
    }
    return this.blocks[number] ?? { items, waiting };
  }
}

function isBusy({ state }: MappedStatus): boolean {
  return state === "running" || state === "queued";
}

function isWaiting({ state }: MappedStatus): boolean {
  return state === "none" || state === "scheduled";
}

/** A status without its items, and these, of those that were made by `withItems`. */
const parts = new WeakMap<TaskStatus, { readonly bare: TaskStatus; readonly items: ItemList }>();

/** A status with these items; its array `mapped` is made when it is first looked at. */
export function withItems(bare: TaskStatus, items: ItemList): TaskStatus {
  const made = Object.defineProperty({ ...bare }, "mapped", { enumerable: true, get: () => items.toArray() });
  parts.set(made, { bare, items });
  return made;
}

/** A status without its items, and these, if it has any. */
export function partsOf(status: TaskStatus): { readonly bare: TaskStatus; readonly items: ItemList | undefined } {
  const known = parts.get(status);
  if (known !== undefined) return known;
  if (status.mapped === undefined) return { bare: status, items: undefined };
  // A status that was stored and read again has its array only.
  const { mapped, ...bare } = status;
  const items = ItemList.of(mapped);
  parts.set(status, { bare, items });
  return { bare, items };
}
