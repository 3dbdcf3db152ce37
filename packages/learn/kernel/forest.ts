import { binBase, f32At, f64At, i32At, i64At, MISSING, setF32, setF64, setI32, setI64, u8At } from "./memory";
import { below, seedRandom } from "./random";

// What is the same for all threads (`src/kernel/forest-job.ts` writes it).
let rowCount: i32, columns: i32, classes: i32, countBits: i32;
let bins: usize, least: usize, greatest: usize, isCategory: usize, target: usize, weights: usize;
let maxDepth: i32, minSamplesSplit: i32, minSamplesLeaf: i32, featuresPerNode: i32;
let bootstrap: i32, draws: i32, seedLow: u32, seedHigh: u32, maxLeafNodes: i32, criterion: i32;
let scaleY: f64, scaleW: f64, minDecrease: f64, minWeightLeaf: f64;
// What each thread has for itself.
let rows: usize, payload: usize, spareRows: usize, sparePayload: usize, order: usize, stack: usize, frontier: usize;
let histogram: usize, feature: usize, threshold: usize, left: usize, right: usize, flags: usize, leafValues: usize;
let categorySets: usize, importance: usize, drawn: usize, totals: usize, lefts: usize, goes: usize, ranks: usize;

/** Bytes of a node that waits for its turn when the best goes first. */
const ENTRY: usize = 96;

export function forestSetup(shared: usize, own: usize): void {
  rowCount = i32At(shared, 0); columns = i32At(shared, 1); classes = i32At(shared, 2); countBits = i32At(shared, 3);
  bins = i32At(shared, 4); least = i32At(shared, 5); greatest = i32At(shared, 6); isCategory = i32At(shared, 7);
  target = i32At(shared, 8); weights = i32At(shared, 9);
  maxDepth = i32At(shared, 10); minSamplesSplit = i32At(shared, 11); minSamplesLeaf = i32At(shared, 12);
  featuresPerNode = i32At(shared, 13); bootstrap = i32At(shared, 14); draws = i32At(shared, 15);
  seedLow = i32At(shared, 16); seedHigh = i32At(shared, 17); maxLeafNodes = i32At(shared, 18); criterion = i32At(shared, 19);
  scaleY = f64At(shared, 10); scaleW = f64At(shared, 11); minDecrease = f64At(shared, 12); minWeightLeaf = f64At(shared, 13);
  rows = i32At(own, 0); payload = i32At(own, 1); spareRows = i32At(own, 2); sparePayload = i32At(own, 3);
  order = i32At(own, 4); stack = i32At(own, 5); frontier = i32At(own, 6); histogram = i32At(own, 7);
  feature = i32At(own, 8); threshold = i32At(own, 9); left = i32At(own, 10); right = i32At(own, 11);
  flags = i32At(own, 12); leafValues = i32At(own, 13); categorySets = i32At(own, 14); importance = i32At(own, 15);
  drawn = i32At(own, 16); totals = i32At(own, 17); lefts = i32At(own, 18); goes = i32At(own, 19); ranks = i32At(own, 20);
  memory.fill(histogram, 0, 256 * (classes > 0 ? <usize>classes * 8 : 16));
}

let nodes: i32, leaves: i32, sets: i32, treeWeight: f64;
// The best split of the node at hand.
let bestScore: f64, bestFeature: i32, bestBin: i32, bestNext: i32, bestMissingLeft: i32;
let set0: u64, set1: u64, set2: u64, set3: u64;
// Sums of the node at hand.
let totalG: i64, totalWC: i64, totalCount: i32, totalWeight: f64, ownScore: f64;
// Bins met in the histogram at hand, a bit each.
let met0: u64, met1: u64, met2: u64, met3: u64;

// @ts-ignore: decorator
@inline function weightOf(wc: i64): f64 { return <f64>(wc >> countBits); }
// @ts-ignore: decorator
@inline function countOf(wc: i64): i32 { return <i32>(wc & ((<i64>1 << countBits) - 1)); }

/** Grows one tree; gives the number of its nodes. */
export function forestTree(tree: i32): i32 {
  seedRandom(seedLow, seedHigh, tree);
  for (let column = 0; column < columns; column++) setI32(order, column, column);
  const size = drawRows();
  nodes = 0; leaves = 0; sets = 0;
  memory.fill(importance, 0, <usize>columns << 3);
  if (maxLeafNodes > 0) growBestFirst(size);
  else growDepthFirst(size);
  return nodes;
}
export function forestLeaves(): i32 { return leaves; }
export function forestSets(): i32 { return sets; }

/** The rows of the sample, each once, with what it counts. */
function drawRows(): i32 {
  if (bootstrap) {
    memory.fill(drawn, 0, <usize>rowCount << 2);
    for (let draw = 0; draw < draws; draw++) {
      const row = <i32>below(rowCount);
      setI32(drawn, row, i32At(drawn, row) + 1);
    }
  }
  let size = 0;
  treeWeight = 0;
  for (let row = 0; row < rowCount; row++) {
    const times = bootstrap ? i32At(drawn, row) : 1;
    if (times == 0) continue;
    const weight = weights ? <i64>nearest(f64At(weights, row) * <f64>times * scaleW) : <i64>times;
    if (weight == 0) continue;
    setI32(rows, size, row);
    const at = payload + (<usize>size << 4);
    const y = f64At(target, row);
    treeWeight += <f64>weight;
    if (classes > 0) store<i64>(at, <i64>y);
    else store<i64>(at, scaleY == 0 ? (y == 1 ? weight : 0) : <i64>nearest(y * (<f64>weight / scaleW) * scaleY));
    store<i64>(at + 8, (weight << countBits) | 1);
    size++;
  }
  return size;
}

function addNode(): i32 {
  setI32(feature, nodes, -1);
  setF32(threshold, nodes, 0);
  setI32(right, nodes, -1);
  store<u8>(flags + <usize>nodes, 0);
  return nodes++;
}

/** The node's value; a leaf's `right` keeps where its rows begin, for the values of many classes. */
function makeLeaf(node: i32, start: i32, end: i32): void {
  setI32(left, node, leaves);
  if (classes > 0) {
    const at = leafValues + ((<usize>leaves) << 3);
    setI32(at, 0, start);
    setI32(at, 1, end);
  } else {
    let g: i64 = 0;
    let wc: i64 = 0;
    for (let at = start; at < end; at++) {
      g += load<i64>(payload + (<usize>at << 4));
      wc += load<i64>(payload + (<usize>at << 4) + 8);
    }
    const scale = scaleY == 0 ? 1 : scaleW / scaleY;
    setF64(leafValues, leaves, (<f64>g / weightOf(wc)) * scale);
  }
  leaves++;
}

/** Shares of the classes in a leaf, into `lefts`. */
export function forestLeaf(leaf: i32): void {
  const range = leafValues + ((<usize>leaf) << 3);
  memory.fill(lefts, 0, <usize>classes << 3);
  let sum: f64 = 0;
  for (let at = i32At(range, 0); at < i32At(range, 1); at++) {
    const k = <i32>load<i64>(payload + (<usize>at << 4));
    const weight = weightOf(load<i64>(payload + (<usize>at << 4) + 8));
    setF64(lefts, k, f64At(lefts, k) + weight);
    sum += weight;
  }
  for (let k = 0; k < classes; k++) setF64(lefts, k, f64At(lefts, k) / sum);
}

function growDepthFirst(size: i32): void {
  let waiting = 0;
  pushNode(waiting++, 0, size, 0, -1, 0);
  while (waiting > 0) {
    const at = stack + <usize>(--waiting) * 20;
    const start = i32At(at, 0), end = i32At(at, 1), depth = i32At(at, 2), parent = i32At(at, 3), side = i32At(at, 4);
    const node = addNode();
    if (parent >= 0) setI32(side ? right : left, parent, node);
    if (!findSplit(start, end, depth)) {
      makeLeaf(node, start, end);
      continue;
    }
    writeSplit(node);
    const middle = part(start, end, bestFeature);
    pushNode(waiting++, middle, end, depth + 1, node, 1);
    pushNode(waiting++, start, middle, depth + 1, node, 0);
  }
}

function pushNode(place: i32, start: i32, end: i32, depth: i32, parent: i32, side: i32): void {
  const at = stack + <usize>place * 20;
  setI32(at, 0, start); setI32(at, 1, end); setI32(at, 2, depth); setI32(at, 3, parent); setI32(at, 4, side);
}

/** Always parts the node whose split lowers the impurity most, until there are enough leaves. */
function growBestFirst(size: i32): void {
  let waiting = 0;
  let ends = 1;
  pushEntry(waiting++, addNode(), 0, size, 0);
  while (waiting > 0 && ends < maxLeafNodes) {
    let best = -1;
    let most: f64 = -Infinity;
    for (let at = 0; at < waiting; at++) {
      const gain = load<f64>(frontier + <usize>at * ENTRY + 16);
      if (gain > most) { most = gain; best = at; }
    }
    if (best < 0) break;
    const entry = frontier + <usize>best * ENTRY;
    const node = i32At(entry, 0), start = i32At(entry, 1), end = i32At(entry, 2), depth = i32At(entry, 3);
    bestFeature = i32At(entry, 6); bestBin = i32At(entry, 7); bestNext = i32At(entry, 8); bestMissingLeft = i32At(entry, 9);
    bestScore = load<f64>(entry + 16); ownScore = 0;
    set0 = load<u64>(entry + 40); set1 = load<u64>(entry + 48); set2 = load<u64>(entry + 56); set3 = load<u64>(entry + 64);
    memory.copy(entry, frontier + <usize>(--waiting) * ENTRY, ENTRY);
    writeSplit(node);
    const middle = part(start, end, bestFeature);
    const first = addNode();
    const second = addNode();
    setI32(left, node, first);
    setI32(right, node, second);
    pushEntry(waiting++, first, start, middle, depth + 1);
    pushEntry(waiting++, second, middle, end, depth + 1);
    ends++;
  }
  for (let at = 0; at < waiting; at++) {
    const entry = frontier + <usize>at * ENTRY;
    makeLeaf(i32At(entry, 0), i32At(entry, 1), i32At(entry, 2));
  }
}

function pushEntry(place: i32, node: i32, start: i32, end: i32, depth: i32): void {
  const at = frontier + <usize>place * ENTRY;
  const has = findSplit(start, end, depth);
  setI32(at, 0, node); setI32(at, 1, start); setI32(at, 2, end); setI32(at, 3, depth);
  store<f64>(at + 16, has ? bestScore - ownScore : -Infinity);
  setI32(at, 6, bestFeature); setI32(at, 7, bestBin); setI32(at, 8, bestNext); setI32(at, 9, bestMissingLeft);
  store<u64>(at + 40, set0); store<u64>(at + 48, set1); store<u64>(at + 56, set2); store<u64>(at + 64, set3);
}

function writeSplit(node: i32): void {
  setI32(feature, node, bestFeature);
  const gain = bestScore - ownScore;
  if (gain > 0) setF64(importance, bestFeature, f64At(importance, bestFeature) + gain);
  if (u8At(isCategory, bestFeature)) {
    store<u8>(flags + <usize>node, <u8>(2 | (set3 >> 63 ? 1 : 0)));
    setF32(threshold, node, <f32>sets);
    const at = categorySets + (<usize>sets << 5);
    store<u64>(at, set0); store<u64>(at + 8, set1); store<u64>(at + 16, set2); store<u64>(at + 24, set3);
    sets++;
    return;
  }
  store<u8>(flags + <usize>node, <u8>bestMissingLeft);
  setF32(threshold, node, thresholdOf(least, greatest, bestFeature, bestBin, bestNext));
}

/** A float32 between a bin and the next one met: at least the first's greatest value, less than the next's least. */
export function thresholdOf(least: usize, greatest: usize, feature: i32, bin: i32, next: i32): f32 {
  if (next < 0) return Infinity;
  const low = f32At(greatest, (feature << 8) + bin);
  const high = f32At(least, (feature << 8) + next);
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
}

/** Sums the node up and looks for its best split; false where it is to be a leaf. */
function findSplit(start: i32, end: i32, depth: i32): bool {
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
  const base = binBase(bins, rowCount, 1, column);
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
      let place = size++;
      for (; place > 0 && f64At(ranks, 2 * (place - 1)) > mean; place--) {
        setF64(ranks, 2 * place, f64At(ranks, 2 * place - 2));
        setF64(ranks, 2 * place + 1, f64At(ranks, 2 * place - 1));
      }
      setF64(ranks, 2 * place, mean);
      setF64(ranks, 2 * place + 1, <f64>bin);
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

/** Moves the left rows to the front, each side in its former order; gives where the right ones begin. */
function part(start: i32, end: i32, column: i32): i32 {
  if (u8At(isCategory, column)) {
    for (let bin = 0; bin < 256; bin++) {
      const word = bin < 64 ? set0 : bin < 128 ? set1 : bin < 192 ? set2 : set3;
      store<u8>(goes + <usize>bin, <u8>((word >> <u64>(bin & 63)) & 1));
    }
  } else {
    for (let bin = 0; bin < 255; bin++) store<u8>(goes + <usize>bin, bin <= bestBin ? 1 : 0);
    store<u8>(goes + 255, <u8>bestMissingLeft);
  }
  const base = binBase(bins, rowCount, 1, column);
  let front = start;
  let back = 0;
  for (let at = start; at < end; at++) {
    const row = i32At(rows, at);
    const goesLeft = u8At(goes, <i32>load<u8>(base + <usize>row));
    const own = v128.load(payload + (<usize>at << 4));
    setI32(rows, front, row);
    v128.store(payload + (<usize>front << 4), own);
    setI32(spareRows, back, row);
    v128.store(sparePayload + (<usize>back << 4), own);
    front += goesLeft;
    back += 1 - goesLeft;
  }
  memory.copy(rows + (<usize>front << 2), spareRows, <usize>back << 2);
  memory.copy(payload + (<usize>front << 4), sparePayload, <usize>back << 4);
  return front;
}
