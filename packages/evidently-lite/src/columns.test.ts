import { Bool, Dictionary, Float64, Int32, Table, tableFromIPC, tableToIPC, Utf8, vectorFromArray } from "apache-arrow";
import { describe, expect, test } from "vitest";
import { type Column, columnDrift, dataQuality, dataSummary, datasetDrift, runReport } from "./index.ts";

const SIZE = 3000;
const numbers = (shift: number) =>
  Array.from({ length: SIZE }, (_, at) => (at % 7 === 3 ? null : Math.sin(at) * 10 + shift));
const texts = (shift: number) =>
  Array.from({ length: SIZE }, (_, at) =>
    at % 11 === 5 ? null : (["äpfel", "b", "", "日本語 text"][(at * at + shift) % 4] ?? ""),
  );
const flags = (shift: number) =>
  Array.from({ length: SIZE }, (_, at) => (at % 13 === 5 ? null : (at * 7 + shift) % 3 === 0));
const whole = (shift: number) => Array.from({ length: SIZE }, (_, at) => (at * 31 + shift * at) % 50);
const days = (shift: number) =>
  Array.from({ length: SIZE }, (_, at) => new Date(Date.UTC(2026, 0, 1 + ((at * 17 + shift) % 90))));

/** Through the wire format and in two batches, as tables come. */
const asArrow = (values: unknown[], type: Float64 | Utf8 | Bool | Dictionary | Int32): Column => {
  const half = Math.floor(values.length / 2);
  const parts = [values.slice(0, half), values.slice(half)].map(
    (part) => new Table({ x: vectorFromArray(part, type) }),
  );
  const joined = parts[0]?.concat(...parts.slice(1));
  const column = tableFromIPC(tableToIPC(joined ?? new Table())).getChild("x");
  if (column === null) throw new Error("there is no column");
  return column;
};
const score = (reference: Column, current: Column, columnType: "num" | "cat", method?: string) =>
  columnDrift({ reference, current, columnType, method });

describe("the same values give the same drift", () => {
  test.each(["wasserstein", "psi", "ks", "hellinger"])("as arrays, typed arrays and Arrow columns: %s", (method) => {
    const [a, b] = [numbers(0), numbers(2)];
    const typed = (values: (number | null)[]) => Float64Array.from(values, (value) => value ?? Number.NaN);
    const wanted = score(a, b, "num", method);
    expect(score(typed(a), typed(b), "num", method)).toEqual(wanted);
    expect(score(asArrow(a, new Float64()), asArrow(b, new Float64()), "num", method)).toEqual({
      ...wanted,
      // Sums are of blocks, which begin anew with each batch.
      score: expect.closeTo(wanted.score, 13),
    });
    const singles = (values: (number | null)[]) => Float32Array.from(typed(values));
    expect(score(singles(a), singles(b), "num", method).score).toBeCloseTo(wanted.score, 3);
  });

  test("of texts and booleans", () => {
    const wanted = score(texts(0), texts(1), "cat");
    expect(score(asArrow(texts(0), new Utf8()), asArrow(texts(1), new Utf8()), "cat")).toEqual(wanted);
    const codes = new Dictionary(new Utf8(), new Int32());
    expect(score(asArrow(texts(0), codes), asArrow(texts(1), codes), "cat")).toEqual(wanted);
    const bits = score(flags(0), flags(1), "cat");
    expect(score(asArrow(flags(0), new Bool()), asArrow(flags(1), new Bool()), "cat")).toEqual(bits);
    expect(score(asArrow(flags(0), new Bool()), asArrow(flags(1), new Bool()), "num").method).toBe("jensenshannon");
  });

  test("whole numbers are binned no finer than 1, held as Int32 or in an Arrow column", () => {
    const [a, b] = [Int32Array.from(whole(0)), Int32Array.from(whole(3))];
    const wanted = score(a, b, "num", "psi");
    expect(score(asArrow(whole(0), new Int32()), asArrow(whole(3), new Int32()), "num", "psi")).toEqual(wanted);
    expect(
      score(
        BigInt64Array.from(whole(0), BigInt) as unknown as Column,
        BigInt64Array.from(whole(3), BigInt) as unknown as Column,
        "num",
        "psi",
      ),
    ).toEqual(wanted);
  });

  test("dates count as their milliseconds, or by their text", () => {
    const [a, b] = [days(0), days(40)];
    const milliseconds = (values: Date[]) => values.map((value) => value.getTime());
    expect(score(a, b, "num", "ks")).toEqual(score(milliseconds(a), milliseconds(b), "num", "ks"));
    expect(score(a, b, "cat").method).toBe("jensenshannon");
  });

  test("a column is neither copied nor changed", () => {
    const values = Float64Array.from(whole(1)).reverse();
    const before = Float64Array.from(values);
    score(values, values, "num", "ks");
    score(values, values, "num", "wasserstein");
    expect(values).toEqual(before);
  });
});

test("a slice of an Arrow column is read as its own rows", () => {
  const column = vectorFromArray([null, true, false, true, true, null, false, true, true, true, false], new Bool());
  const part = column.slice(3, 9);
  expect(
    dataSummary({ data: { x: part }, types: { x: "cat" } }).find(({ metric }) => metric === "UniqueValueCount")?.value,
  ).toMatchObject({
    counts: { true: 4, false: 1, None: 0 },
  });
});

test("summary, quality and report read Arrow columns too", () => {
  const table = (shift: number) => ({
    n: asArrow(numbers(shift), new Float64()),
    t: asArrow(texts(shift), new Utf8()),
  });
  const plain = (shift: number) => ({ n: numbers(shift), t: texts(shift) });
  expect(dataSummary({ data: table(0) })).toEqual(dataSummary({ data: plain(0) }));
  expect(dataQuality({ current: table(1), reference: table(0) })).toEqual(
    dataQuality({ current: plain(1), reference: plain(0) }),
  );
  const report = (tables: typeof table | typeof plain) =>
    runReport({
      presets: [{ preset: "DataDriftPreset", options: { method: "psi" } }, { preset: "DataSummaryPreset" }],
      current: tables(1),
      reference: tables(0),
      timestamp: new Date(0),
    });
  expect(report(table).json()).toBe(report(plain).json());
});

describe("what does not fit", () => {
  test.each([
    ["nothing at all", [], [1, 2]],
    ["nothing but null", [null, null], [1, 2]],
    ["nothing but NaN and infinities", [Number.NaN, Number.POSITIVE_INFINITY], [1, 2]],
  ])("%s is an empty column", (_, reference, current) =>
    expect(() => datasetDrift({ reference: { a: reference }, current: { a: current }, types: { a: "num" } })).toThrow(
      /column "a": "reference" has no values \(of \d rows\)/,
    ),
  );

  test("text where there were numbers is named", () =>
    expect(() => datasetDrift({ reference: { a: [1, 2] }, current: { a: ["x", "y"] } })).toThrow(
      'column "a": "current" holds the text "x": expected numbers',
    ));

  test("a constant column has not drifted from itself, and has from another", () => {
    const drift = (value: number) => score(new Array(2000).fill(4), new Array(2000).fill(value), "num");
    expect(drift(4)).toMatchObject({ score: 0, drifted: false });
    expect(drift(5)).toMatchObject({ method: "jensenshannon", drifted: true });
  });
});
