import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Deployed, DeploymentStatus, Deployments, DeployRequest } from "./api.ts";
import { withLock } from "./deployment-lock.ts";
import {
  type DeploymentRecord,
  readRecord,
  recordedModels,
  recordFile,
  removeRecord,
  writeRecord,
} from "./deployment-record.ts";
import { askPredictions, reloadModel } from "./endpoint.ts";
import { errnoOf, messageOf, ServingError } from "./errors.ts";
import { type PredictionWindow, readPredictions } from "./prediction-log.ts";
import { endpointOf, endServer, predictionsFolder, proveAlive, serverLogFile, startServer } from "./server-process.ts";
import { writeWhole } from "./whole-file.ts";

type Version = Pick<DeploymentRecord, "version" | "runId" | "modelPath">;

/**
 * Opens the deployments of a folder: `<model>.json` is the record of one, `models/<model>/<version>.bin` are its files,
 * `logs/` what the servers say, `predictions/` what they have predicted, `locks/` who deploys just now. Creates what is missing, starts nothing.
 */
export async function openDeployments({ root }: { readonly root: string }): Promise<Deployments> {
  const folder = resolve(root);
  await mkdir(folder, { recursive: true });
  return new LocalDeployments(folder);
}

class LocalDeployments implements Deployments {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async deploy(request: DeployRequest): Promise<Deployed> {
    const { model, version, runId } = request;
    checkModel(model);
    if (!Number.isSafeInteger(version) || version < 1)
      throw new ServingError("INVALID_ARGUMENT", `version is ${version}: expected a positive integer.`, {
        field: "version",
      });
    const bytes = "modelBytes" in request ? request.modelBytes : await readModel(request.modelPath);
    return await this.#locked(model, async () => {
      const record = await this.#record(model);
      const modelPath = join(this.#root, "models", model, `${version}.bin`);
      await keepModel(modelPath, bytes, record);
      const { now, changed } = await this.#serve(model, record, { version, runId, modelPath }, (before) =>
        before === null || before.version === version ? (before?.previous ?? null) : versionOf(before),
      );
      return {
        model,
        version,
        runId: now.runId,
        deploymentId: now.deploymentId,
        endpoint: endpointOf(now),
        previousVersion: now.previous?.version ?? null,
        alreadyDone: !changed,
      };
    });
  }

  async status(model: string): Promise<DeploymentStatus> {
    checkModel(model);
    return await statusOf(model, await this.#record(model));
  }

  async list(): Promise<DeploymentStatus[]> {
    return await Promise.all((await recordedModels(this.#root)).map((model) => this.status(model)));
  }

  async rollback(model: string, { key }: { readonly key?: string | undefined } = {}): Promise<DeploymentStatus> {
    checkModel(model);
    return await this.#locked(model, async () => {
      const record = await this.#record(model);
      if (record === null || (key !== undefined && record.rollbackKey === key)) return await statusOf(model, record);
      if (record.previous === null) {
        await endServer(record);
        await removeRecord(recordFile(this.#root, model));
        return await statusOf(model, null);
      }
      const { now } = await this.#serve(model, record, record.previous, () => null, key);
      return await statusOf(model, now);
    });
  }

  async stop(model: string): Promise<void> {
    checkModel(model);
    await this.#locked(model, async () => {
      const record = await this.#record(model);
      if (record === null) return;
      await endServer(record);
      // A server that did not answer, but lives, ends itself when it finds that the record names it no more.
      await writeRecord(recordFile(this.#root, model), { ...record, pid: null, deploymentId: null });
    });
  }

  async restore(): Promise<DeploymentStatus[]> {
    const models = await recordedModels(this.#root);
    const restored = await Promise.all(
      models.map(async (model) => {
        try {
          return await this.#locked(model, async () => {
            const record = await this.#record(model);
            if (record === null) return null;
            const { now, changed } = await this.#serve(model, record, versionOf(record), () => record.previous);
            return changed ? await statusOf(model, now) : null;
          });
        } catch (error) {
          const line = { at: new Date().toISOString(), event: "not restored", model, message: messageOf(error) };
          await mkdir(join(this.#root, "logs"), { recursive: true });
          await appendFile(serverLogFile(this.#root, model), `${JSON.stringify(line)}\n`);
          return null;
        }
      }),
    );
    return restored.filter((status) => status !== null);
  }

  async test(model: string, rows: Parameters<Deployments["test"]>[1]) {
    const { endpoint } = await this.status(model);
    return await askPredictions(model, endpoint, rows);
  }

  async predictions(model: string, window: PredictionWindow) {
    checkModel(model);
    return await readPredictions(predictionsFolder(this.#root, model), window);
  }

  /**
   * Brings the model's server, living or new, to a version and writes the record. Nothing is done when that is so already.
   * @param previousOf what the new record names as the version to go back to
   */
  async #serve(
    model: string,
    record: DeploymentRecord | null,
    { version, runId, modelPath }: Version,
    previousOf: (record: DeploymentRecord | null) => Version | null,
    rollbackKey?: string,
  ): Promise<{ now: RunningRecord; changed: boolean }> {
    const file = recordFile(this.#root, model);
    const health = record === null ? null : await proveAlive(record);
    const key = rollbackKey === undefined ? {} : { rollbackKey };
    if (record !== null && isRunning(record) && health !== null) {
      if (health.version === version && record.version === version) return { now: record, changed: false };
      await reloadModel(endpointOf(record), { version, modelPath });
      const { rollbackKey: _, ...rest } = record;
      const now = { ...rest, version, runId, modelPath, previous: previousOf(record), ...key };
      await writeRecord(file, now);
      return { now, changed: true };
    }
    const deploymentId = randomUUID();
    const server = await startServer({
      model,
      version,
      modelPath,
      deploymentId,
      wishedPort: record?.port ?? 0,
      recordFile: file,
      logFile: serverLogFile(this.#root, model),
      predictionsFolder: predictionsFolder(this.#root, model),
    });
    const now = {
      ...{ model, version, runId, modelPath, deploymentId, pid: server.pid, port: server.port },
      ...{ startedAt: new Date().toISOString(), previous: previousOf(record), ...key },
    };
    try {
      await writeRecord(file, now);
      server.release();
    } catch (error) {
      server.abandon();
      throw error;
    }
    return { now, changed: true };
  }

  async #record(model: string): Promise<DeploymentRecord | null> {
    return await readRecord(recordFile(this.#root, model));
  }

  async #locked<T>(model: string, work: () => Promise<T>): Promise<T> {
    return await withLock(join(this.#root, "locks"), model, work);
  }
}

type RunningRecord = DeploymentRecord & { readonly pid: number; readonly deploymentId: string };

function isRunning(record: DeploymentRecord): record is RunningRecord {
  return record.pid !== null && record.deploymentId !== null;
}

function versionOf({ version, runId, modelPath }: DeploymentRecord): Version {
  return { version, runId, modelPath };
}

async function statusOf(model: string, record: DeploymentRecord | null): Promise<DeploymentStatus> {
  const health = record === null ? null : await proveAlive(record);
  const running = record !== null && health !== null;
  return {
    model,
    running,
    healthy: running && health.version === record.version,
    version: record?.version ?? null,
    runId: record?.runId ?? null,
    previousVersion: record?.previous?.version ?? null,
    endpoint: running ? endpointOf(record) : null,
    pid: running ? record.pid : null,
    deploymentId: running ? record.deploymentId : null,
    startedAt: running ? record.startedAt : null,
  };
}

/** Keeps the model's file. A version that is served, or may be rolled back to, never changes. */
async function keepModel(file: string, bytes: Uint8Array, record: DeploymentRecord | null): Promise<void> {
  const there = await readFile(file).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  });
  if (there?.equals(bytes)) return;
  const inUse = [record?.modelPath, record?.previous?.modelPath].includes(file);
  if (there !== null && inUse)
    throw new ServingError(
      "MODEL_VERSION_CHANGED",
      `version of ${record?.model} was deployed before with another file than the one given: a version never changes.`,
      { field: "version", hint: "Register the model as a new version and deploy that." },
    );
  await writeWhole(file, bytes);
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ServingError("MODEL_FILE_UNREADABLE", `modelPath ${path} cannot be read: ${messageOf(error)}.`, {
      field: "modelPath",
      cause: error,
    });
  }
}

/** A model's name becomes the name of its record. */
function checkModel(model: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(model)) return;
  throw new ServingError(
    "INVALID_ARGUMENT",
    `model is ${JSON.stringify(model)}: expected letters, digits, "_", "-" and "." (at most 128), beginning with a letter, a digit or "_".`,
    { field: "model" },
  );
}
