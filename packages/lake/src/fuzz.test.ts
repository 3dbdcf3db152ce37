/** Broken files: a clear error or the right rows, no crash, nothing written. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lake, SourceColumn, StageOptions } from "./api.ts";
import { LakeError } from "./errors.ts";
import { openLake } from "./lake.ts";

const RUNS = Number(process.env["LAKE_FUZZ"] ?? 40);

let root: string;
let lake: Lake;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "lake-fuzz-")));
  await mkdir(join(root, "data"));
  lake = await openLake({
    root: join(root, "lake"),
    sourceRoots: [join(root, "data")],
    threads: 1,
    memoryLimit: "256MB",
  });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

/** What may happen to a file: cut short, bits turned over, a piece gone or doubled. */
const damage = fc.record({
  kind: fc.constantFrom("cut" as const, "flip" as const, "drop" as const, "double" as const),
  places: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 4 }),
  bit: fc.integer({ min: 0, max: 7 }),
});

function damaged(
  bytes: Buffer,
  { kind, places, bit }: { kind: string; places: readonly number[]; bit: number },
): Buffer {
  const at = places.map((p) => Math.floor(p * bytes.length));
  const [from = 0, to = from + 3] = [...at].sort((a, b) => a - b);
  if (kind === "cut") return bytes.subarray(0, from);
  if (kind === "drop") return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  if (kind === "double") return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  const copy = Buffer.from(bytes);
  for (const place of at) copy.writeUInt8(copy.readUInt8(place) ^ (1 << bit), place);
  return copy;
}

const COLUMNS: readonly SourceColumn[] = [
  { name: "id", type: "bigint" },
  { name: "s", type: "string", nullable: true },
  { name: "d", type: "date", nullable: true },
];
const IDS = Array.from({ length: 50 }, (_, i) => i);
const day = (i: number) => new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10);
const CSV = `id,s,d\n${IDS.map((i) => `${i},"text ""${i}"", ü",${i % 3 ? day(i) : ""}`).join("\n")}\n`;
const JSONL = `${IDS.map((i) => JSON.stringify({ id: i, s: `text ${i} ü`, d: i % 3 ? day(i) : null })).join("\n")}\n`;

/** Fails unless the work ends well or with an error of the lake that says something. */
async function survives(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof LakeError)) throw new Error(`no error of the lake: ${error}`, { cause: error });
    expect(error.message.length).toBeGreaterThan(10);
  }
}

let ordinal = 0;
const write = (table: string, sql: string, views = {}) =>
  lake.write({ table, sql, views, mode: "append", dialect: "duckdb", txn: { appId: `f${ordinal++}`, version: 1 } });
const filesOf = async (table: string) =>
  (await readdir(join(root, "lake", table), { recursive: true }).catch(() => [])).sort();

describe("sources", () => {
  it.each([
    ["csv", Buffer.from(CSV)],
    ["jsonl", Buffer.from(JSONL)],
  ] as const)(
    "%s",
    async (format, bytes) => {
      await fc.assert(
        fc.asyncProperty(damage, async (how) => {
          const source = join(root, "data", `x.${format}`);
          await writeFile(source, damaged(bytes, how));
          await survives(() => load({ source, columns: COLUMNS }));
        }),
        { numRuns: RUNS },
      );
    },
    60_000 + RUNS * 1000,
  );

  it(
    "parquet",
    async () => {
      await write(
        "good",
        "SELECT range AS id, 'text ' || range AS s, DATE '2026-01-01' + range::INT AS d FROM range(500)",
      );
      const [file = ""] = (await filesOf("good")).filter((name) => name.endsWith(".parquet"));
      const bytes = await readFile(join(root, "lake", "good", file));
      await fc.assert(
        fc.asyncProperty(damage, async (how) => {
          const source = join(root, "data", "x.parquet");
          await writeFile(source, damaged(bytes, how));
          await survives(() => load({ source }));
        }),
        { numRuns: RUNS },
      );
    },
    60_000 + RUNS * 1000,
  );
});

describe("Parquet files that lie about themselves", () => {
  /** Where a file ends: its length of the footer, then the magic. */
  const ending = (length: number, magic: string) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(length >>> 0);
    bytes.write(magic, 4, "latin1");
    return bytes;
  };
  let good: Buffer;
  let footer: number;
  beforeAll(async () => {
    await write("lies", "SELECT range AS id, 'text ' || range AS s FROM range(100)");
    const [file = ""] = (await filesOf("lies")).filter((name) => name.endsWith(".parquet"));
    good = await readFile(join(root, "lake", "lies", file));
    footer = good.readUInt32LE(good.length - 8);
  });

  it.each([
    ["an encrypted footer", () => Buffer.concat([good.subarray(0, -8), ending(footer, "PARE")])],
    ["all of it encrypted", () => Buffer.concat([Buffer.from("PARE"), good.subarray(4, -8), ending(footer, "PARE")])],
    ["another magic at the end", () => Buffer.concat([good.subarray(0, -4), Buffer.from("PAR2")])],
    ["a footer of no length", () => Buffer.concat([good.subarray(0, -8), ending(0, "PAR1")])],
    ["a footer longer than the file", () => Buffer.concat([good.subarray(0, -8), ending(good.length + 1, "PAR1")])],
    ["a footer of 4 GiB", () => Buffer.concat([good.subarray(0, -8), ending(0xffffffff, "PAR1")])],
    ["a footer that begins a byte late", () => Buffer.concat([good.subarray(0, -8), ending(footer - 1, "PAR1")])],
    ["a footer that begins a byte early", () => Buffer.concat([good.subarray(0, -8), ending(footer + 1, "PAR1")])],
    [
      "a footer without the data that it points to",
      () => Buffer.concat([Buffer.from("PAR1"), good.subarray(-footer - 8)]),
    ],
    ["magic and nothing else", () => Buffer.from("PAR1PAR1")],
  ])("%s", async (_, made) => {
    const source = join(root, "data", "lie.parquet");
    await writeFile(source, made());
    const before = await filesOf("target");
    const error = await lake.stage({ source, columns: [{ name: "id", type: "bigint" }] }).then(
      async (staged) => {
        await staged.close();
        return "it was staged";
      },
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(LakeError);
    expect(error).toMatchObject({ code: "SOURCE_UNREADABLE", message: expect.stringContaining("lie.parquet") });
    expect(await filesOf("target")).toEqual(before);
  });
});

/** Stages a source and appends it: when the staging fails, the table is as it was. */
async function load(o: StageOptions): Promise<void> {
  const before = await filesOf("target");
  let staged: Awaited<ReturnType<Lake["stage"]>>;
  try {
    staged = await lake.stage(o);
  } catch (error) {
    expect(await filesOf("target")).toEqual(before);
    throw error;
  }
  try {
    await write("target", "SELECT id, s, d FROM v", { v: staged.view });
  } catch (error) {
    expect(await filesOf("target")).toEqual(before);
    throw error;
  } finally {
    await staged.close();
  }
}

describe("tables", () => {
  it(
    "whose log, checkpoint or data is broken are refused, or read as before, and never written to",
    async () => {
      for (let i = 0; i < 12; i++) await write("t", `SELECT ${i}::BIGINT AS id, 'x${i}' AS s`);
      const folder = join(root, "lake", "t");
      const names = (await readdir(folder, { recursive: true })).filter((n) =>
        /\.(json|parquet)$|_last_checkpoint$/.test(n),
      );
      const good = new Map<string, Buffer>();
      for (const name of names) good.set(name, await readFile(join(folder, name)));
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...names), damage, async (name, how) => {
          await writeFile(join(folder, name), damaged(good.get(name) ?? Buffer.alloc(0), how));
          await survives(() =>
            lake.native("SELECT count(*), max(id), max(s) FROM t", { views: { t: { table: "t" } } }),
          );
          const before = await filesOf("t");
          await survives(() => lake.snapshot({ table: "t" }));
          await survives(async () => {
            try {
              await lake.write({
                table: "t",
                sql: "SELECT id, s FROM t",
                views: { t: { table: "t" } },
                mode: "overwrite",
                dialect: "duckdb",
                expectedVersion: 11,
                txn: { appId: `f${ordinal++}`, version: 1 },
              });
            } catch (error) {
              expect(await filesOf("t")).toEqual(before);
              throw error;
            }
          });
          // As it was, for the next round.
          for (const left of await filesOf("t"))
            if (!before.includes(left)) await rm(join(folder, left), { recursive: true });
          await writeFile(join(folder, name), good.get(name) ?? Buffer.alloc(0));
        }),
        { numRuns: RUNS },
      );
      expect((await lake.snapshot({ table: "t" })).rowCount).toBe(12);
    },
    60_000 + RUNS * 2000,
  );
});
