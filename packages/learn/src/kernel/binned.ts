import { LearnError } from "../errors.ts";
import type { Pace } from "../pace.ts";
import { Arena } from "./arena.ts";
import { type Crew, hireCrew, MOST_BYTES } from "./threads.ts";

/** Cells of the control block at the start of a crew's memory, in bytes from there. */
const CONTROL_BYTES = 256;
const COUNTER = 128;
const CANCEL = 192;

/** Columns in bins of a crew's memory, where its threads find them. */
export interface BinnedColumns {
  readonly crew: Crew;
  readonly bins: number;
  /** Columns that lie side by side in the last block. */
  readonly lastStride: number;
  readonly least: number;
  readonly greatest: number;
  readonly isCategory: number;
  readonly rowCount: number;
  readonly columnCount: number;
  /** Cell that threads share work by. */
  readonly counter: number;
  /** Cell that ends the training once it is not 0. */
  readonly cancel: number;
  /** Start of 64 bytes for a team's commands. */
  readonly control: number;
  /** Whether there was room for what was wished. */
  readonly hasWish: boolean;
  /** What is free for the training itself. */
  readonly arena: Arena;
}

/** What is to be binned. */
export interface BinRequest {
  readonly columns: readonly Float64Array[];
  /** Row of `columns` by row of the training; undefined: as they are. */
  readonly order?: Int32Array | undefined;
  readonly isCategory: readonly boolean[];
  /** Columns whose rows lie side by side; of the last ones a power of two, at least four unless this is 1. */
  readonly stride: number;
  readonly maxBins: number;
  readonly threads: number;
  /** Bytes that the training takes beside the bins, for a crew of so many threads. */
  readonly more: (threads: number) => number;
  /** Bytes that the training would take beyond that, were there room. @default 0 */
  readonly wish?: number;
  /** Bytes that all may take. @default MOST_BYTES */
  readonly most?: number;
  readonly pace: Pace;
}

/** Hires a crew and has it put the columns into bins. @throws LearnError TOO_LARGE */
export async function binColumns(request: BinRequest): Promise<BinnedColumns> {
  const { columns, order, isCategory, stride, maxBins, pace, wish = 0, most = MOST_BYTES } = request;
  const rowCount = order?.length ?? columns[0]!.length;
  const columnCount = columns.length;
  const lastBlock = Math.ceil(columnCount / stride) - 1;
  const rest = columnCount - lastBlock * stride;
  const lastStride = stride === 1 ? 1 : Math.max(4, 2 ** Math.ceil(Math.log2(rest)));
  const binBytes = rowCount * (lastBlock * stride + lastStride);
  const sample = Math.min(rowCount, 200_000);
  const fixed = CONTROL_BYTES + binBytes + columnCount * (2 * 1024 + 65) + 4096;
  // Columns come in batches, each through the room that the training has later.
  const column = Math.ceil((rowCount * 4) / 64) * 64;
  const perThread = 2 * Math.ceil(sample / 16) * 64 + 8192 + 1024 + 256;
  let threads = request.threads;
  const needed = (size: number) =>
    fixed + Math.max(request.more(size), size * perThread + Math.min(columnCount, 4 * size) * column);
  while (threads > 1 && needed(threads) > most) threads--;
  if (needed(threads) > most)
    throw new LearnError(
      "TOO_LARGE",
      `columns has ${rowCount} rows × ${columnCount} columns: training on them takes ${Math.ceil(needed(1) / 2 ** 20)} MiB, and 4,095 is the most.`,
      { field: "columns", hint: "Train on a sample of the rows, or on fewer columns." },
    );
  const hasWish = needed(threads) + wish <= most;
  const crew = await hireCrew(threads, needed(threads) + (hasWish ? wish : 0));
  try {
    const arena = new Arena(crew.from);
    const control = arena.take(CONTROL_BYTES);
    new Uint8Array(crew.buffer, control, CONTROL_BYTES).fill(0);
    const bins = arena.take(binBytes);
    const least = arena.take(columnCount * 1024);
    const greatest = arena.take(columnCount * 1024);
    const flags = arena.take(columnCount);
    new Uint8Array(crew.buffer, flags, columnCount).set(isCategory.map(Number));
    const room = new Arena(arena.end);
    const scratch = Array.from({ length: threads }, () => ({
      keys: room.take(sample * 4),
      spare: room.take(sample * 4),
      counts: room.take(8192),
      ends: room.take(1024),
    }));
    const batch = Math.max(
      1,
      Math.min(columnCount, Math.max(4 * threads, Math.floor((crew.buffer.byteLength - room.end) / column))),
    );
    const raw = room.take(batch * column);
    for (let from = 0; from < columnCount; from += batch) {
      const until = Math.min(columnCount, from + batch);
      for (let index = from; index < until; index++) {
        const to = new Float32Array(crew.buffer, raw + (index - from) * column, rowCount);
        const values = columns[index]!;
        if (order === undefined) to.set(values);
        else for (let row = 0; row < rowCount; row++) to[row] = values[order[row]!]!;
        await pace.breathe();
      }
      // A thread has its own scratch, so it gets its own columns.
      const binning = Promise.all(
        scratch.map(async ({ keys, spare, counts, ends }, thread) => {
          const calls: { index: number; args: number[]; more: number[] }[] = [];
          for (let index = from + thread; index < until; index += threads) {
            const at = raw + (index - from) * column;
            const limits = [least + index * 1024, greatest + index * 1024, maxBins];
            const block = Math.floor(index / stride);
            const place = bins + block * rowCount * stride + (index % stride);
            const own = block === lastBlock ? lastStride : stride;
            calls.push({ index, args: [at, rowCount, place, own], more: [...limits, keys, spare, counts, ends] });
          }
          await crew.run(thread, "calls", {
            calls: calls.map(({ index, args, more }) =>
              isCategory[index] ? ["binCategories", ...args] : ["binColumn", ...args, ...more],
            ),
          });
        }),
      );
      await endedBySignal({ crew, cancel: control + CANCEL }, pace.signal, binning);
    }
    const cells = { counter: control + COUNTER, cancel: control + CANCEL, control };
    return {
      crew,
      bins,
      lastStride,
      least,
      greatest,
      isCategory: flags,
      rowCount,
      columnCount,
      ...cells,
      hasWish,
      arena,
    };
  } catch (error) {
    await crew.release();
    throw error;
  }
}

/** How long a thread may take to come to the end of its tree once the training is to end; releasing the crew ends it then. */
const GRACE_MS = 250;

/**
 * Ends a job's threads when the signal is aborted: between two trees, or in the middle of one that takes long. Rejects
 * with the signal's reason.
 */
export async function endedBySignal<T>(
  { crew, cancel }: Pick<BinnedColumns, "crew" | "cancel">,
  signal: AbortSignal | undefined,
  job: Promise<T>,
): Promise<T> {
  if (signal === undefined) return job;
  let grace: NodeJS.Timeout | undefined;
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => {
      Atomics.store(new Int32Array(crew.buffer), cancel >> 2, 1);
      grace = setTimeout(() => reject(signal.reason), GRACE_MS);
    };
  });
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([job, stopped]);
  } finally {
    clearTimeout(grace);
    signal.removeEventListener("abort", stop);
    signal.throwIfAborted();
  }
}
