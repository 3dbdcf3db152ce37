import { expect, test } from "vitest";
import { paramImportances, type Trial } from "../index.ts";
import { parseSpace } from "./space.ts";

const space = parseSpace([
  { name: "x", type: "float", low: -5, high: 5 },
  { name: "y", type: "float", low: 1e-4, high: 1, log: true },
  { name: "kind", type: "categorical", choices: ["a", "b", "c"] },
]);

/** Trials spread evenly over the space, and what each comes to. */
function trialsOf(value: (x: number, y: number, kind: string) => number): Trial[] {
  return Array.from({ length: 100 }, (_, number) => {
    const share = (step: number) => (number * step) % 1;
    const [x, y] = [10 * share(0.618034) - 5, 10 ** (4 * share(0.414214) - 4)];
    const kind = ["a", "b", "c"][number % 3] ?? "a";
    return { number, state: "complete", params: { x, y, kind }, value: value(x, y, kind), reports: [], rungs: [] };
  });
}

test("importances follow what moves the value, and sum to 1", async () => {
  const found = await paramImportances(
    space,
    trialsOf((x, y, kind) => x * x + Math.abs(Math.log10(y) + 2) + (kind === "b" ? 1 : 0)),
  );
  expect(found[0]?.parameter).toBe("x");
  expect(found[0]?.importance).toBeGreaterThan(0.9);
  expect(found.reduce((sum, { importance }) => sum + importance, 0)).toBeCloseTo(1);
});

test("a parameter of choices can be the only one that counts", async () => {
  const found = await paramImportances(
    space,
    trialsOf((_x, _y, kind) => (kind === "c" ? 5 : 1)),
  );
  expect(found[0]).toEqual({ parameter: "kind", importance: 1 });
});

test("where every trial has the same value nothing is important", async () => {
  const found = await paramImportances(
    space,
    trialsOf(() => 1),
  );
  expect(found.map(({ importance }) => importance)).toEqual([0, 0, 0]);
});
