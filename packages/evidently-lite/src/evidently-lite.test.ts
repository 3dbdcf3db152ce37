import { describe, expect, test } from "vitest";
import peer from "./fixtures/evidently-0.7.23.json" with { type: "json" };
import { columnDrift, type DriftError, datasetDrift, defaultMethod, ks, type Value } from "./index.ts";
import { kolmogorovSurvival } from "./kolmogorov.ts";

interface PeerCase {
  id: string;
  input: { dataset: string; column: string; columnType: string; method: string | null };
  expect: { error?: boolean; score?: number; threshold?: number; method?: string; drifted?: boolean };
}
type Side = Record<string, (Value | "NaN" | "Infinity" | "-Infinity")[]>;
const datasets: Record<string, { reference: Side; current: Side }> = peer.datasets;
const decode = (values: Value[] = []) =>
  values.map((value) => (["NaN", "Infinity", "-Infinity"].includes(String(value)) ? Number(value) : value));

describe("Evidently 0.7.23 on the same data", () => {
  test.each(peer.cases as PeerCase[])("$id", ({ input, expect: wanted }) => {
    const data = datasets[input.dataset];
    const got = () =>
      columnDrift({
        reference: decode(data?.reference[input.column]),
        current: decode(data?.current[input.column]),
        columnType: input.columnType === "num" ? "num" : "cat",
        method: input.method ?? undefined,
      });
    if (wanted.error === true) expect(got).toThrow();
    else {
      const { score, threshold, method, drifted } = got();
      expect({ threshold, method, drifted }).toEqual({
        threshold: wanted.threshold,
        method: wanted.method,
        drifted: wanted.drifted,
      });
      expect(Math.abs(score - Number(wanted.score))).toBeLessThanOrEqual(Math.max(1e-9, 1e-6 * Number(wanted.score)));
    }
  });
});

describe("every method", () => {
  const numbers = [3.2, 1.5, 2.7, 4.1, 0.3, 2.2, 3.9, 1.1];
  const categories = ["a", "b", "a", "b", "a", "a", "b", "b"];

  test.each(["psi", "jensenshannon", "kl_div", "hellinger", "wasserstein", "ed"])(
    "%s of equal samples is 0",
    (method) =>
      expect(columnDrift({ reference: numbers, current: numbers, columnType: "num", method }).score).toBeCloseTo(0, 7),
  );

  test.each(["ks", "cramer_von_mises", "t_test", "es", "empirical_mmd"])("%s of equal samples is near 1", (method) => {
    const { score, drifted } = columnDrift({ reference: numbers, current: numbers, columnType: "num", method });
    expect(score).toBeGreaterThan(0.9);
    expect(drifted).toBe(false);
  });

  test.each(["chisquare", "z", "g_test", "fisher_exact", "TVD"])("%s of equal categories is 1", (method) =>
    expect(columnDrift({ reference: categories, current: categories, columnType: "cat", method }).score).toBeCloseTo(
      1,
      9,
    ),
  );

  test("scipy's values on small samples", () => {
    // scipy 1.17.1 mannwhitneyu([1, 2, 3], [4, 5, 6], alternative="less"): 1 of 20 orders.
    const less = { reference: [1, 2, 3], current: [4, 5, 6], columnType: "num", method: "mannw" } as const;
    expect(columnDrift(less).score).toBeCloseTo(0.05, 12);
    // Fisher's tea: [[3, 1], [1, 3]].
    const tea = { reference: ["y", "y", "y", "n"], current: ["y", "n", "n", "n"], columnType: "cat" } as const;
    expect(columnDrift({ ...tea, method: "fisher_exact" }).score).toBeCloseTo(0.4857142857142857, 12);
  });
});

describe("ks", () => {
  test("takes the asymptotic distribution beyond 10,000 values, close to the exact one below", () => {
    const sample = (size: number, shift: number) => Float64Array.from({ length: size }, (_, at) => at / size + shift);
    const exact = ks(sample(10_000, 0), sample(10_000, 0.02));
    const asymptotic = ks(sample(10_001, 0), sample(10_001, 0.02));
    expect(asymptotic.pValue / exact.pValue).toBeCloseTo(1, 1);
    expect(ks(sample(20_000, 0), sample(15_000, 0)).pValue).toBe(1);
  });

  test("knows published quantiles of the one-sample distribution", () => {
    // Massey 1951 and Marsaglia, Tsang, Wang 2003: K(10, 0.274) = 0.6284796154565054.
    expect(kolmogorovSurvival(10, 0.274)).toBeCloseTo(1 - 0.6284796154565054, 12);
    // Critical values at 5 % (Miller 1956).
    expect(kolmogorovSurvival(20, 0.29408)).toBeCloseTo(0.05, 4);
    expect(kolmogorovSurvival(100, 0.13403)).toBeCloseTo(0.05, 4);
    // Kolmogorov's limit: P(√n·D ≥ 1.3581) = 0.05, with the 1/√n correction small at a million.
    expect(kolmogorovSurvival(1_000_000, 1.358099 / 1000)).toBeCloseTo(0.05, 4);
  });

  test.each([1_000, 90_000])("is continuous where one formula takes over from another at n = %i", (n) => {
    for (const edge of [(1.4 / n) ** (2 / 3), Math.sqrt(2.2 / n)]) {
      const [below, above] = [kolmogorovSurvival(n, edge * (1 - 1e-9)), kolmogorovSurvival(n, edge * (1 + 1e-9))];
      // Pelz–Good leaves out terms in n⁻², the doubled one-sided tail the paths that leave on both sides (scipy's too).
      expect(Math.abs(below - above)).toBeLessThan(5e-6 * below);
    }
  });
});

describe("datasetDrift", () => {
  const reference = { a: [1, 2, 3, 4, 5, 6], b: ["x", "y", "x", "y", "x", "y"] };
  const current = { a: [11, 12, 13, 14, 15, 16], b: ["x", "y", "x", "y", "x", "y"] };

  test("has drifted when the share reaches driftShare", () => {
    const drift = (driftShare: number) =>
      datasetDrift({ reference, current, options: { method: "psi", driftShare } }).dataset;
    expect(drift(0.5)).toEqual({ count: 1, share: 0.5, datasetDrift: true });
    expect(drift(0.51).datasetDrift).toBe(false);
  });

  test("lets the narrower option win", () => {
    const { columns } = datasetDrift({
      reference,
      current,
      options: { method: "psi", numMethod: "ks", threshold: 1, perColumnThreshold: { a: 0.001 } },
    });
    expect(columns.map(({ method, threshold }) => [method, threshold])).toEqual([
      ["ks", 0.001],
      ["psi", 1],
    ]);
  });
});

describe("errors", () => {
  const error = (call: () => unknown): Partial<DriftError> => {
    try {
      call();
    } catch (thrown) {
      const { code, field, message } = thrown as DriftError;
      return { code, field, message };
    }
    return {};
  };
  test.each<[string, () => unknown, Partial<DriftError>]>([
    [
      "an empty column",
      () => datasetDrift({ reference: { a: [1] }, current: { a: [null] }, options: { method: "psi" } }),
      {
        code: "EMPTY_COLUMN",
        field: "a",
        message:
          'column "a": "current" has no values (of 1 rows): expected at least one that is neither missing nor infinite',
      },
    ],
    [
      "different columns",
      () => datasetDrift({ reference: { a: [1] }, current: { a: [1], b: [1] } }),
      {
        code: "DIFFERENT_COLUMNS",
        field: "b",
        message: 'column "b" is missing in reference: expected the same columns on both sides',
      },
    ],
    [
      "a method that is not there",
      () => columnDrift({ reference: [1], current: [1], columnType: "num", method: "nope" }),
      {
        code: "UNKNOWN_METHOD",
        field: "method",
        message:
          'method "nope" is not there: expected one of anderson, chisquare, cramer_von_mises, ed, empirical_mmd, es, fisher_exact, g_test, hellinger, jensenshannon, kl_div, ks, mannw, psi, t_test, TVD, wasserstein, z',
      },
    ],
    [
      "a method for other columns",
      () => columnDrift({ reference: ["a"], current: ["a"], columnType: "cat", method: "ks" }),
      {
        code: "METHOD_NOT_APPLICABLE",
        field: "method",
        message: 'method "ks" does not apply to a column of type "cat": expected one of type num',
      },
    ],
    [
      "text among numbers",
      () => ks([1], ["one"]),
      { code: "NOT_A_NUMBER", field: "current", message: '"current" holds the text "one": expected numbers' },
    ],
  ])("%s", (_, call, wanted) => expect(error(call)).toEqual(wanted));
});

test("Evidently's choice of method", () => {
  const run = (size: number) => Array.from({ length: size }, (_, at) => at);
  expect(defaultMethod(run(1000), run(9), "num")).toBe("ks");
  expect(defaultMethod(run(1001), run(9), "num")).toBe("wasserstein");
  expect(defaultMethod([1, 2], [1, 3], "num")).toBe("chisquare");
  expect(defaultMethod(["a"], ["b"], "cat")).toBe("z");
});
