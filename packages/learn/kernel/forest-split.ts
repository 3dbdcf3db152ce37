/** The best split of a node of a forest's tree: sums, histograms of one column after the other, and what each bin parts. */
import { rankCategory } from "./category-order";
import { f64At, i32At, i64At, MISSING, setF64, setI32, u8At } from "./memory";
import { below } from "./random";

let rowCount: i32, columns: i32, classes: i32, countBits: i32, bins: usize, isCategory: usize, target: usize;
let maxDepth: i32, minSamplesSplit: i32, minSamplesLeaf: i32, featuresPerNode: i32, criterion: i32;
let scaleY: f64, minDecrease: f64, minWeightLeaf: f64, treeWeight: f64;
let rows: usize, payload: usize, order: usize, histogram: usize, totals: usize, lefts: usize, ranks: usize;

/** @param shared what is the same for all threads @param own what each has for itself (`src/forest.ts` writes both) */
export function setSearch(shared: usize, own: usize): void {
  rowCount = i32At(shared, 0); columns = i32At(shared, 1); classes = i32At(shared, 2); countBits = i32At(shared, 3);
  bins = i32At(shared, 4); isCategory = i32At(shared, 7); target = i32At(shared, 8);
  maxDepth = i32At(shared, 10); minSamplesSplit = i32At(shared, 11); minSamplesLeaf = i32At(shared, 12);
  featuresPerNode = i32At(shared, 13); criterion = i32At(shared, 19);
  scaleY = f64At(shared, 10); minDecrease = f64At(shared, 12); minWeightLeaf = f64At(shared, 13);
  rows = i32At(own, 0); payload = i32At(own, 1); order = i32At(own, 4); histogram = i32At(own, 7);
  totals = i32At(own, 17); lefts = i32At(own, 18); ranks = i32At(own, 20);
  memory.fill(histogram, 0, 256 * (classes > 0 ? <usize>classes * 8 : 16));
}

/** Begins a tree on rows of this weight in all. */
export function startSearch(weight: f64): void {
  treeWeight = weight;
  for (let column = 0; column < columns; column++) setI32(order, column, column);
}

// The best split of the node at hand.
export let bestFeature: i32, bestBin: i32, bestNext: i32, bestMissingLeft: i32;
export let set0: u64, set1: u64, set2: u64, set3: u64;
let bestScore: f64;
// Sums of the node at hand.
let totalG: i64, totalWC: i64, totalCount: i32, totalWeight: f64, ownScore: f64;
// Bins met in the histogram at hand, a bit each.
let met0: u64, met1: u64, met2: u64, met3: u64;

// @ts-ignore: decorator
@inline export function weightOf(wc: i64): f64 { return <f64>(wc >> countBits); }
// @ts-ignore: decorator
@inline function countOf(wc: i64): i32 { return <i32>(wc & ((<i64>1 << countBits) - 1)); }

/** How much the best split lowers the impurity, times the node's weight. */
export function bestGain(): f64 { return bestScore - ownScore; }

/** Keeps the best split of the node at hand in bytes 16 to 71 of an entry. */
export function keepSplit(at: usize, has: bool): void {
  store<f64>(at + 16, has ? bestScore - ownScore : -Infinity);
  setI32(at, 6, bestFeature); setI32(at, 7, bestBin); setI32(at, 8, bestNext); setI32(at, 9, bestMissingLeft);
  store<u64>(at + 40, set0); store<u64>(at + 48, set1); store<u64>(at + 56, set2); store<u64>(at + 64, set3);
}
export function takeSplit(at: usize): void {
  bestFeature = i32At(at, 6); bestBin = i32At(at, 7); bestNext = i32At(at, 8); bestMissingLeft = i32At(at, 9);
  bestScore = load<f64>(at + 16); ownScore = 0;
  set0 = load<u64>(at + 40); set1 = load<u64>(at + 48); set2 = load<u64>(at + 56); set3 = load<u64>(at + 64);
}

/** Sums the node up and looks for its best split; false where it is to be a leaf. */
export function findSplit(start: i32, end: i32, depth: i32): bool {
  bestFeature = -1;
  const size = end - start;
  const least2 = 2 * minSamplesLeaf;
  if (depth >= maxDepth || size < minSamplesSplit || size < least2) return false;
  if (sumUp(start, end)) return false;
  bestScore = -Infinity;
  const all = featuresPerNode >= columns;
  let varied = 0;
  for (let seen = 0; seen < columns && (seen < featuresPerNode || varied == 0); seen++) {
    let column = seen;
    if (!all) {
      const place = seen + <i32>below(columns - seen);
      column = i32At(order, place);
      setI32(order, place, i32At(order, seen));
      setI32(order, seen, column);
    }
    if (search(start, end, column)) varied++;
  }
  if (bestFeature < 0) return false;
  return minDecrease <= 0 || (bestScore - ownScore) / treeWeight >= minDecrease;
}

/** Sums of the node; true where all its targets are the same. */
function sumUp(start: i32, end: i32): bool {
  let g: i64 = 0;
  let wc: i64 = 0;
  let isSame = true;
  if (classes > 0) {
    memory.fill(totals, 0, <usize>classes << 3);
    const first = load<i64>(payload + (<usize>start << 4));
    for (let at = payload + (<usize>start << 4); at < payload + (<usize>end << 4); at += 16) {
      const k = <i32>load<i64>(at);
      const own = load<i64>(at + 8);
      isSame = isSame && k == <i32>first;
      wc += own;
      setF64(totals, k, f64At(totals, k) + weightOf(own));
    }
  } else {
    const first = f64At(target, i32At(rows, start));
    for (let at = start; at < end; at++) {
      const place = payload + (<usize>at << 4);
      g += load<i64>(place);
      wc += load<i64>(place + 8);
      if (scaleY != 0) isSame = isSame && f64At(target, i32At(rows, at)) == first;
    }
    if (scaleY == 0) isSame = g == 0 || g == wc >> countBits;
  }
  totalG = g; totalWC = wc;
  totalCount = end - start;
  totalWeight = weightOf(wc);
  if (classes > 0) {
    ownScore = 0;
    for (let k = 0; k < classes; k++) ownScore += part1(f64At(totals, k), totalWeight);
  } else ownScore = sideScore(<f64>g, totalWeight);
  return isSame;
}

// @ts-ignore: decorator
@inline function part1(sum: f64, weight: f64): f64 {
  if (criterion == 0) return (sum * sum) / weight;
  return sum > 0 ? sum * Math.log(sum / weight) : 0;
}
// @ts-ignore: decorator
@inline function sideScore(sum: f64, weight: f64): f64 {
  if (criterion == 0) return (sum * sum) / weight;
  return part1(sum, weight) + part1(weight - sum, weight);
}

/** Tries every split of one column; says whether the column has two values here. */
function search(start: i32, end: i32, column: i32): bool {
  met0 = 0; met1 = 0; met2 = 0; met3 = 0;
  const base = bins + <usize>column * <usize>rowCount;
  if (classes > 0) {
    const width = classes;
    for (let at = start; at < end; at++) {
      const bin = <i32>load<u8>(base + <usize>i32At(rows, at));
      const place = payload + (<usize>at << 4);
      const cell = histogram + (<usize>(bin * width + <i32>load<i64>(place)) << 3);
      store<i64>(cell, load<i64>(cell) + load<i64>(place + 8));
      mark(bin);
    }
  } else if (end - start > 512) {
    for (let at = start; at < end; at++) {
      const bin = <usize>load<u8>(base + <usize>i32At(rows, at));
      const cell = histogram + (bin << 4);
      v128.store(cell, i64x2.add(v128.load(cell), v128.load(payload + (<usize>at << 4))));
    }
    for (let bin = 0; bin < 256; bin++) if (i64At(histogram, 2 * bin + 1) != 0) mark(bin);
  } else {
    for (let at = start; at < end; at++) {
      const bin = <i32>load<u8>(base + <usize>i32At(rows, at));
      const cell = histogram + (<usize>bin << 4);
      v128.store(cell, i64x2.add(v128.load(cell), v128.load(payload + (<usize>at << 4))));
      mark(bin);
    }
  }
  const distinct = <i32>(popcnt(met0) + popcnt(met1) + popcnt(met2) + popcnt(met3));
  if (distinct > 1) {
    if (u8At(isCategory, column)) scanCategories(column, distinct);
    else {
      const hasMissing = met3 >> 63 != 0;
      scan(column, false, hasMissing);
      if (hasMissing) scan(column, true, true);
    }
  }
  clear(met0, 0); clear(met1, 64); clear(met2, 128); clear(met3, 192);
  return distinct > 1;
}

// @ts-ignore: decorator
@inline function mark(bin: i32): void {
  const bit = <u64>1 << <u64>(bin & 63);
  const word = bin >> 6;
  if (word == 0) met0 |= bit;
  else if (word == 1) met1 |= bit;
  else if (word == 2) met2 |= bit;
  else met3 |= bit;
}

function clear(bits: u64, from: i32): void {
  const width = classes > 0 ? <usize>classes << 3 : 16;
  while (bits != 0) {
    const bin = from + <i32>ctz(bits);
    bits &= bits - 1;
    if (classes > 0) memory.fill(histogram + <usize>bin * width, 0, width);
    else v128.store(histogram + <usize>bin * width, i64x2.splat(0));
  }
}

let leftG: i64, leftWC: i64;
/** Adds a bin to the left side. */
function addLeft(bin: i32): void {
  if (classes > 0) {
    let wc: i64 = 0;
    for (let k = 0; k < classes; k++) {
      const own = i64At(histogram, bin * classes + k);
      if (own == 0) continue;
      wc += own;
      setF64(lefts, k, f64At(lefts, k) + weightOf(own));
    }
    leftWC += wc;
  } else {
    leftG += i64At(histogram, 2 * bin);
    leftWC += i64At(histogram, 2 * bin + 1);
  }
}
function startLeft(): void {
  leftG = 0; leftWC = 0;
  if (classes > 0) memory.fill(lefts, 0, <usize>classes << 3);
}

/** The score of the split between the left side and the rest; -Infinity where a side is too small. */
function score(): f64 {
  const count = countOf(leftWC);
  if (count < minSamplesLeaf || totalCount - count < minSamplesLeaf) return -Infinity;
  const weight = weightOf(leftWC);
  const rest = totalWeight - weight;
  if (weight <= 0 || rest <= 0 || weight < minWeightLeaf * treeWeight || rest < minWeightLeaf * treeWeight) return -Infinity;
  if (classes == 0) return sideScore(<f64>leftG, weight) + sideScore(<f64>(totalG - leftG), rest);
  let sum: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const own = f64At(lefts, k);
    sum += part1(own, weight) + part1(f64At(totals, k) - own, rest);
  }
  return sum;
}

function scan(column: i32, missingLeft: bool, hasMissing: bool): void {
  startLeft();
  if (missingLeft) addLeft(MISSING);
  // Bit 255 is the missing bin, which is no value.
  let last = -1;
  for (let word = 0; word < 4; word++) {
    let bits = word == 0 ? met0 : word == 1 ? met1 : word == 2 ? met2 : met3 & ~(<u64>1 << 63);
    while (bits != 0) {
      const bin = (word << 6) + <i32>ctz(bits);
      bits &= bits - 1;
      if (last >= 0) propose(column, last, bin, missingLeft, hasMissing);
      last = bin;
      addLeft(bin);
    }
  }
  // All values on the left, only missing ones on the right.
  if (hasMissing && !missingLeft) propose(column, last, -1, missingLeft, hasMissing);
}

function propose(column: i32, bin: i32, next: i32, missingLeft: bool, hasMissing: bool): void {
  const own = score();
  if (own > bestScore) {
    bestScore = own; bestFeature = column; bestBin = bin; bestNext = next;
    const count = countOf(leftWC);
    bestMissingLeft = hasMissing ? (missingLeft ? 1 : 0) : count > totalCount - count ? 1 : 0;
  }
}

/**
 * Categories (and missing, as one more) in the order of their mean target: the best two-way split is then one of the
 * prefixes (Fisher 1958; exact for two classes and numbers). Beyond two classes: of the share of the node's commonest.
 */
function scanCategories(column: i32, distinct: i32): void {
  let common = 0;
  if (classes > 0) for (let k = 1; k < classes; k++) if (f64At(totals, k) > f64At(totals, common)) common = k;
  let size = 0;
  for (let word = 0; word < 4; word++) {
    let bits = word == 0 ? met0 : word == 1 ? met1 : word == 2 ? met2 : met3;
    while (bits != 0) {
      const bin = (word << 6) + <i32>ctz(bits);
      bits &= bits - 1;
      const mean = meanOf(bin, common);
      rankCategory(ranks, size++, mean, bin);
    }
  }
  startLeft();
  let l0: u64 = 0, l1: u64 = 0, l2: u64 = 0, l3: u64 = 0;
  for (let at = 0; at < distinct - 1; at++) {
    const bin = <i32>f64At(ranks, 2 * at + 1);
    addLeft(bin);
    const bit = <u64>1 << <u64>(bin & 63);
    if (bin < 64) l0 |= bit;
    else if (bin < 128) l1 |= bit;
    else if (bin < 192) l2 |= bit;
    else l3 |= bit;
    const own = score();
    if (own > bestScore) {
      bestScore = own; bestFeature = column; bestBin = 0; bestNext = -1; bestMissingLeft = 0;
      set0 = l0; set1 = l1; set2 = l2; set3 = l3;
      // A category that was not met here goes where missing values go: with the greater part.
      const count = countOf(leftWC);
      if (!(met3 >> 63) && count > totalCount - count) set3 |= <u64>1 << 63;
    }
  }
  // Unmet categories follow the missing ones.
  if (bestFeature == column && set3 >> 63) {
    set0 |= ~met0; set1 |= ~met1; set2 |= ~met2; set3 |= ~met3;
  }
}

function meanOf(bin: i32, common: i32): f64 {
  if (classes == 0) return <f64>i64At(histogram, 2 * bin) / weightOf(i64At(histogram, 2 * bin + 1));
  let sum: f64 = 0;
  for (let k = 0; k < classes; k++) sum += weightOf(i64At(histogram, bin * classes + k));
  return weightOf(i64At(histogram, bin * classes + common)) / sum;
}
