import { z } from "zod";

/** `GET /health` of a prediction server. */
export const Health = z.object({
  status: z.literal("ok"),
  model: z.string(),
  version: z.number().int(),
  pid: z.number().int(),
  deploymentId: z.string(),
  uptimeSeconds: z.number(),
});
export type Health = z.infer<typeof Health>;

/** One prediction as it is answered. */
const PredictionView = z.object({ prediction: z.number(), probabilities: z.record(z.string(), z.number()) });

/** `POST /predict/batch` answers. */
export const BatchAnswer = z.object({
  predictions: z.array(PredictionView),
  model: z.string(),
  version: z.number().int(),
  latencyMs: z.number(),
});

/** `POST /reload-model` takes. */
export const ReloadRequest = z.strictObject({ version: z.number().int().min(1), modelPath: z.string().min(1) });

/** What every refused request is answered with. */
export const ErrorAnswer = z.object({ code: z.string(), message: z.string(), field: z.string().nullable() });

/** A request with this header is answered, and not written down as a prediction. */
export const TEST_HEADER = "x-dagwright-test";
