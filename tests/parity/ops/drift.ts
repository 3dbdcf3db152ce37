import { classificationQuality, columnDrift, dataSummary, datasetDrift, regressionQuality } from "evidently-lite";
import { z } from "zod";

const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};
const Value = z
  .union([z.number(), z.string(), z.boolean(), z.null()])
  .transform((value) => (typeof value === "string" ? (NON_FINITE[value] ?? value) : value));
const Column = z.array(Value);
const ColumnType = z.enum(["num", "cat"]);
const Threshold = z
  .number()
  .nullish()
  .transform((value) => value ?? undefined);
const Method = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

const ValueInput = z.object({
  reference: Column,
  current: Column,
  columnType: ColumnType,
  method: Method,
  threshold: Threshold,
});

const DatasetInput = z.object({
  reference: z.record(z.string(), Column),
  current: z.record(z.string(), Column),
  types: z.record(z.string(), ColumnType),
  options: z.object({
    drift_share: Threshold,
    method: Method,
    num_method: Method,
    cat_method: Method,
    threshold: Threshold,
    num_threshold: Threshold,
    cat_threshold: Threshold,
    per_column_method: z.record(z.string(), z.string()).optional(),
    per_column_threshold: z.record(z.string(), z.number()).optional(),
    columns: z.array(z.string()).optional(),
  }),
});

const SummaryInput = z.object({
  data: z.record(z.string(), Column),
  types: z.record(z.string(), ColumnType).optional(),
});

const Label = z.union([z.number(), z.string(), z.boolean()]);
const ClassificationInput = z.object({
  data: z.record(z.string(), Column),
  multiclass: z.boolean().optional(),
  mapping: z.object({
    target: z.string(),
    prediction_labels: z.string().nullish(),
    prediction_probas: z.string().nullish(),
    pos_label: Label.nullish(),
  }),
});

const RegressionInput = z.object({
  data: z.record(z.string(), Column),
  mapping: z.object({ target: z.string(), prediction: z.string() }),
});

/** Operations of the area `drift`. */
export const ops: Record<string, (input: unknown) => unknown | Promise<unknown>> = {
  "drift.value": (input) => columnDrift(ValueInput.parse(input)),
  "drift.dataset": (input) => {
    const { reference, current, types, options } = DatasetInput.parse(input);
    return datasetDrift({
      reference,
      current,
      types,
      options: {
        driftShare: options.drift_share,
        columns: options.columns ?? Object.keys(types),
        method: options.method,
        numMethod: options.num_method,
        catMethod: options.cat_method,
        perColumnMethod: options.per_column_method,
        threshold: options.threshold,
        numThreshold: options.num_threshold,
        catThreshold: options.cat_threshold,
        perColumnThreshold: options.per_column_threshold,
      },
    });
  },
  "quality.summary": (input) => ({ metrics: dataSummary(SummaryInput.parse(input)) }),
  "metrics.classificationPreset": (input) => {
    const { data, multiclass, mapping } = ClassificationInput.parse(input);
    return {
      metrics: classificationQuality({
        data,
        multiclass,
        target: mapping.target,
        predictionLabels: mapping.prediction_labels ?? undefined,
        predictionProbas: mapping.prediction_probas ?? undefined,
        posLabel: mapping.pos_label ?? undefined,
      }),
    };
  },
  "metrics.regressionPreset": (input) => {
    const { data, mapping } = RegressionInput.parse(input);
    return { metrics: regressionQuality({ data, ...mapping }) };
  },
};
