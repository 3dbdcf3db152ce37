import { accuracy, precisionRecallF1 } from "./classification-metrics.ts";
import { LearnError } from "./errors.ts";
import { checkRows } from "./metric-checks.ts";
import { rocAuc, rocAucMulti } from "./score-metrics.ts";

/** How good a classifier is on some rows. */
export interface ClassificationMetrics {
  readonly accuracy: number;
  /** Weighted by the classes' rows, as are recall and f1; 0 where a class is never predicted. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Of the second of two classes; beyond two classes the mean of each against the others. */
  readonly roc_auc: number;
}

/**
 * The metrics that models are compared by.
 * @param yPred the predicted class of each row
 * @param probabilities as `Model.predictProba` gives them: one of every class, rows one after another
 * @param classes as `Model.classes`
 * @throws LearnError INVALID_METRIC_INPUT for a class the model does not know, or when one of its classes is not there
 * (ROC AUC is then not defined)
 */
export function classificationMetrics(
  yTrue: ArrayLike<number>,
  yPred: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: readonly number[],
): ClassificationMetrics {
  checkRows({ yTrue, yPred });
  const place = new Map(classes.map((value, k) => [value, k]));
  const index = Array.from(yTrue, (value, row) => {
    const k = place.get(value);
    if (k === undefined)
      throw new LearnError(
        "INVALID_METRIC_INPUT",
        `yTrue is ${value} in row ${row}: expected one of the model's classes ${classes.join(", ")}.`,
        {
          field: "yTrue",
        },
      );
    return k;
  });
  const met = new Set(index);
  const absent = classes.filter((_, k) => !met.has(k));
  if (absent.length > 0)
    throw new LearnError("INVALID_METRIC_INPUT", `No row is of class ${absent.join(" or ")}: ROC AUC is not defined.`, {
      field: "yTrue",
      hint: "Evaluate on rows that have every class.",
    });
  const scoresOf = (row: number) => classes.map((_, k) => probabilities[row * classes.length + k]!);
  return {
    accuracy: accuracy(yTrue, yPred),
    ...precisionRecallF1(yTrue, yPred, { average: "weighted" }),
    roc_auc:
      classes.length === 2
        ? rocAuc(
            index,
            index.map((_, row) => scoresOf(row)[1]!),
          )
        : rocAucMulti(
            index,
            index.map((_, row) => scoresOf(row)),
            { multiClass: "ovr", average: "macro" },
          ),
  };
}
