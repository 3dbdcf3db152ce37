import { join, resolve } from "node:path";
import type { Tracking } from "./api.ts";
import { ArtifactFolder, checkArtifactPath } from "./artifact-folder.ts";
import { PostgresTrackingDatabase } from "./database/postgres-database.ts";
import { SqliteTrackingDatabase } from "./database/sqlite-database.ts";
import type { Database } from "./database/work.ts";
import { EmbeddedRegistry } from "./embedded-registry.ts";
import { EmbeddedRuns } from "./embedded-runs.ts";
import { TrackingError } from "./errors.ts";

/** Where a tracking store is. */
export interface TrackingPlace {
  /** Folder of `artifacts/`, and of the database `tracking.db` unless there is a `databaseUrl`. */
  readonly root: string;
  /** A PostgreSQL database instead: postgres://user:password@host:port/database. */
  readonly databaseUrl?: string | undefined;
}

/** The parts of an open store. */
export interface Store {
  readonly database: Database;
  readonly artifacts: ArtifactFolder;
}

/** Opens a store, creates what is missing. @throws TRACKING_SCHEMA_NEWER, TRACKING_STORE_FAILED */
export async function openStore({ root, databaseUrl }: TrackingPlace): Promise<Store> {
  const folder = resolve(root);
  const artifacts = new ArtifactFolder(join(folder, "artifacts"));
  if (databaseUrl === undefined)
    return { database: new SqliteTrackingDatabase(join(folder, "tracking.db")), artifacts };
  const database = new PostgresTrackingDatabase(databaseUrl);
  try {
    await database.ready();
  } catch (error) {
    await database.close();
    throw error;
  }
  return { database, artifacts };
}

/**
 * Opens tracking in a folder: `tracking.db` (SQLite, WAL) or a PostgreSQL database, and `artifacts/`. Creates what is
 * missing. What it holds is what `serveTracking` serves from the same place.
 * @throws TrackingError TRACKING_SCHEMA_NEWER when a newer program wrote the database; TRACKING_STORE_FAILED
 */
export async function openTracking(place: TrackingPlace): Promise<Tracking> {
  const { database, artifacts } = await openStore(place);
  const runs = new EmbeddedRuns(database);
  const registry = new EmbeddedRegistry(database);
  const placeOf = async (runId: string, path: string) => {
    checkArtifactPath(path);
    return `${artifacts.pathOf(await runs.artifactRoot(runId))}/${path}`;
  };
  return {
    startRun: (run) => runs.start(run),
    logBatch: (runId, batch) => runs.log(runId, batch),
    metricHistory: (runId, metric) => runs.history(runId, metric),
    logArtifact: async (runId, path, bytes) => artifacts.write(await placeOf(runId, path), bytes),
    readArtifact: async (runId, path) => {
      const file = await placeOf(runId, path);
      try {
        return await artifacts.read(file);
      } catch (error) {
        if (!(error instanceof TrackingError) || error.code !== "ARTIFACT_NOT_FOUND") throw error;
        throw noArtifact(runId, path, await artifacts.files(artifacts.pathOf(await runs.artifactRoot(runId))));
      }
    },
    listArtifacts: async (runId) => artifacts.files(artifacts.pathOf(await runs.artifactRoot(runId))),
    artifactUri: async (runId, path) => artifacts.url(await placeOf(runId, path)),
    logLineage: (runId, lineage) => runs.logLineage(runId, lineage),
    finishRun: (runId, status) => runs.finish(runId, status),
    getRun: (runId) => runs.get(runId),
    searchRuns: ({ experiment, limit = 100 }) => runs.search(experiment, limit),
    registerModel: (model) => registry.register(model),
    transitionStage: (transition) => registry.transition(transition),
    setModelAlias: (alias) => registry.setAlias(alias),
    updateModelDescription: (update) => registry.describe(update),
    deleteModelVersion: (version) => registry.delete(version),
    getModelVersion: (selector) => registry.get(selector),
    listModels: () => registry.list(),
    listModelVersions: (name) => registry.listVersions(name),
    versionLineage: (selector) => registry.lineage(selector),
    versionsFromTable: (table) => registry.fromTable(table),
    close: () => database.close(),
  };
}

/** The error of an artifact that a run does not have, with those that it has. */
export function noArtifact(runId: string, path: string, there: readonly string[]): TrackingError {
  return new TrackingError("ARTIFACT_NOT_FOUND", `Run ${runId} has no artifact "${path}".`, {
    field: "path",
    hint: there.length === 0 ? "It has no artifacts." : `It has: ${there.slice(0, 20).join(", ")}.`,
  });
}
