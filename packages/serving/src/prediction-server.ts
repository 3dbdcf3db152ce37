import { resolve, sep } from "node:path";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { messageOf, ServingError } from "./errors.ts";
import type { PredictionLog } from "./prediction-log.ts";
import { checkBody } from "./request-check.ts";
import { type FeatureRow, loadServedModel, type ModelLoader, type Prediction } from "./served-model.ts";
import { type Health, ReloadRequest, TEST_HEADER } from "./wire.ts";

/** What a prediction server serves, and as whom. */
interface PredictionServerOptions {
  readonly model: string;
  readonly version: number;
  readonly modelPath: string;
  /** `/reload-model` reads files below this folder only. */
  readonly modelFolder: string;
  readonly deploymentId: string;
  readonly load: ModelLoader;
  /** Takes note of every answered row. @default nothing does */
  readonly predictions?: PredictionLog | undefined;
  /** Told of what no client sees: reloads, and faults of the server. */
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
const MAX_ROWS = 100_000;

/**
 * A prediction server, not yet listening: `POST /predict`, `POST /predict/batch`, `POST /reload-model`, `GET /health`.
 * A refused request is answered `{ code, message, field }`.
 * @throws ServingError MODEL_FILE_UNREADABLE, MODEL_INVALID
 */
export async function createPredictionServer(options: PredictionServerOptions): Promise<FastifyInstance> {
  const { model, deploymentId, load, log, predictions: predictionLog } = options;
  const folder = resolve(options.modelFolder);
  // The one reference a reload swaps; a request under way keeps the model it began with.
  let served = await loadServedModel(load, options.modelPath, options.version);
  // Loaded here: who only asks after deployments, as every verb and worker does at its start, is spared it.
  const { default: Fastify } = await import("fastify");
  const app = Fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true });

  app.post("/predict", ({ body, headers }) => {
    const started = performance.now();
    const now = served;
    const { features } = checkBody(z.strictObject({ features: now.row }), body);
    const { prediction, probabilities } = predictAll(now.predict, [features])[0]!;
    if (headers[TEST_HEADER] === undefined)
      predictionLog?.record([features], [{ prediction, probabilities }], now.version);
    return { prediction, probabilities, model, version: now.version, latencyMs: elapsedMs(started) };
  });

  app.post("/predict/batch", ({ body, headers }) => {
    const started = performance.now();
    const now = served;
    const { rows } = checkBody(z.strictObject({ rows: z.array(now.row).min(1).max(MAX_ROWS) }), body);
    const predictions = predictAll(now.predict, rows);
    if (headers[TEST_HEADER] === undefined) predictionLog?.record(rows, predictions, now.version);
    return { predictions, model, version: now.version, latencyMs: elapsedMs(started) };
  });

  app.post("/reload-model", async ({ body }) => {
    const { version, modelPath } = checkBody(ReloadRequest, body);
    const path = resolve(modelPath);
    if (!path.startsWith(folder + sep))
      throw new ServingError("MODEL_PATH_OUTSIDE", `modelPath ${modelPath} is not below ${folder}.`, {
        field: "modelPath",
      });
    const started = performance.now();
    const next = await loadServedModel(load, path, version);
    const previousVersion = served.version;
    served = next;
    log("reloaded", { model, version, previousVersion });
    return { model, version, previousVersion, latencyMs: elapsedMs(started) };
  });

  app.get(
    "/health",
    (): Health => ({
      status: "ok",
      model,
      version: served.version,
      pid: process.pid,
      deploymentId,
      uptimeSeconds: Math.round(process.uptime() * 1000) / 1000,
    }),
  );

  app.addHook("onClose", async () => predictionLog?.close());
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.code(404).send({ code: "NOT_FOUND", message: `There is no ${method} ${url}.`, field: null }),
  );
  app.setErrorHandler((error, { method, url }, reply) => {
    if (error instanceof ServingError) {
      const { code, message, field = null } = error;
      return reply.code(400).send({ code, message, field });
    }
    const status = statusOf(error);
    if (status < 500)
      return reply.code(status).send({ code: "INVALID_REQUEST", message: messageOf(error), field: null });
    log("fault", { request: `${method} ${url}`, message: messageOf(error) });
    return reply.code(500).send({ code: "INTERNAL_ERROR", message: messageOf(error), field: null });
  });
  return app;
}

function predictAll(predict: (row: FeatureRow) => Prediction, rows: readonly FeatureRow[]): Prediction[] {
  return rows.map((row) => {
    const { prediction, probabilities } = predict(row);
    return { prediction, probabilities };
  });
}

/** Milliseconds since a moment of `performance.now()`, to the microsecond. */
function elapsedMs(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}

/** The status Fastify gave an error of its own (bad JSON, wrong media type, too large); 500 for any other. */
function statusOf(error: unknown): number {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" ? status : 500;
}
