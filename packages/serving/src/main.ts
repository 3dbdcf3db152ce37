/** The process of one prediction server. Started by `openDeployments`, which tells it everything by arguments. */
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { loadModel } from "@dagwright/learn";
import type { FastifyInstance } from "fastify";
import { readRecord } from "./deployment-record.ts";
import { errnoOf, messageOf, ServingError } from "./errors.ts";
import { openPredictionLog } from "./prediction-log.ts";
import { createPredictionServer } from "./prediction-server.ts";
import type { StartMessage } from "./server-process.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    version: { type: "string" },
    "model-path": { type: "string" },
    "deployment-id": { type: "string" },
    port: { type: "string" },
    record: { type: "string" },
    predictions: { type: "string" },
  },
});
const model = values.model ?? "";
const deploymentId = values["deployment-id"] ?? "";
const modelPath = values["model-path"] ?? "";
const recordFile = values.record ?? "";

const RECORD_CHECK_MS = 2_000;
const CLOSE_LIMIT_MS = 3_000;

function log(event: string, fields: Record<string, unknown>): void {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), pid: process.pid, event, ...fields })}\n`);
}

function tellParent(message: StartMessage): void {
  // The parent may be gone already: then there is nobody to tell.
  if (process.connected) process.send?.(message, () => undefined);
}

/** Listens on the wished port if it is free, else on any. */
async function listen(app: FastifyInstance, wished: number): Promise<number> {
  try {
    await app.listen({ host: "127.0.0.1", port: wished });
  } catch (error) {
    if (errnoOf(error) !== "EADDRINUSE" && errnoOf(error) !== "EACCES") throw error;
    await app.listen({ host: "127.0.0.1", port: 0 });
  }
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}

function endOn(app: FastifyInstance): (reason: string) => void {
  let ending = false;
  return (reason) => {
    if (ending) return;
    ending = true;
    log("ending", { model, deploymentId, reason });
    setTimeout(() => process.exit(0), CLOSE_LIMIT_MS).unref();
    void app.close().finally(() => process.exit(0));
  };
}

/**
 * Ends the server once its record is gone or names another, for nobody would ever end it otherwise. The parent holds the
 * channel until it has written the record; when it dies before that, the record never names this server.
 */
function watchRecord(end: (reason: string) => void): void {
  let strangeChecks = 0;
  const check = async () => {
    const record = await readRecord(recordFile).catch(() => null);
    strangeChecks = record?.deploymentId === deploymentId ? 0 : strangeChecks + 1;
    if (strangeChecks >= 2) end("the record does not name this server");
  };
  const watch = () => setInterval(() => void check(), RECORD_CHECK_MS);
  if (process.connected) process.once("disconnect", watch);
  else watch();
}

try {
  const app = await createPredictionServer({
    model,
    version: Number(values.version),
    modelPath,
    modelFolder: dirname(modelPath),
    deploymentId,
    load: loadModel,
    predictions: openPredictionLog({ folder: values.predictions ?? "", log }),
    log,
  });
  const port = await listen(app, Number(values.port));
  const end = endOn(app);
  process.on("SIGTERM", () => end("SIGTERM"));
  process.on("SIGINT", () => end("SIGINT"));
  watchRecord(end);
  log("serving", { model, version: Number(values.version), deploymentId, port });
  tellParent({ port });
} catch (error) {
  const code = error instanceof ServingError ? error.code : "SERVER_START_FAILED";
  log("failed", { model, deploymentId, code, message: messageOf(error) });
  process.exitCode = 1;
  tellParent({ failure: { code, message: messageOf(error) } });
  if (process.connected) process.disconnect();
}
