import {
  bestBin, bestFeature, bestGain, bestMissingLeft, bestNext, findSplit, keepSplit, set0, set1, set2, set3, setSearch, startSearch,
  takeSplit, weightOf,
} from "./forest-split";
import { thresholdOf } from "./bin";
import { f64At, i32At, setF32, setF64, setI32, u8At } from "./memory";
import { below, seedRandom } from "./random";

// What is the same for all threads (`src/forest.ts` writes it).
let rowCount: i32, columns: i32, classes: i32, countBits: i32;
let bins: usize, least: usize, greatest: usize, isCategory: usize, target: usize, weights: usize;
let bootstrap: i32, draws: i32, seedLow: u32, seedHigh: u32, maxLeafNodes: i32, scaleY: f64, scaleW: f64;
// What each thread has for itself.
let rows: usize, payload: usize, spareRows: usize, sparePayload: usize, stack: usize, frontier: usize;
let feature: usize, threshold: usize, left: usize, right: usize, flags: usize, leafValues: usize;
let categorySets: usize, importance: usize, drawn: usize, lefts: usize, goes: usize;

/** Bytes of a node that waits for its turn when the best goes first. */
const ENTRY: usize = 96;

export function forestSetup(shared: usize, own: usize): void {
  setSearch(shared, own);
  rowCount = i32At(shared, 0); columns = i32At(shared, 1); classes = i32At(shared, 2); countBits = i32At(shared, 3);
  bins = i32At(shared, 4); least = i32At(shared, 5); greatest = i32At(shared, 6); isCategory = i32At(shared, 7);
  target = i32At(shared, 8); weights = i32At(shared, 9); bootstrap = i32At(shared, 14); draws = i32At(shared, 15);
  seedLow = i32At(shared, 16); seedHigh = i32At(shared, 17); maxLeafNodes = i32At(shared, 18);
  scaleY = f64At(shared, 10); scaleW = f64At(shared, 11);
  rows = i32At(own, 0); payload = i32At(own, 1); spareRows = i32At(own, 2); sparePayload = i32At(own, 3);
  stack = i32At(own, 5); frontier = i32At(own, 6); feature = i32At(own, 8); threshold = i32At(own, 9);
  left = i32At(own, 10); right = i32At(own, 11); flags = i32At(own, 12); leafValues = i32At(own, 13);
  categorySets = i32At(own, 14); importance = i32At(own, 15); drawn = i32At(own, 16); lefts = i32At(own, 18);
  goes = i32At(own, 19);
}

let nodes: i32, leaves: i32, sets: i32, treeWeight: f64;

/** Grows one tree; gives the number of its nodes. */
export function forestTree(tree: i32): i32 {
  seedRandom(seedLow, seedHigh, tree);
  const size = drawRows();
  startSearch(treeWeight);
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
    takeSplit(entry);
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
  keepSplit(at, findSplit(start, end, depth));
  setI32(at, 0, node); setI32(at, 1, start); setI32(at, 2, end); setI32(at, 3, depth);
}

function writeSplit(node: i32): void {
  setI32(feature, node, bestFeature);
  const gain = bestGain();
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
  const base = bins + <usize>column * <usize>rowCount;
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
