import { createStudy, type PrunerInput } from "@dagwright/learn";
import { z } from "zod";

const Curve = z.array(z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"]).transform(Number)]));
const OptunaPruner = z.object({ type: z.string(), args: z.record(z.string(), z.unknown()).default({}) });
const Direction = z.enum(["minimize", "maximize"]).default("minimize");

const PrunerRun = z.object({
  pruner: OptunaPruner,
  direction: Direction,
  studyName: z.string(),
  curves: z.array(Curve),
});

const Param = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const Suggestion = z.object({
  session: z.string(),
  seed: z.number().int(),
  direction: Direction,
  space: z.array(z.unknown()),
  history: z.array(z.object({ params: z.record(z.string(), Param), value: z.number().nullable() })),
});

const PRUNER: Readonly<Record<string, string>> = {
  MedianPruner: "median",
  PercentilePruner: "percentile",
  SuccessiveHalvingPruner: "successive_halving",
  HyperbandPruner: "hyperband",
  ThresholdPruner: "threshold",
  NopPruner: "none",
  PatientPruner: "patient",
};

/** Optuna's class names to ours; `createStudy` checks the rest. */
function prunerOf({ type, args }: z.output<typeof OptunaPruner>): PrunerInput {
  const wrapped = args["wrapped"] ?? args["wrapped_pruner"];
  const inner = wrapped == null ? null : prunerOf(OptunaPruner.parse(wrapped));
  const { wrapped: _, wrapped_pruner: __, ...rest } = args;
  const pruner: unknown = { ...rest, type: PRUNER[type] ?? type, ...(type === "PatientPruner" && { wrapped: inner }) };
  // Not yet checked: `createStudy` does so and names what is wrong.
  return pruner as PrunerInput;
}

/** Operations of the area `hpo`. */
export const ops: Record<string, (input: unknown) => unknown> = {
  "hpo.pruner": (input) => {
    const { pruner, direction, studyName, curves } = PrunerRun.parse(input);
    const space = [{ type: "float", name: "x", low: 0, high: 1 }] as const;
    const sampler = { type: "random" } as const;
    const study = createStudy({ name: studyName, direction, space, sampler, pruner: prunerOf(pruner) });
    const prunedAtStep = curves.map((curve) => {
      const { number } = study.ask();
      const at = curve.findIndex((value, step) => study.report(number, step, value));
      if (at >= 0) study.end(number, "pruned");
      else study.complete(number, Number.isNaN(curve.at(-1) ?? Number.NaN) ? 1 : curve.at(-1)!);
      return at >= 0 ? at : null;
    });
    return { prunedAtStep };
  },
  "hpo.suggest": (input) => {
    const { session, seed, direction, space, history } = Suggestion.parse(input);
    // Not yet checked: `createStudy` does so and names what is wrong.
    const study = createStudy({ name: session, seed, direction, space: space as [] });
    for (const { params, value } of history) study.add(params, value ?? Number.NaN);
    return { params: study.ask().params };
  },
};
