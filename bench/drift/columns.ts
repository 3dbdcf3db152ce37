/** The columns of the bench, on disk as Arrow holds them: doubles, or UTF-8 texts behind offsets. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What a column holds. */
export interface BenchColumn {
  readonly name: string;
  readonly type: "num" | "cat";
}

export type Side = "reference" | "current";

/** Where the bytes of a column lie; a text column has two files. */
export function fileOf(
  folder: string,
  side: Side,
  { name }: BenchColumn,
  part: "values" | "offsets" = "values",
): string {
  return join(folder, `${side}.${name}.${part}`);
}

const KINDS = ["normal", "lognormal", "uniform", "integers", "text"] as const;

/** Every fifth column is of text; of each kind, every second one has drifted. */
export function benchColumns(columns: number): BenchColumn[] {
  return Array.from({ length: columns }, (_, at) => {
    const kind = KINDS[at % KINDS.length] ?? "normal";
    return { name: `${kind}_${at}`, type: kind === "text" ? "cat" : "num" };
  });
}

/** Writes every column of both sides; the same numbers every time. */
export function writeColumns(folder: string, columns: readonly BenchColumn[], rows: number): void {
  const values = new Float64Array(rows);
  for (const [at, column] of columns.entries())
    for (const side of ["reference", "current"] as const) {
      const random = uniform(at * 2 + (side === "current" ? 1 : 0) + 1);
      // One in two is moved by an eighth of its spread.
      const shift = side === "current" && Math.floor(at / KINDS.length) % 2 === 1 ? 0.125 : 0;
      if (column.type === "cat") writeTexts(folder, side, column, rows, random, shift);
      else {
        const draw = numbersOf(column.name.split("_")[0] ?? "", random);
        for (let row = 0; row < rows; row++) values[row] = draw() + shift;
        write(fileOf(folder, side, column), values);
      }
    }
}

function numbersOf(kind: string, random: () => number): () => number {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  if (kind === "lognormal") return () => Math.exp(normal());
  if (kind === "uniform") return random;
  if (kind === "integers") return () => Math.floor(random() * 1000);
  return normal;
}

function writeTexts(
  folder: string,
  side: Side,
  column: BenchColumn,
  rows: number,
  random: () => number,
  shift: number,
): void {
  const texts = Array.from({ length: 40 }, (_, at) => Buffer.from(`category-${at}`));
  const offsets = new Int32Array(rows + 1);
  const bytes = Buffer.alloc(rows * 11);
  let end = 0;
  for (let row = 0; row < rows; row++) {
    const text = texts[Math.floor((random() ** 2 * (1 - shift) + shift * random()) * texts.length)] ?? texts[0];
    end += text?.copy(bytes, end) ?? 0;
    offsets[row + 1] = end;
  }
  write(fileOf(folder, side, column), bytes.subarray(0, end));
  write(fileOf(folder, side, column, "offsets"), offsets);
}

function write(file: string, view: NodeJS.ArrayBufferView): void {
  const handle = openSync(file, "w");
  try {
    const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
  } finally {
    closeSync(handle);
  }
}

/** Mulberry32: uniform in [0, 1). */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
