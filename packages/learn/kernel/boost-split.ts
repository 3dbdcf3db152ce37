/**
 * Histograms and the best split of a leaf. A leaf in the table, by byte: 0 node, 4 start, 8 end, 12 depth, 16 slot of its
 * histogram (-1: none), 20 feature, 24 bin, 28 next bin, 32 missing left; 40 G, 48 H and count, 56 lower, 64 upper bound,
 * 72 gain, 80 G and 88 H and count of the left side, 96 categories that go left.
 */
import { rankCategory } from "./category-order";
import { blockWidth, strideOf } from "./binned";
import { f64At, i32At, i64At, setI32, u8At } from "./memory";
import { nextShare } from "./team";

/** Bytes of a leaf. */
export const ENTRY: usize = 128;
/** Bytes of the histogram of four columns: 256 bins of 16 bytes each. */
const GROUP: usize = 4 * 4096;
/** Keeps a mean over few rows from leading the order of categories. */
const SMOOTHING: f64 = 10;

let shared: usize, rowCount: i32, columns: i32, countBits: i32, bins: usize, isCategory: usize, monotone: usize;
let trainRows: i32, minSamplesLeaf: i32, gh: usize, rows: usize, histogram: usize, candidates: usize, mask: usize, hasMonotone: i32;
let scratch: usize, scratchBytes: usize, nearRows: i32, groups: i32, lambda: f64, minHessian: f64;

export function setSearch(at: usize): void {
  shared = at;
  rowCount = i32At(at, 0); trainRows = i32At(at, 1); columns = i32At(at, 2); countBits = i32At(at, 4); bins = i32At(at, 5); isCategory = i32At(at, 8);
  monotone = i32At(at, 9); minSamplesLeaf = i32At(at, 14); gh = i32At(at, 21); rows = i32At(at, 22);
  histogram = i32At(at, 24); candidates = i32At(at, 27); mask = i32At(at, 41); scratch = i32At(at, 42);
  hasMonotone = i32At(at, 43); lambda = f64At(at, 32); minHessian = f64At(at, 33);
  groups = (columns + 3) >> 2;
  nearRows = i32At(at, 55); scratchBytes = i32At(at, 56);
}

/**
 * Adds rows to the histogram of a group of four columns: G, and H with the count, in one add of 16 bytes. `from` is where
 * the first row's bins lie, `own` its gradients.
 */
function addGroup(at: usize, from: usize, stride: usize, own: usize, count: i32): void {
  const until = own + (<usize>count << 4);
  for (; own < until; own += 16, from += stride) {
    const four = load<u32>(from);
    const gradients = v128.load(own);
    const a = at + ((four & 255) << 4);
    v128.store(a, i64x2.add(v128.load(a), gradients));
    const b = at + (((four >> 8) & 255) << 4);
    v128.store(b, i64x2.add(v128.load(b, 4096), gradients), 4096);
    const c = at + (((four >> 16) & 255) << 4);
    v128.store(c, i64x2.add(v128.load(c, 8192), gradients), 8192);
    const d = at + ((four >> 24) << 4);
    v128.store(d, i64x2.add(v128.load(d, 12288), gradients), 12288);
  }
}

/** Lays bins and gradients of some rows side by side. */
function gather(base: usize, stride: usize, place: i32, count: i32, nearBins: usize, nearGradients: usize): void {
  const until = rows + (<usize>(place + count) << 2);
  let to = nearBins;
  let own = nearGradients;
  for (let at = rows + (<usize>place << 2); at < until; at += 4, to += stride, own += 16) {
    const row = <usize>load<i32>(at);
    const from = base + row * stride;
    if (stride == 4) store<u32>(to, load<u32>(from));
    else if (stride == 8) store<u64>(to, load<u64>(from));
    else {
      v128.store(to, v128.load(from));
      if (stride == 32) v128.store(to, v128.load(from, 16), 16);
    }
    v128.store(own, v128.load(gh + (row << 4)));
  }
}

/**
 * Makes the histograms of a block's groups from a leaf's rows, some rows at a time: they come from far once for all
 * groups, and a group's histogram stays in the nearest cache meanwhile.
 */
function addRows(block: i32, at: usize, leaf: usize, near: usize): void {
  const first = block * blockWidth;
  const width = min(blockWidth, groups - first);
  const stride = strideOf(block);
  const base = bins + ((<usize>first * <usize>rowCount) << 2);
  const nearGradients = near + <usize>nearRows * stride;
  memory.fill(at, 0, <usize>width * GROUP);
  const start = i32At(leaf, 1), end = i32At(leaf, 2);
  // The root's rows lie side by side already.
  const isWhole = end - start == trainRows;
  for (let place = start; place < end; place += nearRows) {
    const count = min(nearRows, end - place);
    if (!isWhole) gather(base, stride, place, count, near, nearGradients);
    const from = isWhole ? base + <usize>place * stride : near;
    const own = isWhole ? gh + (<usize>place << 4) : nearGradients;
    for (let group = 0; group < width; group++) addGroup(at + <usize>group * GROUP, from + (<usize>group << 2), stride, own, count);
  }
}

/** A thread's part in the search for the split of a leaf, and of its larger sister. */
export function findSplits(thread: i32): void {
  const small = <usize>i32At(shared, 60);
  const large = <usize>i32At(shared, 61);
  const best = candidates + <usize>(2 * thread) * ENTRY;
  const second = best + ENTRY;
  setI32(best, 5, -1); store<f64>(best + 72, -Infinity);
  setI32(second, 5, -1); store<f64>(second + 72, -Infinity);
  const ranks = scratch + <usize>thread * scratchBytes;
  const own = ranks + 8192;
  const near = own + <usize>blockWidth * GROUP;
  const smallSlot = i32At(small, 4);
  const largeSlot = large ? i32At(large, 4) : -1;
  const isKept = smallSlot >= 0 && (!large || largeSlot >= 0);
  for (let block = nextShare(); block * blockWidth < groups; block = nextShare()) {
    const first = block * blockWidth;
    const until = min(groups, first + blockWidth);
    if (!isKept && !isWanted(first, until, large != 0)) continue;
    const at = isKept ? slotAt(smallSlot, first) : own;
    addRows(block, at, small, near);
    for (let group = first; group < until; group++)
      scanGroup(group, at + <usize>(group - first) * GROUP, small, best, mask, ranks);
    if (!large) continue;
    let sister = own;
    if (isKept) {
      sister = slotAt(largeSlot, first);
      const bytes = <usize>(until - first) * GROUP;
      for (let cell: usize = 0; cell < bytes; cell += 16)
        v128.store(sister + cell, i64x2.sub(v128.load(sister + cell), v128.load(at + cell)));
    } else addRows(block, own, large, near);
    for (let group = first; group < until; group++)
      scanGroup(group, sister + <usize>(group - first) * GROUP, large, second, mask + <usize>columns, ranks);
  }
}

function isWanted(first: i32, until: i32, both: bool): bool {
  for (let column = first << 2; column < min(columns, until << 2); column++)
    if (u8At(mask, column) || (both && u8At(mask, columns + column))) return true;
  return false;
}

function slotAt(slot: i32, group: i32): usize {
  return histogram + (<usize>slot * <usize>groups + <usize>group) * GROUP;
}

// The leaf at hand.
let totalG: f64, totalH: f64, totalCount: i32, lower: f64, upper: f64, direction: i32, ownScore: f64, invG: f64, invH: f64;
let sumG: i64, sumHC: i64;

function scanGroup(group: i32, at: usize, leaf: usize, best: usize, wanted: usize, ranks: usize): void {
  invG = 1 / f64At(shared, 38);
  invH = 1 / f64At(shared, 39);
  sumG = load<i64>(leaf + 40);
  sumHC = load<i64>(leaf + 48);
  totalG = <f64>sumG * invG;
  totalH = <f64>(sumHC >> countBits) * invH;
  totalCount = i32At(leaf, 2) - i32At(leaf, 1);
  lower = load<f64>(leaf + 56);
  upper = load<f64>(leaf + 64);
  ownScore = side(totalG, totalH);
  for (let k = 0; k < 4; k++) {
    const column = (group << 2) + k;
    if (column >= columns || !u8At(wanted, column)) continue;
    const own = at + (<usize>k << 12);
    if (u8At(isCategory, column)) {
      scanCategories(column, own, best, ranks);
      continue;
    }
    direction = hasMonotone ? <i32>load<i8>(monotone + <usize>column) : 0;
    const missing = i64At(own, 511);
    scan(column, own, best, false, missing != 0);
    if (missing != 0) scan(column, own, best, true, true);
  }
}

/** 2 G v − (H + λ) v² at the best allowed v: how far a leaf with this value lowers the loss, twice. */
// @ts-ignore: decorator
@inline function side(g: f64, h: f64): f64 {
  const divisor = h + lambda;
  if (hasMonotone == 0) return (g * g) / divisor;
  const value = min(max(g / divisor, lower), upper);
  return 2 * g * value - divisor * value * value;
}

function scan(column: i32, at: usize, best: usize, missingLeft: bool, hasMissing: bool): void {
  let leftG: i64 = 0;
  let leftHC: i64 = 0;
  const counts = (<i64>1 << countBits) - 1;
  if (missingLeft) {
    leftG = i64At(at, 510);
    leftHC = i64At(at, 511);
  }
  let most = load<f64>(best + 72);
  let last = -1;
  for (let bin = 0; bin <= 255; bin++) {
    // Past the last bin: only missing values on the right.
    const isEnd = bin == 255;
    if (isEnd && (!hasMissing || missingLeft)) break;
    const hc = isEnd ? 0 : i64At(at, 2 * bin + 1);
    if (hc == 0 && !isEnd) continue;
    if (last >= 0) {
      const count = <i32>(leftHC & counts);
      if (count >= minSamplesLeaf && totalCount - count >= minSamplesLeaf) {
        const g = <f64>leftG * invG;
        const h = <f64>(leftHC >> countBits) * invH;
        const rest = totalH - h;
        if (h >= minHessian && rest >= minHessian) {
          const gain = side(g, h) + side(totalG - g, rest) - ownScore;
          if (gain > most && (direction == 0 || isOrdered(g, h, totalG - g, rest))) {
            most = gain;
            note(best, gain, column, last, isEnd ? -1 : bin, hasMissing ? missingLeft : count > totalCount - count, leftG, leftHC);
          }
        }
      } else if (totalCount - count < minSamplesLeaf) break;
    }
    last = bin;
    leftG += i64At(at, 2 * bin);
    leftHC += hc;
  }
}

function isOrdered(g: f64, h: f64, restG: f64, restH: f64): bool {
  const left = min(max(g / (h + lambda), lower), upper);
  const right = min(max(restG / (restH + lambda), lower), upper);
  return direction > 0 ? left <= right : left >= right;
}

function note(best: usize, gain: f64, column: i32, bin: i32, next: i32, missingLeft: bool, leftG: i64, leftHC: i64): void {
  store<f64>(best + 72, gain);
  setI32(best, 5, column); setI32(best, 6, bin); setI32(best, 7, next); setI32(best, 8, missingLeft ? 1 : 0);
  store<i64>(best + 80, leftG); store<i64>(best + 88, leftHC);
}

/** Categories (and missing, as one more) in the order of their mean gradient; every prefix of it is tried (Fisher 1958). */
function scanCategories(column: i32, at: usize, best: usize, ranks: usize): void {
  let size = 0;
  for (let bin = 0; bin < 256; bin++) {
    const hc = i64At(at, 2 * bin + 1);
    if (hc == 0) continue;
    const mean = (<f64>i64At(at, 2 * bin) * invG) / (<f64>(hc >> countBits) * invH + SMOOTHING);
    rankCategory(ranks, size++, mean, bin);
  }
  let leftG: i64 = 0;
  let leftHC: i64 = 0;
  let take = -1;
  const counts = (<i64>1 << countBits) - 1;
  for (let place = 0; place < size - 1; place++) {
    const bin = <i32>f64At(ranks, 2 * place + 1);
    leftG += i64At(at, 2 * bin);
    leftHC += i64At(at, 2 * bin + 1);
    const count = <i32>(leftHC & counts);
    if (count < minSamplesLeaf || totalCount - count < minSamplesLeaf) continue;
    const g = <f64>leftG * invG;
    const h = <f64>(leftHC >> countBits) * invH;
    if (h < minHessian || totalH - h < minHessian) continue;
    const gain = side(g, h) + side(totalG - g, totalH - h) - ownScore;
    if (gain <= load<f64>(best + 72)) continue;
    take = place;
    note(best, gain, column, 0, -1, false, leftG, leftHC);
  }
  if (take < 0) return;
  // A category that was not met here goes where missing values go: with the greater part, where none was met either.
  const count = <i32>(load<i64>(best + 88) & counts);
  let others = count > totalCount - count;
  for (let place = 0; place < size; place++) if (<i32>f64At(ranks, 2 * place + 1) == 255) others = place <= take;
  memory.fill(best + 96, others ? 255 : 0, 32);
  for (let place = 0; place < size; place++) {
    const bin = <i32>f64At(ranks, 2 * place + 1);
    const byte = best + 96 + <usize>(bin >> 3);
    const bit = <i32>1 << (bin & 7);
    const before = <i32>load<u8>(byte);
    store<u8>(byte, <u8>(place <= take ? before | bit : before & ~bit));
  }
  setI32(best, 8, others ? 1 : 0);
}
