import type { Stretch } from "./value-grid.ts";

/** Values of one side within a stretch, how many of the side lie below it, and how many there are in all. */
export interface Part {
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  readonly below: number;
  readonly total: number;
}

/** ∫ |F − G| over the stretch, from the values in it, which are sorted on the way. */
export function partArea(one: Part, two: Part, { from, to }: Stretch): number {
  sortPart(one.values, one.from, one.to);
  sortPart(two.values, two.from, two.to);
  const [a, b] = [one.values, two.values];
  let i = one.from;
  let j = two.from;
  let last = from;
  let area = 0;
  while (i < one.to || j < two.to) {
    const first = i < one.to ? a[i]! : Number.POSITIVE_INFINITY;
    const second = j < two.to ? b[j]! : Number.POSITIVE_INFINITY;
    const value = first < second ? first : second;
    const gap = (one.below + i - one.from) / one.total - (two.below + j - two.from) / two.total;
    area += (value - last) * Math.abs(gap);
    last = value;
    while (i < one.to && a[i] === value) i += 1;
    while (j < two.to && b[j] === value) j += 1;
  }
  const gap = (one.below + i - one.from) / one.total - (two.below + j - two.from) / two.total;
  return area + (to - last) * Math.abs(gap);
}

/** The largest |i · n₂ − j · n₁| up to a value of the parts, i and j the numbers of values up to it. */
export function partGap(one: Part, two: Part): number {
  sortPart(one.values, one.from, one.to);
  sortPart(two.values, two.from, two.to);
  let i = one.from;
  let j = two.from;
  let largest = 0;
  while (i < one.to || j < two.to) {
    const first = i < one.to ? one.values[i]! : Number.POSITIVE_INFINITY;
    const second = j < two.to ? two.values[j]! : Number.POSITIVE_INFINITY;
    const value = first < second ? first : second;
    while (i < one.to && one.values[i] === value) i += 1;
    while (j < two.to && two.values[j] === value) j += 1;
    const gap = (one.below + i - one.from) * two.total - (two.below + j - two.from) * one.total;
    largest = Math.max(largest, Math.abs(gap));
  }
  return largest;
}

/** Sorts part of a list in place. */
function sortPart(values: Float64Array, from: number, to: number): void {
  let ordered = from + 1;
  while (ordered < to && values[ordered - 1]! <= values[ordered]!) ordered += 1;
  if (ordered >= to) return;
  if (to - from > 24) {
    values.subarray(from, to).sort();
    return;
  }
  for (let at = from + 1; at < to; at++) {
    const value = values[at]!;
    let place = at - 1;
    while (place >= from && values[place]! > value) {
      values[place + 1] = values[place]!;
      place -= 1;
    }
    values[place + 1] = value;
  }
}
