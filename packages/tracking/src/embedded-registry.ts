import type {
  ModelVersion,
  ModelVersionSelector,
  RegisteredModel,
  RegisterModel,
  TransitionStage,
  VersionLineage,
} from "./api.ts";
import { checkedTags } from "./beginnings.ts";
import { all, type Database, one, type Work } from "./database/work.ts";
import { viewOf } from "./embedded-runs.ts";
import { TrackingError } from "./errors.ts";
import { lineageOf } from "./lineage.ts";
import { grouped } from "./store/grouped.ts";
import { type VersionRecord, type VersionRow, versionRecords, versionRow, versionsOf } from "./store/model-versions.ts";
import { insertModel, lockModel, modelRow } from "./store/registered-models.ts";
import { getRun, runRow } from "./store/runs.ts";
import {
  createVersion,
  deleteVersion,
  describeVersion,
  getVersion,
  noVersion,
  setAlias,
  stageOf,
  transitionVersion,
  versionOfAlias,
} from "./store/version-changes.ts";
import { modelView, record, versionView } from "./views.ts";

/** The file of a run's artifacts that a version registered here means. */
const MODEL = "model";

/** Names, their versions, stages and aliases, in the embedded store. */
export class EmbeddedRegistry {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async register(asked: RegisterModel): Promise<ModelVersion & { alreadyDone: boolean }> {
    const { name, runId, description = "", key } = asked;
    const pairs = checkedTags(asked);
    return await this.#database.write(function* () {
      const { artifact_uri: root } = yield* runRow(runId);
      yield* insertModel(name);
      const { version, known } = yield* createVersion({
        name,
        source: `runs:/${runId}/${MODEL}`,
        storageLocation: `${root}/${MODEL}`,
        runId,
        runLink: "",
        description,
        tags: pairs,
        key: key ?? null,
      });
      return { ...versionView(version), alreadyDone: known };
    });
  }

  async transition({ name, version, stage, archiveExisting, aliases = [] }: TransitionStage): Promise<{
    version: ModelVersion;
    archived: number[];
  }> {
    const meant = stageOf(String(stage));
    return await this.#database.write(function* () {
      const { archived } = yield* transitionVersion(name, version, meant, archiveExisting);
      for (const alias of aliases) yield* setAlias(name, version, alias);
      return { version: versionView(yield* getVersion(name, version)), archived };
    });
  }

  setAlias({ name, version, alias }: { name: string; version: number; alias: string }): Promise<ModelVersion> {
    return this.#database.write(function* () {
      return versionView(yield* setAlias(name, version, alias));
    });
  }

  describe({
    name,
    version,
    description,
  }: {
    name: string;
    version: number;
    description: string;
  }): Promise<ModelVersion> {
    return this.#database.write(function* () {
      return versionView(yield* describeVersion(name, version, description));
    });
  }

  delete({ name, version }: { name: string; version: number }): Promise<boolean> {
    return this.#database.write(function* () {
      // Before it is looked at: between the look and the deletion it must not be promoted.
      yield* lockModel(name);
      const there = yield* versionRow(name, version);
      if (there === undefined) {
        const { last_version: last } = yield* modelRow(name);
        // A number that was given once and is gone: an earlier call deleted it.
        if (Number.isInteger(version) && version >= 1 && version <= last) return false;
        throw yield* noVersion(
          name,
          `version ${version}`,
          "version",
          `Model Version (name=${name}, version=${version}) not found`,
        );
      }
      if (there.stage === "production") throw inProduction(name, version);
      yield* deleteVersion(name, version);
      return true;
    });
  }

  get(selector: ModelVersionSelector): Promise<ModelVersion> {
    return this.#database.read(function* () {
      return versionView(yield* selected(selector));
    });
  }

  list(): Promise<RegisteredModel[]> {
    return this.#database.read(function* () {
      const names = yield* all<{ name: string }>("SELECT name FROM registered_models ORDER BY name");
      const rows = yield* all<VersionRow>("SELECT * FROM model_versions ORDER BY version DESC");
      const versions = grouped((yield* versionRecords(rows)).map(versionView), ({ name }) => name);
      return names.map(({ name }) => modelView(name, versions.get(name) ?? []));
    });
  }

  listVersions(name: string): Promise<ModelVersion[]> {
    return this.#database.read(function* () {
      return (yield* versionsOf(name)).map(versionView);
    });
  }

  lineage(selector: ModelVersionSelector): Promise<VersionLineage> {
    return this.#database.read(function* () {
      const version = versionView(yield* selected(selector));
      const there = yield* one("SELECT 1 FROM runs WHERE run_id = ?", version.runId);
      if (there === undefined) return { version, run: null, ...lineageOf({}, []) };
      const run = yield* getRun(version.runId);
      return { version, run: yield* viewOf(run), ...lineageOf(record(run.tags), run.datasets) };
    });
  }

  fromTable({ table, version }: { table: string; version?: number | undefined }): Promise<ModelVersion[]> {
    return this.#database.read(function* () {
      const rows = yield* all<VersionRow>(
        `SELECT v.* FROM model_versions v WHERE EXISTS (
           SELECT 1 FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset_id
           WHERE i.run_id = v.run_id AND d.source_type = 'delta_table' AND d.name = ?${version === undefined ? "" : " AND d.digest = ?"})
         ORDER BY v.name, v.version DESC`,
        table,
        ...(version === undefined ? [] : [String(version)]),
      );
      return (yield* versionRecords(rows)).map(versionView);
    });
  }
}

/** The error of deleting what is in use. */
export function inProduction(name: string, version: number): TrackingError {
  return new TrackingError(
    "MODEL_VERSION_IN_PRODUCTION",
    `Version ${version} of model "${name}" is in production and cannot be deleted.`,
    { field: "version", hint: "Move it to another stage first, or put another version into production." },
  );
}

function* selected(selector: ModelVersionSelector): Work<VersionRecord> {
  const { name } = selector;
  yield* modelRow(name);
  if ("version" in selector) return yield* getVersion(name, selector.version);
  if ("alias" in selector) {
    try {
      return yield* versionOfAlias(name, selector.alias);
    } catch (error) {
      if (!(error instanceof TrackingError) || error.code !== "ALIAS_NOT_FOUND") throw error;
      throw yield* noVersion(name, `version with the alias "${selector.alias}"`, "alias", error.mlflow);
    }
  }
  const [highest] = (yield* versionsOf(name)).filter(({ row }) => row.stage === selector.stage);
  if (highest !== undefined) return highest;
  const what = `version in stage "${selector.stage}"`;
  throw yield* noVersion(name, what, "stage", `Model "${name}" has no ${what}.`);
}
