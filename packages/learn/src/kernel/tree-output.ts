import type { Arena } from "./arena.ts";

/** Where a thread writes a tree, by name; see `KernelTree`. */
export interface TreeOutput {
  readonly feature: number;
  readonly threshold: number;
  readonly left: number;
  readonly right: number;
  readonly flags: number;
  readonly leafValues: number;
  readonly categories: number;
}

const NODE_BYTES = 17;

/** Bytes that `takeTreeOutput` takes, with something for the gaps. */
export function treeOutputBytes(leaves: number, hasCategories: boolean): number {
  return 2 * leaves * NODE_BYTES + 8 * leaves + (hasCategories ? 32 * leaves : 0) + 7 * 64;
}

/** Room for a tree of so many leaves. */
export function takeTreeOutput(arena: Arena, leaves: number, hasCategories: boolean): TreeOutput {
  return {
    feature: arena.take(8 * leaves),
    threshold: arena.take(8 * leaves),
    left: arena.take(8 * leaves),
    right: arena.take(8 * leaves),
    flags: arena.take(2 * leaves),
    leafValues: arena.take(8 * leaves),
    categories: arena.take(hasCategories ? 32 * leaves : 32),
  };
}
