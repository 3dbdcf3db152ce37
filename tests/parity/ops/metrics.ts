import {
  accuracy,
  averagePrecision,
  balancedAccuracy,
  brierScore,
  cohenKappa,
  confusionMatrix,
  logLoss,
  matthewsCorrelation,
  precisionRecallCurve,
  precisionRecallF1,
  precisionRecallF1PerClass,
  regressionMetrics,
  rocAuc,
  rocAucMulti,
  rocCurve,
} from "@dagwright/learn";
import { z } from "zod";

const Label = z.union([z.number(), z.string()]);
const absent = <T>(value: T | null): T | undefined => value ?? undefined;
const Weights = z.array(z.number()).nullable().default(null).transform(absent);
const ZeroDivision = z
  .union([z.literal(0), z.literal(1), z.literal("nan")])
  .default(0)
  .transform((value) => (value === "nan" ? Number.NaN : value));

const Predicted = z.object({
  // Numbers or texts, never both in one array: what `Labels` says, zod cannot infer.
  yTrue: z.union([z.array(z.number()), z.array(z.string())]),
  yPred: z.union([z.array(z.number()), z.array(z.string())]),
  sampleWeight: Weights,
});
const PredictedLabels = Predicted.extend({ labels: z.array(Label).nullable().default(null).transform(absent) });
const Averaged = PredictedLabels.extend({
  average: z.enum(["binary", "macro", "micro", "weighted"]),
  zeroDivision: ZeroDivision,
  posLabel: Label.optional(),
});
const Scored = z.object({ yTrue: z.array(z.number()), yScore: z.array(z.number()), sampleWeight: Weights });
const ScoredMulti = z.object({ yTrue: z.array(z.number()), yScore: z.array(z.array(z.number())) });
const Numbers = z.object({ yTrue: z.array(z.number()), yPred: z.array(z.number()), sampleWeight: Weights });

/** Operations of the area `metrics` over predictions. */
export const ops: Record<string, (input: unknown) => unknown | Promise<unknown>> = {
  "metrics.accuracy": (input) => {
    const { yTrue, yPred, ...o } = Predicted.parse(input);
    return {
      accuracy: accuracy(yTrue, yPred, o),
      balancedAccuracy: balancedAccuracy(yTrue, yPred, o),
      mcc: matthewsCorrelation(yTrue, yPred, o),
      kappa: cohenKappa(yTrue, yPred, o),
    };
  },
  "metrics.precisionRecallF1": (input) => {
    const { yTrue, yPred, ...o } = Averaged.parse(input);
    return precisionRecallF1(yTrue, yPred, o);
  },
  "metrics.perClass": (input) => {
    const { yTrue, yPred, ...o } = PredictedLabels.extend({ zeroDivision: ZeroDivision }).parse(input);
    return precisionRecallF1PerClass(yTrue, yPred, o);
  },
  "metrics.confusionMatrix": (input) => {
    const Normalize = z.enum(["true", "pred", "all"]).nullable().default(null).transform(absent);
    const { yTrue, yPred, ...o } = PredictedLabels.extend({ normalize: Normalize }).parse(input);
    return confusionMatrix(yTrue, yPred, o);
  },
  "metrics.rocAuc": (input) => {
    const { yTrue, yScore, ...o } = Scored.parse(input);
    return { rocAuc: rocAuc(yTrue, yScore, o) };
  },
  "metrics.rocAucMulti": (input) => {
    const Options = { multiClass: z.enum(["ovr", "ovo"]), average: z.enum(["macro", "weighted"]) };
    const { yTrue, yScore, ...o } = ScoredMulti.extend(Options).parse(input);
    return { rocAuc: rocAucMulti(yTrue, yScore, o) };
  },
  "metrics.rocCurve": (input) => {
    const { yTrue, yScore, ...o } = Scored.parse(input);
    return rocCurve(yTrue, yScore, o);
  },
  "metrics.prCurve": (input) => {
    const { yTrue, yScore, ...o } = Scored.parse(input);
    return precisionRecallCurve(yTrue, yScore, o);
  },
  "metrics.averagePrecision": (input) => {
    const { yTrue, yScore, ...o } = Scored.parse(input);
    return { ap: averagePrecision(yTrue, yScore, o) };
  },
  "metrics.logLoss": (input) => {
    const { yTrue, yScore, ...o } = Scored.parse(input);
    return { logLoss: logLoss(yTrue, yScore, o) };
  },
  "metrics.logLossMulti": (input) => {
    const { yTrue, yScore, labels } = ScoredMulti.extend({ labels: z.array(z.number()) }).parse(input);
    // scikit-learn takes the columns to be in the order of the sorted labels.
    const sorted = labels.toSorted((a, b) => a - b);
    return {
      logLoss: logLoss(
        yTrue.map((label) => sorted.indexOf(label)),
        yScore,
      ),
    };
  },
  "metrics.brier": (input) => {
    const { yTrue, yScore, ...o } = Scored.parse(input);
    return { brier: brierScore(yTrue, yScore, o) };
  },
  "metrics.regression": (input) => {
    const { yTrue, yPred, ...o } = Numbers.parse(input);
    return regressionMetrics(yTrue, yPred, o);
  },
};
