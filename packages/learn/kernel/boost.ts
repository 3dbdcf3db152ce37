import { thresholdOf } from "./bin";
import { fillGoes, joinShares, part, partShares, setPartition, shareOut } from "./boost-partition";
import { ENTRY, findSplits, setSearch } from "./boost-split";
import { columnAt, columnStride, setBinned } from "./binned";
import { clearSums, fillGradients, fillProbabilities, largestGradient, lossOfRow, setLoss, sumOfCurvatures, sumOfGradients, updateLeafByQuantile } from "./boost-loss";
import { f64At, i32At, i64At, setF32, setF64, setI32, u8At } from "./memory";
import { below, seedRandom } from "./random";
import { awaitCommand, callTeam, command, doneWithCommand, joinTeam, nextShare, setTeam, threads } from "./team";

const SPLIT: i32 = 1, GRADIENT: i32 = 2, PROBABILITIES: i32 = 3, UPDATE: i32 = 4, WALK: i32 = 5, EXIT: i32 = 6, PART: i32 = 7;
const CHUNK: i32 = 4096;

let rowCount: i32, trainRows: i32, columns: i32, outputs: i32, countBits: i32, least: usize, greatest: usize;
let isCategory: usize, monotone: usize, maxDepth: i32, minSamplesSplit: i32, minSamplesLeaf: i32, featuresPerNode: i32;
let maxLeaves: i32, loss: i32, scores: usize, gh: usize, rows: usize, histogram: usize, slots: i32;
let table: usize, candidates: usize, feature: usize, threshold: usize, left: usize, right: usize, flags: usize;
let leafValues: usize, sets: usize, importance: usize, nodeBin: usize, seedLow: u32, seedHigh: u32, goes: usize;
let mask: usize, order: usize, hasMonotone: i32, freeSlots: usize, shared: usize, leafRanges: usize;
let lambda: f64, learningRate: f64, subsample: f64, minGain: f64;

export function boostSetup(at: usize): void {
  shared = at;
  rowCount = i32At(at, 0); trainRows = i32At(at, 1); columns = i32At(at, 2); outputs = i32At(at, 3); countBits = i32At(at, 4);
  least = i32At(at, 6); greatest = i32At(at, 7); isCategory = i32At(at, 8); monotone = i32At(at, 9);
  maxDepth = i32At(at, 12); minSamplesSplit = i32At(at, 13); minSamplesLeaf = i32At(at, 14); featuresPerNode = i32At(at, 15);
  maxLeaves = i32At(at, 16); loss = i32At(at, 17); scores = i32At(at, 19); gh = i32At(at, 21); rows = i32At(at, 22);
  histogram = i32At(at, 24); slots = i32At(at, 25); table = i32At(at, 26); candidates = i32At(at, 27);
  feature = i32At(at, 29); threshold = i32At(at, 30); left = i32At(at, 31); right = i32At(at, 32); flags = i32At(at, 33);
  leafValues = i32At(at, 34); sets = i32At(at, 35); importance = i32At(at, 36); nodeBin = i32At(at, 37);
  seedLow = i32At(at, 38); seedHigh = i32At(at, 39); goes = i32At(at, 40); mask = i32At(at, 41); order = i32At(at, 45);
  hasMonotone = i32At(at, 43); freeSlots = i32At(at, 46); leafRanges = i32At(at, 47);
  lambda = f64At(at, 32); minGain = f64At(at, 34); learningRate = f64At(at, 35); subsample = f64At(at, 36);
  setTeam(i32At(at, 28), i32At(at, 18));
  setBinned(at);
  setSearch(at);
  setPartition(at);
  setLoss(at);
}

/** What a helper does until the leader ends the training. `last` is the number of the last command known. */
export function boostHelp(thread: i32): void {
  let last = 0;
  while (true) {
    last = awaitCommand(last);
    if (command() == EXIT) return;
    work(thread);
    doneWithCommand();
  }
}
export function boostExit(): void { callTeam(EXIT); }

function work(thread: i32): void {
  const what = command();
  if (what == SPLIT) {
    findSplits(thread);
    return;
  }
  if (what == PART) {
    partShares();
    return;
  }
  const output = i32At(shared, 48);
  if (what == UPDATE) {
    const leaves = i32At(shared, 49);
    for (let leaf = nextShare(); leaf < leaves; leaf = nextShare()) updateRows(leaf, output);
    return;
  }
  const from = what == WALK ? i32At(shared, 50) : 0;
  const until = what == WALK ? rowCount : trainRows;
  for (let chunk = nextShare(); from + chunk * CHUNK < until; chunk = nextShare()) {
    const start = from + chunk * CHUNK;
    const end = min(until, start + CHUNK);
    if (what == GRADIENT) {
      fillGradients(start, end, output);
      if (subsample >= 1) for (let row = start; row < end; row++) setI32(rows, row, row);
    }
    else if (what == PROBABILITIES) fillProbabilities(start, end);
    else for (let row = start; row < end; row++) addScore(row, output, f64At(leafValues, walk(row)));
  }
}

function together(what: i32): void {
  callTeam(what);
  work(0);
  joinTeam();
}

// @ts-ignore: decorator
@inline function addScore(row: i32, output: i32, value: f64): void {
  const at = row * outputs + output;
  setF64(scores, at, f64At(scores, at) + value);
}

function updateRows(leaf: i32, output: i32): void {
  const value = f64At(leafValues, leaf);
  const end = i32At(leafRanges, 2 * leaf + 1);
  for (let at = i32At(leafRanges, 2 * leaf); at < end; at++) addScore(i32At(rows, at), output, value);
}

/** The leaf that a row falls into. */
function walk(row: i32): i32 {
  let node = 0;
  for (let asked = i32At(feature, node); asked >= 0; asked = i32At(feature, node)) {
    const bin = binOf(asked, row);
    const flag = u8At(flags, node);
    let goesLeft = false;
    if (flag & 2) goesLeft = (u8At(sets + (<usize>i32At(nodeBin, node) << 5), bin >> 3) >> (bin & 7)) & 1 ? true : false;
    else goesLeft = bin == 255 ? (flag & 1) != 0 : bin <= i32At(nodeBin, node);
    node = i32At(goesLeft ? left : right, node);
  }
  return i32At(left, node);
}

// @ts-ignore: decorator
@inline function binOf(column: i32, row: i32): i32 {
  return <i32>load<u8>(columnAt(column) + <usize>row * columnStride(column));
}

let nodes: i32, leaves: i32, setCount: i32, freeCount: i32, tableSize: i32;

/** Prepares a round: probabilities of all classes from the scores. */
export function boostRound(): void {
  if (outputs > 1) together(PROBABILITIES);
}

/** Grows the tree of one output in a round, adds it to all scores, and gives the number of its nodes. */
export function boostTree(tree: i32, output: i32): i32 {
  setI32(shared, 48, output);
  seedRandom(seedLow, seedHigh, tree);
  const bound = max(largestGradient(output), 1e-300);
  const hessian = f64At(shared, 40);
  // Powers of two, so that nothing is lost but digits beyond 2^-62 of the greatest possible sum.
  const room = Math.ceil(Math.log2(<f64>trainRows + 1)) + 1;
  setF64(shared, 38, Math.pow(2, Math.floor(62 - room - Math.log2(bound))));
  setF64(shared, 39, Math.pow(2, Math.floor(62 - room - <f64>countBits - Math.log2(max(hessian, 1e-300)))));
  clearSums();
  together(GRADIENT);
  const size = sampleRows();
  nodes = 0; leaves = 0; setCount = 0; tableSize = 0;
  freeCount = 0;
  for (let slot = slots - 1; slot >= 0; slot--) setI32(freeSlots, freeCount++, slot);
  grow(size);
  if (loss >= 3 && loss != 5 && loss != 6)
    for (let leaf = 0; leaf < leaves; leaf++)
      setF64(leafValues, leaf, learningRate * updateLeafByQuantile(i32At(leafRanges, 2 * leaf), i32At(leafRanges, 2 * leaf + 1)));
  setI32(shared, 49, leaves);
  if (subsample < 1) setI32(shared, 50, 0);
  else {
    together(UPDATE);
    setI32(shared, 50, trainRows);
  }
  if (i32At(shared, 50) < rowCount) together(WALK);
  return nodes;
}
export function boostLeaves(): i32 { return leaves; }
export function boostSets(): i32 { return setCount; }

/** Mean loss of the rows held out, weighted. */
export function boostValidationLoss(from: i32, until: i32): f64 {
  let sum: f64 = 0;
  let weight: f64 = 0;
  const weights = <usize>i32At(shared, 11);
  for (let row = from; row < until; row++) {
    const own = weights ? f64At(weights, row) : 1;
    sum += own * lossOfRow(row);
    weight += own;
  }
  return sum / weight;
}

function sampleRows(): i32 {
  // Their numbers were written with their gradients.
  if (subsample >= 1) return trainRows;
  // Exactly so many, each set as likely as any other (Knuth's selection sampling).
  const take = max(1, <i32>(subsample * <f64>trainRows));
  let size = 0;
  for (let row = 0; row < trainRows && size < take; row++)
    if (<i32>below(trainRows - row) < take - size) setI32(rows, size++, row);
  return size;
}

// @ts-ignore: decorator
@inline function entryOf(place: i32): usize { return table + <usize>place * ENTRY; }

function grow(size: i32): void {
  const root = entryOf(tableSize++);
  let g = sumOfGradients();
  let hc = sumOfCurvatures();
  if (subsample < 1) {
    g = 0;
    hc = 0;
    for (let at = 0; at < size; at++) {
      const own = gh + (<usize>i32At(rows, at) << 4);
      g += load<i64>(own);
      hc += load<i64>(own + 8);
    }
  }
  startEntry(root, addNode(), 0, size, 0, g, hc, -Infinity, Infinity);
  setI32(root, 4, -1);
  if (maySplit(root)) {
    setI32(root, 4, takeSlot());
    search(root, 0);
  }
  let ends = 1;
  const isBestFirst = maxLeaves > 0;
  while (tableSize > 0) {
    let best = tableSize - 1;
    if (isBestFirst) {
      let most: f64 = -Infinity;
      for (let place = 0; place < tableSize; place++) {
        const gain = load<f64>(entryOf(place) + 72);
        if (gain > most) { most = gain; best = place; }
      }
    }
    const entry = entryOf(best);
    if (load<f64>(entry + 72) <= minGain || (isBestFirst && ends >= maxLeaves)) {
      closeLeaf(entry);
      memory.copy(entry, entryOf(--tableSize), ENTRY);
      continue;
    }
    split(best, isBestFirst && ends + 1 >= maxLeaves);
    ends++;
  }
}

function takeSlot(): i32 { return freeCount > 0 ? i32At(freeSlots, --freeCount) : -1; }
function giveSlot(slot: i32): void { if (slot >= 0) setI32(freeSlots, freeCount++, slot); }

function startEntry(entry: usize, node: i32, start: i32, end: i32, depth: i32, g: i64, hc: i64, lower: f64, upper: f64): void {
  setI32(entry, 0, node); setI32(entry, 1, start); setI32(entry, 2, end); setI32(entry, 3, depth); setI32(entry, 4, -1);
  store<i64>(entry + 40, g); store<i64>(entry + 48, hc);
  store<f64>(entry + 56, lower); store<f64>(entry + 64, upper); store<f64>(entry + 72, -Infinity);
}

function maySplit(entry: usize): bool {
  const size = i32At(entry, 2) - i32At(entry, 1);
  return i32At(entry, 3) < maxDepth && size >= minSamplesSplit && size >= 2 * minSamplesLeaf;
}

function addNode(): i32 {
  setI32(feature, nodes, -1); setF32(threshold, nodes, 0); setI32(right, nodes, -1); setI32(nodeBin, nodes, 0);
  store<u8>(flags + <usize>nodes, 0);
  return nodes++;
}

function valueOf(g: i64, hc: i64, lower: f64, upper: f64): f64 {
  const h = <f64>(hc >> countBits) / f64At(shared, 39);
  const value = h + lambda > 1e-150 ? <f64>g / f64At(shared, 38) / (h + lambda) : 0;
  return min(max(value, lower), upper);
}

function closeLeaf(entry: usize): void {
  const node = i32At(entry, 0);
  setI32(left, node, leaves);
  setI32(leafRanges, 2 * leaves, i32At(entry, 1));
  setI32(leafRanges, 2 * leaves + 1, i32At(entry, 2));
  const value = valueOf(load<i64>(entry + 40), load<i64>(entry + 48), load<f64>(entry + 56), load<f64>(entry + 64));
  setF64(leafValues, leaves, learningRate * f64At(shared, 41) * value);
  giveSlot(i32At(entry, 4));
  leaves++;
}

/** Has all threads look for the best split of one node, or of two sisters at once: the smaller first. */
function search(small: usize, large: usize): void {
  drawMask(0);
  if (large) drawMask(columns);
  setI32(shared, 60, <i32>small); setI32(shared, 61, <i32>large);
  together(SPLIT);
  reduce(small, 0);
  if (large) reduce(large, 1);
}

function drawMask(from: i32): void {
  if (featuresPerNode >= columns) {
    memory.fill(mask + <usize>from, 1, columns);
    return;
  }
  memory.fill(mask + <usize>from, 0, columns);
  for (let seen = 0; seen < featuresPerNode; seen++) {
    const place = seen + <i32>below(columns - seen);
    const column = i32At(order, place);
    setI32(order, place, i32At(order, seen));
    setI32(order, seen, column);
    store<u8>(mask + <usize>(from + column), 1);
  }
}

/** The best of what the threads found; of equals the column that comes first, whoever looked at it. */
function reduce(entry: usize, which: i32): void {
  let best: usize = 0;
  for (let thread = 0; thread < threads; thread++) {
    const own = candidates + <usize>(2 * thread + which) * ENTRY;
    if (i32At(own, 5) < 0) continue;
    if (best == 0) { best = own; continue; }
    const gain = load<f64>(own + 72);
    const most = load<f64>(best + 72);
    if (gain > most || (gain == most && i32At(own, 5) < i32At(best, 5))) best = own;
  }
  if (best == 0) return;
  memory.copy(entry + 20, best + 20, 16);
  memory.copy(entry + 72, best + 72, 56);
}

function partAll(start: i32, end: i32, column: i32): i32 {
  if (!shareOut(start, end, column)) return part(start, end, column);
  together(PART);
  return joinShares();
}

function split(place: i32, isLast: bool): void {
  const entry = entryOf(place);
  const node = i32At(entry, 0), start = i32At(entry, 1), end = i32At(entry, 2), depth = i32At(entry, 3), slot = i32At(entry, 4);
  const column = i32At(entry, 5);
  setI32(feature, node, column);
  setF64(importance, column, f64At(importance, column) + load<f64>(entry + 72));
  fillGoes(entry, column);
  if (u8At(isCategory, column)) {
    store<u8>(flags + <usize>node, <u8>(2 | u8At(goes, 255)));
    setI32(nodeBin, node, setCount);
    setF32(threshold, node, <f32>setCount);
    memory.copy(sets + (<usize>setCount << 5), entry + 96, 32);
    setCount++;
  } else {
    store<u8>(flags + <usize>node, <u8>i32At(entry, 8));
    setI32(nodeBin, node, i32At(entry, 6));
    setF32(threshold, node, thresholdOf(least, greatest, column, i32At(entry, 6), i32At(entry, 7)));
  }
  const middle = partAll(start, end, column);
  const g = load<i64>(entry + 40), hc = load<i64>(entry + 48), leftG = load<i64>(entry + 80), leftHC = load<i64>(entry + 88);
  const lower = load<f64>(entry + 56), upper = load<f64>(entry + 64);
  let leftUpper = upper, leftLower = lower, rightUpper = upper, rightLower = lower;
  const direction = hasMonotone ? <i32>load<i8>(monotone + <usize>column) : 0;
  if (direction != 0) {
    const between = (valueOf(leftG, leftHC, lower, upper) + valueOf(g - leftG, hc - leftHC, lower, upper)) / 2;
    if (direction > 0) { leftUpper = between; rightLower = between; }
    else { leftLower = between; rightUpper = between; }
  }
  const first = addNode();
  const second = addNode();
  setI32(left, node, first);
  setI32(right, node, second);
  // The larger child takes the parent's place in the table, the smaller comes after it and so has its turn first.
  const isLeftSmall = middle - start <= end - middle;
  const other = entryOf(tableSize++);
  startEntry(isLeftSmall ? other : entry, first, start, middle, depth + 1, leftG, leftHC, leftLower, leftUpper);
  startEntry(isLeftSmall ? entry : other, second, middle, end, depth + 1, g - leftG, hc - leftHC, rightLower, rightUpper);
  const small = maySplit(other) && !isLast;
  const large = maySplit(entry) && !isLast;
  if (!small && !large) {
    giveSlot(slot);
    return;
  }
  // The larger child's histogram is what its parent's is more than its sister's.
  let smallSlot = takeSlot();
  let largeSlot = slot;
  if (smallSlot < 0 || (large && largeSlot < 0)) {
    // No room to keep them: both are made anew.
    giveSlot(smallSlot);
    giveSlot(largeSlot);
    smallSlot = largeSlot = -1;
  }
  setI32(other, 4, smallSlot);
  setI32(entry, 4, largeSlot);
  if (large) search(other, entry);
  else search(other, 0);
  if (!small) {
    store<f64>(other + 72, -Infinity);
    giveSlot(smallSlot);
    setI32(other, 4, -1);
  }
  if (!large) {
    giveSlot(largeSlot);
    setI32(entry, 4, -1);
  }
}
