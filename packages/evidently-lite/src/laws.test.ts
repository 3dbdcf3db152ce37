import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { edgesOver } from "./bins.ts";
import { wasserstein } from "./distances.ts";
import { areaBetweenColumns, largestGapOfColumns } from "./ecdf-distance.ts";
import {
  CategorySketch,
  columnDrift,
  dataSummary,
  datasetDrift,
  ks,
  NumberSketch,
  Profile,
  profileDrift,
  psi,
} from "./index.ts";
import { NumberSample } from "./number-sample.ts";

/** Numbers as columns have them: ties, gaps, a long tail. */
const number = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double({ min: -10, max: 10, noNaN: true }),
  fc.double({ min: -1e12, max: 1e12, noNaN: true }),
);
const sample = (least: number, most: number) => fc.array(number, { minLength: least, maxLength: most });
const close = (got: number, want: number, to = 1e-9) =>
  expect(Math.abs(got - want)).toBeLessThanOrEqual(to * Math.max(1, Math.abs(want)));

/** Values of a seed, spread out as named. */
function drawn(seed: number, size: number, kind: "even" | "tail" | "ties"): Float64Array {
  let state = seed | 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 4_294_967_296;
  };
  return Float64Array.from({ length: size }, () => {
    const u = next();
    if (kind === "even") return u * 10;
    return kind === "tail" ? Math.tan(Math.PI * (u - 0.5)) : Math.floor(u * 30);
  });
}
const column = fc.record({
  seed: fc.integer(),
  size: fc.integer({ min: 6000, max: 25_000 }),
  kind: fc.constantFrom("even", "tail", "ties"),
});

describe("laws of the distances", () => {
  test("KS and PSI do not tell the sides apart", () =>
    fc.assert(
      fc.property(sample(1, 60), sample(1, 60), (a, b) => {
        const [one, two] = [ks(a, b), ks(b, a)];
        expect(one.statistic).toBe(two.statistic);
        close(one.pValue, two.pValue);
        // By value, as both sides have no more than 20 of them.
        const [x, y] = [a.map((value) => Math.sign(value)), b.map((value) => Math.sign(value))];
        close(psi(x, y), psi(y, x));
        expect(psi(x, y)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 200 },
    ));

  test("KS is the largest gap of the distribution functions, by brute force", () =>
    fc.assert(
      fc.property(sample(1, 40), sample(1, 40), (a, b) => {
        const share = (of: number[], point: number) => of.filter((value) => value <= point).length / of.length;
        const largest = Math.max(...[...a, ...b].map((point) => Math.abs(share(a, point) - share(b, point))));
        close(ks(a, b).statistic, largest, 1e-12);
      }),
      { numRuns: 200 },
    ));

  test("equal samples have not moved, in any order", () =>
    fc.assert(
      fc.property(sample(3, 50), (a) => {
        const back = [...a].reverse();
        for (const method of ["psi", "wasserstein", "jensenshannon", "kl_div", "ed"])
          close(columnDrift({ reference: a, current: back, columnType: "num", method }).score, 0, 1e-7);
        expect(ks(a, back)).toEqual({ statistic: 0, pValue: 1 });
      }),
      { numRuns: 100 },
    ));
});

describe("the grid", () => {
  const sides = (x: Float64Array, y: Float64Array) =>
    [new NumberSample(x, "x"), new NumberSample(y, "y")].map((one) => ({ ...one.scan(), source: one.source }));

  test("gives the area and the largest gap that sorting gives", () =>
    fc.assert(
      fc.property(column, column, fc.constantFrom(0, 0.01, 3), (c, d, shift) => {
        const x = drawn(c.seed, c.size, c.kind);
        const y = drawn(d.seed, d.size, d.kind).map((value) => value + shift);
        const [one, two] = sides(x, y);
        if (one === undefined || two === undefined) return;
        const [a, b] = [Float64Array.from(x).sort(), Float64Array.from(y).sort()];
        let [i, j, area, gap, last] = [0, 0, 0, 0, Math.min(a[0] ?? 0, b[0] ?? 0)];
        while (i < a.length || j < b.length) {
          const value = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY);
          area += (value - last) * Math.abs(i / a.length - j / b.length);
          last = value;
          while (a[i] === value) i += 1;
          while (b[j] === value) j += 1;
          gap = Math.max(gap, Math.abs(i * b.length - j * a.length));
        }
        expect(largestGapOfColumns(one, two)).toBe(gap);
        const fast = areaBetweenColumns(one, two);
        // NaN hands the question back to sorting.
        if (!Number.isNaN(fast)) expect(Math.abs(fast - area)).toBeLessThanOrEqual(1e-7 * area);
        // On the way to the distance the values are counted in the bins that a report shows.
        const [p, q] = [new NumberSample(x, "x"), new NumberSample(y, "y")];
        const edges = edgesOver(p, q, x.length + y.length);
        const counted = [p.histogram(edges), q.histogram(edges)];
        wasserstein(p, q);
        expect([p.histogram(edges), q.histogram(edges)]).toEqual(counted);
      }),
      { numRuns: 25 },
    ));

  test.each(["even", "ties"] as const)("missing values are left out: %s", (kind) => {
    const [x, y] = [drawn(1, 30_001, kind), drawn(2, 25_003, kind).map((value) => value + 1)];
    const gaps = (values: Float64Array) =>
      Float64Array.from(values, (value, at) =>
        at % 9 < 2 || (at > 500 && at < 520) ? [Number.NaN, 1 / 0][at % 2]! : value,
      );
    const [one, two] = [gaps(x), gaps(y)];
    for (const method of ["wasserstein", "ks"]) {
      const score = (reference: Float64Array, current: Float64Array) =>
        columnDrift({ reference, current, columnType: "num", method });
      const wanted = score(one.filter(Number.isFinite), two.filter(Number.isFinite));
      expect(score(one, two)).toEqual({ ...wanted, score: expect.closeTo(wanted.score, 12) });
    }
  });

  test("whole numbers are counted, until one is not whole", () => {
    const x = drawn(1, 30_000, "ties");
    const y = drawn(2, 30_000, "ties").map((value) => value + 2);
    y[20_001] = 7.5;
    const [one, two] = sides(x, y);
    const [a, b] = [Float64Array.from(x).sort(), Float64Array.from(y).sort()];
    // Both columns have as many values, so that the area is that between the values in order.
    const area = a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;
    expect(areaBetweenColumns(one!, two!)).toBeCloseTo(area, 10);
  });

  test("a value far out, and columns of one value, are no harder", () => {
    const x = drawn(1, 30_000, "even");
    const y = Float64Array.from(x, (value) => value + 0.5);
    y[7] = 1e9;
    const drift = columnDrift({ reference: x, current: y, columnType: "num", method: "wasserstein" });
    const sorted = columnDrift({ reference: [...x], current: [...y], columnType: "num", method: "wasserstein" });
    close(drift.score, sorted.score);
    const [same, other] = [new Float64Array(30_000).fill(2), new Float64Array(30_000).fill(3)];
    const wasserstein = (current: Float64Array) =>
      columnDrift({ reference: same, current, columnType: "num", method: "wasserstein" }).score;
    expect([wasserstein(same), wasserstein(other)]).toEqual([0, expect.closeTo(1000, 9)]);
  });
});

describe("sketches", () => {
  const truth = (values: Float64Array, point: number) => values.filter((value) => value <= point).length;

  test("know ranks to within their stated error, also after a merge, and moments exactly", () =>
    fc.assert(
      fc.property(column, column, fc.constantFrom(16, 64, 512), (c, d, size) => {
        const [x, y] = [drawn(c.seed, c.size, c.kind), drawn(d.seed, d.size, d.kind)];
        const sketch = new NumberSketch(size).add(x).merge(new NumberSketch(size).add(y));
        const all = new Float64Array(x.length + y.length);
        all.set(x);
        all.set(y, x.length);
        const { values, weights } = sketch.weighted();
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(all.length);
        for (const q of [0, 0.1, 0.5, 0.9, 1]) {
          const point = sketch.quantile(q);
          const rank = weights.reduce((sum, weight, at) => sum + ((values[at] ?? 0) <= point ? weight : 0), 0);
          expect(Math.abs(rank - truth(all, point))).toBeLessThanOrEqual(sketch.rankError() * all.length);
        }
        const { count, min, max, mean } = sketch.scan();
        const sorted = Float64Array.from(all).sort();
        expect([count, min, max]).toEqual([all.length, sorted[0], sorted.at(-1)]);
        close(
          mean,
          all.reduce((sum, value) => sum + value, 0) / all.length,
          1e-9 * Math.max(1, Math.abs(max), Math.abs(min)),
        );
        // The bound shrinks with the size: log2(n / size) levels of n / (2 size) each.
        const levels = Math.ceil(Math.log2(all.length / size)) + 2;
        expect(sketch.rankError()).toBeLessThanOrEqual(levels / (2 * size) + (2 * levels) / all.length + 0.05);
      }),
      { numRuns: 25 },
    ));

  test("counts are too low by at most the stated error, also after a merge", () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 300 }),
        fc.array(fc.integer({ min: 20, max: 60 }), { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 30 }),
        (x, y, size) => {
          const sketch = new CategorySketch(size);
          for (let at = 0; at < x.length; at += 50) sketch.add(x.slice(at, at + 50));
          sketch.merge(new CategorySketch(size).add(y));
          expect(sketch.countError()).toBeLessThanOrEqual((x.length + y.length) / size);
          for (let name = 0; name <= 60; name++) {
            const exact = [...x, ...y].filter((value) => value === name).length;
            const got = sketch.counts().get(name) ?? 0;
            expect(got).toBeLessThanOrEqual(exact);
            expect(got).toBeGreaterThanOrEqual(exact - sketch.countError());
          }
        },
      ),
      { numRuns: 100 },
    ));

  const methods = {
    num: ["psi", "kl_div", "jensenshannon", "wasserstein", "ed", "ks", "t_test"],
    cat: ["psi", "kl_div", "jensenshannon", "hellinger", "chisquare", "z"],
  } as const;

  test("parts, merges and JSON give what one pass gives, and while all is kept, what the values give", () =>
    fc.assert(
      fc.property(sample(6, 120), sample(6, 120), fc.integer({ min: 1, max: 5 }), (a, b, cut) => {
        const table = (values: number[]) => ({ n: values, c: values.map((value) => `k${Math.sign(value)}`) });
        const [first, rest] = [a.slice(0, cut), a.slice(cut)];
        const merged = new Profile().add(table(first)).merge(new Profile().add(table(rest)));
        const reference = Profile.from(JSON.parse(JSON.stringify(merged)));
        const current = new Profile().add(table(b.slice(0, cut))).add(table(b.slice(cut)));
        for (let at = 0; at < 7; at++) {
          const options = { numMethod: methods.num[at], catMethod: methods.cat[at % 6] };
          const exact = datasetDrift({ reference: table(a), current: table(b), options });
          const sketched = profileDrift({ reference, current, options });
          for (const [column, { score, drifted }] of exact.columns.entries()) {
            const got = sketched.columns[column];
            if (Number.isNaN(score)) expect(got?.score).toBeNaN();
            else close(got?.score ?? Number.NaN, score, 1e-6);
            if (Math.abs(score - 0.1) > 1e-6 && Math.abs(score - 0.05) > 1e-6) expect(got?.drifted).toBe(drifted);
          }
        }
        expect(profileDrift({ reference, current }).columns.map(({ method }) => method)).toEqual(
          datasetDrift({ reference: table(a), current: table(b) }).columns.map(({ method }) => method),
        );
      }),
      { numRuns: 60 },
    ));
});

test("duplicated rows are those that a set of texts finds", () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(null, 0, 1, Number.NaN, -0), fc.constantFrom("a", "b", null)), {
        minLength: 1,
        maxLength: 60,
      }),
      (rows) => {
        const texts = new Set(rows.map(([n, t]) => `${Number.isNaN(n) ? null : n === null ? null : n + 0} ${t}`));
        const data = { n: rows.map(([n]) => n), t: rows.map(([, t]) => t) };
        const found = dataSummary({ data, types: { n: "num", t: "cat" } });
        expect(found.find(({ metric }) => metric === "DuplicatedRowCount")?.value).toBe(rows.length - texts.size);
      },
    ),
  ));
