import { readFile } from "node:fs/promises";
import { z } from "zod";
import { messageOf, ServingError } from "./errors.ts";

/** A row of features by name, as raw as the model takes them; null is a missing value. */
export type FeatureRow = Readonly<Record<string, number | string | null>>;

/** What a model says of one row: the class or number, and the probability of each class by its name. */
export interface Prediction {
  readonly prediction: number;
  readonly probabilities: Readonly<Record<string, number>>;
}

/** What the prediction server needs of a model. */
export interface PredictiveModel {
  readonly featureNames: readonly string[];
  /** Those of the features that are texts; the others are numbers. */
  readonly textFeatures?: readonly string[];
  predictRow(row: FeatureRow): Prediction;
}

/** Makes a model of a file's bytes; throws when they are none. */
export type ModelLoader = (bytes: Uint8Array) => PredictiveModel;

/** A model that has proved it can predict, and the check of its rows. */
export interface ServedModel {
  readonly version: number;
  readonly row: z.ZodType<FeatureRow>;
  predict(row: FeatureRow): Prediction;
}

/**
 * Loads a model's file and warms it by one prediction over zeros.
 * @throws ServingError MODEL_FILE_UNREADABLE, MODEL_INVALID
 */
export async function loadServedModel(load: ModelLoader, modelPath: string, version: number): Promise<ServedModel> {
  const bytes = await readFile(modelPath).catch((error: unknown) => {
    throw new ServingError("MODEL_FILE_UNREADABLE", `modelPath ${modelPath} cannot be read: ${messageOf(error)}.`, {
      field: "modelPath",
      cause: error,
    });
  });
  try {
    // A plain array: of a Node Buffer `slice` would be a view, not a copy.
    const model = load(new Uint8Array(bytes));
    const texts = new Set(model.textFeatures);
    const zeros = model.featureNames.map((name) => [name, texts.has(name) ? null : 0] as const);
    const warm = model.predictRow(Object.fromEntries(zeros));
    if (!Number.isFinite(warm.prediction)) throw new Error(`it predicts ${warm.prediction} for a row of zeros`);
    const [text, number] = [z.string().nullable(), z.number().nullable()];
    const fieldOf = (name: string): z.ZodType<number | string | null> => (texts.has(name) ? text : number);
    const row = z.strictObject(Object.fromEntries(model.featureNames.map((name) => [name, fieldOf(name)])));
    return { version, row, predict: (features) => model.predictRow(features) };
  } catch (error) {
    throw new ServingError("MODEL_INVALID", `modelPath ${modelPath} holds no usable model: ${messageOf(error)}`, {
      field: "modelPath",
      cause: error,
    });
  }
}
