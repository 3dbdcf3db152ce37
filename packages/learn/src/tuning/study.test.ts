import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { logNormalMass } from "./normal-mass.ts";
import type { PrunerInput } from "./pruners.ts";
import { contains, type DimensionInput, isActive, parseSpace } from "./space.ts";
import { createStudy, resumeStudy, type Study } from "./study.ts";

const space: readonly DimensionInput[] = [
  { type: "float", name: "rate", low: 1e-5, high: 1, log: true },
  { type: "float", name: "share", low: 0, high: 1, step: 0.1 },
  { type: "int", name: "leaves", low: 1, high: 512, log: true },
  { type: "categorical", name: "model", choices: ["forest", "boosting", null, true] },
  { type: "int", name: "depth", low: 1, high: 20, step: 3, when: { parameter: "model", values: ["boosting"] } },
];
const parsed = parseSpace(space);

/** Least at rate 0.01, boosting and depth 7. */
function loss(params: Readonly<Record<string, unknown>>): number {
  const depth = params["model"] === "boosting" ? Math.abs(Number(params["depth"]) - 7) / 10 : 2;
  return (Math.log10(Number(params["rate"])) + 2) ** 2 + depth;
}

function advance(study: Study, trials: number): void {
  for (let done = 0; done < trials; done++) {
    const { number, params } = study.ask();
    for (let step = 0; ; step++) {
      if (step === 8) study.complete(number, loss(params));
      else if (study.report(number, step, loss(params) + 1 / (step + 1))) study.end(number, "pruned");
      else continue;
      break;
    }
  }
}

describe("a study", () => {
  test.each(["minimize", "maximize"] as const)("never leaves its space (%s)", (direction) => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.float(), { minLength: 30, maxLength: 40 }), (seed, values) => {
        const study = createStudy({ name: "s", space, direction, seed });
        for (const value of values) {
          const { number, params } = study.ask();
          for (const dimension of parsed)
            expect(isActive(dimension, params) ? contains(dimension, params[dimension.name]) : true).toBe(true);
          expect("depth" in params).toBe(params["model"] === "boosting");
          study.complete(number, value);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("finds better values than chance", () => {
    const best = (type: "tpe" | "random") =>
      [1, 2, 3, 4, 5].reduce((sum, seed) => {
        const study = createStudy({ name: "s", space, seed, sampler: { type } });
        advance(study, 60);
        return sum + (study.best()?.value ?? Number.NaN);
      }, 0);
    expect(best("tpe")).toBeLessThan(best("random"));
  });

  test.each([
    { type: "hyperband" },
    { type: "successive_halving" },
    { type: "median", n_warmup_steps: 2 },
    { type: "patient", wrapped: { type: "median" }, patience: 1 },
  ] as const)("that is resumed goes on as it would have: $type", (pruner) => {
    const whole = createStudy({ name: "s", space, pruner });
    advance(whole, 40);
    let part = createStudy({ name: "s", space, pruner });
    for (let done = 0; done < 40; done += 8) {
      advance(part, 8);
      part = resumeStudy(part.serialize());
    }
    expect(part.trials()).toEqual(whole.trials());
  });

  test("keeps values that JSON has no number for, and running trials", () => {
    const study = createStudy({ name: "s", space });
    study.report(study.ask().number, 0, Number.NaN);
    study.complete(study.ask().number, Number.NEGATIVE_INFINITY);
    study.complete(study.ask().number, Number.NaN);
    const resumed = resumeStudy(study.serialize());
    expect(resumed.trials()).toEqual(study.trials());
    expect(resumed.trials().map(({ state }) => state)).toEqual(["running", "complete", "failed"]);
    expect(resumed.best()?.number).toBe(1);
  });

  test("running trials make the next one differ", () => {
    const study = createStudy({ name: "s", space: [{ type: "float", name: "x", low: 0, high: 1 }] });
    for (let at = 0; at < 12; at++) study.add({ x: at / 11 }, (at / 11 - 0.5) ** 2);
    const asked = Array.from({ length: 10 }, () => study.ask().params["x"]);
    expect(new Set(asked).size).toBe(10);
  });

  test("takes parameters with one value", () => {
    const one = [
      { type: "int", name: "n", low: 3, high: 3 },
      { type: "float", name: "x", low: 0.5, high: 0.5 },
    ] as const;
    const study = createStudy({ name: "s", space: one });
    for (let at = 0; at < 15; at++) study.complete(study.ask().number, at);
    expect(study.ask().params).toEqual({ n: 3, x: 0.5 });
  });
});

describe("bad input names the field", () => {
  const study = createStudy({ name: "s", space });
  const params = { rate: 0.1, share: 0.3, leaves: 4, model: "forest" };
  const x = { type: "float", name: "x", low: 0, high: 1 } as const;
  test.each([
    ["INVALID_SPACE", /expected low ≤ high/, () => createStudy({ name: "s", space: [{ ...x, low: 2 }] })],
    ["INVALID_SPACE", /more than 0/, () => createStudy({ name: "s", space: [{ ...x, log: true }] })],
    ["INVALID_SPACE", /there twice/, () => createStudy({ name: "s", space: [x, x] })],
    ["INVALID_SPACE", /at least one/, () => createStudy({ name: "s", space: [] })],
    [
      "INVALID_SPACE",
      /earlier categorical/,
      () => createStudy({ name: "s", space: [{ ...x, when: { parameter: "y", values: [1] } }] }),
    ],
    [
      "INVALID_SAMPLER",
      /n_startup/,
      () => createStudy({ name: "s", space, sampler: { type: "tpe", n_startup_trials: -1 } }),
    ],
    ["INVALID_PRUNER", /pruner.lower/, () => createStudy({ name: "s", space, pruner: { type: "threshold" } })],
    ["INVALID_SEED", /0.5/, () => createStudy({ name: "s", space, seed: 0.5 })],
    ["INVALID_TRIAL", /params.share is 0.25/, () => study.add({ ...params, share: 0.25 }, 1)],
    ["INVALID_TRIAL", /params.depth/, () => study.add({ ...params, depth: 4 }, 1)],
    ["INVALID_TRIAL", /Trial 99 of s is not there/, () => study.complete(99, 1)],
    ["INVALID_STUDY", /no JSON/, () => resumeStudy("{")],
    ["INVALID_STUDY", /trials\[0\].number/, () => resumeStudy(study.serialize().replace('"number":0', '"number":1'))],
  ])("%s %s", (code, message, act) => {
    if (study.trials().length === 0) study.add(params, 1);
    expect(act).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});

test("the normal's mass keeps its digits in the tails", () => {
  expect(logNormalMass(-1, 1)).toBeCloseTo(Math.log(0.6826894921370859), 13);
  expect(logNormalMass(Number.NEGATIVE_INFINITY, -10)).toBeCloseTo(-53.23128515051247, 10);
  expect(logNormalMass(10, 11)).toBeCloseTo(logNormalMass(-11, -10), 13);
  expect(logNormalMass(-40, -39)).toBeCloseTo(logNormalMass(Number.NEGATIVE_INFINITY, -39), 10);
});

describe("pruners judge as Optuna 5.0 does", () => {
  const prunedAt = (direction: "minimize" | "maximize", pruner: PrunerInput, curves: readonly number[][]) => {
    const sampler = { type: "random" } as const;
    const study = createStudy({ name: "s", direction, space, sampler, pruner });
    return curves.map((curve) => {
      const { number } = study.ask();
      const at = curve.findIndex((value, step) => study.report(number, step, value));
      if (at >= 0) study.end(number, "pruned");
      else study.complete(number, 1);
      return at;
    });
  };
  const never = (count: number) => Array.from({ length: count }, () => -1);

  test("a percentile beside an infinite report is none, and prunes nobody", () => {
    const median = { type: "median", n_startup_trials: 3 } as const;
    expect(prunedAt("minimize", median, [[1], [Infinity], [2], [3], [0.2]])).toEqual(never(5));
    const best = { type: "percentile", percentile: 0, n_startup_trials: 2 } as const;
    expect(prunedAt("maximize", best, [[1], [Infinity], [3], [2]])).toEqual(never(4));
    const eager = { type: "median", n_startup_trials: 1 } as const;
    expect(prunedAt("maximize", eager, [[1], [-Infinity, 3], [2], [0.5], [0.2], [3]])).toEqual([-1, 0, -1, 0, 0, -1]);
  });

  test("a first trial that is shorter than the least resource leaves Hyperband without brackets", () => {
    const long = Array.from({ length: 9 }, (_, trial) => Array.from({ length: 9 }, () => trial));
    const hyperband = { type: "hyperband", min_resource: 2, reduction_factor: 3 } as const;
    expect(prunedAt("minimize", hyperband, [[1], ...long])).toEqual(never(10));
  });
});
