import type {
  ModelStage,
  ModelVersion,
  ModelVersionSelector,
  RegisteredModel,
  RegisterModel,
  TransitionStage,
} from "./api.ts";
import { MODEL_STAGES } from "./api.ts";
import type { Database } from "./database.ts";
import { TrackingError } from "./errors.ts";
import { nearestNames } from "./nearest-names.ts";
import { checkName, isoTime, type Runs } from "./runs.ts";

interface VersionRow {
  name: string;
  version: number;
  run_id: string;
  stage: ModelStage;
  description: string;
  tags: string;
  created_ms: number;
  updated_ms: number;
}

/** Names, their versions, stages and aliases, in the database. */
export class ModelRegistry {
  readonly #database: Database;
  readonly #runs: Runs;

  constructor(database: Database, runs: Runs) {
    this.#database = database;
    this.#runs = runs;
  }

  register({ name, runId, description = "", tags = {}, key }: RegisterModel): ModelVersion & { alreadyDone: boolean } {
    checkModelName(name);
    if (key !== undefined) checkName("key", key);
    return this.#database.write(() => {
      const known = key === undefined ? undefined : this.#byKey(key, name);
      if (known !== undefined) return { ...this.#view(known), alreadyDone: true };
      this.#runs.require(runId);
      this.#database.run("INSERT INTO models (name, last_version) VALUES (?, 0) ON CONFLICT DO NOTHING", name);
      this.#database.run("UPDATE models SET last_version = last_version + 1 WHERE name = ?", name);
      const version = this.#lastVersion(name);
      const now = Date.now();
      this.#database.run(
        `INSERT INTO model_versions (name, version, run_id, description, tags, created_ms, updated_ms, key)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        name,
        version,
        runId,
        description,
        JSON.stringify(tags),
        now,
        now,
        key ?? null,
      );
      return { ...this.#view(this.#row(name, version)), alreadyDone: false };
    });
  }

  #byKey(key: string, name: string): VersionRow | undefined {
    const row = this.#database.one<VersionRow>("SELECT * FROM model_versions WHERE key = ?", key);
    if (row === undefined || row.name === name) return row;
    throw new TrackingError(
      "KEY_ALREADY_USED",
      `key "${key}" belongs to version ${row.version} of model "${row.name}": it cannot register "${name}" too.`,
      { field: "key" },
    );
  }

  transition({ name, version, stage, archiveExisting }: TransitionStage): {
    version: ModelVersion;
    archived: number[];
  } {
    if (!MODEL_STAGES.includes(stage))
      throw new TrackingError(
        "INVALID_ARGUMENT",
        `stage is ${JSON.stringify(stage)}: expected one of ${MODEL_STAGES.join(", ")}.`,
        { field: "stage" },
      );
    return this.#database.write(() => {
      const before = this.#row(name, version);
      const now = Date.now();
      if (before.stage !== stage)
        this.#database.run(
          "UPDATE model_versions SET replaced_by = NULL WHERE name = ? AND replaced_by = ?",
          name,
          version,
        );
      if (archiveExisting && (stage === "production" || stage === "staging"))
        this.#database.run(
          `UPDATE model_versions SET stage = 'archived', replaced_by = ?, updated_ms = ?
           WHERE name = ? AND stage = ? AND version <> ?`,
          version,
          now,
          name,
          stage,
          version,
        );
      if (before.stage !== stage)
        this.#database.run(
          "UPDATE model_versions SET stage = ?, replaced_by = NULL, updated_ms = ? WHERE name = ? AND version = ?",
          stage,
          now,
          name,
          version,
        );
      const archived =
        archiveExisting && (stage === "production" || stage === "staging") ? this.#replacedBy(name, version) : [];
      return { version: this.#view(this.#row(name, version)), archived };
    });
  }

  /** Asked again after a lost answer, a transition must name the versions it archived the first time. */
  #replacedBy(name: string, version: number): number[] {
    return this.#database
      .all<{ version: number }>(
        "SELECT version FROM model_versions WHERE name = ? AND replaced_by = ? AND stage = 'archived' ORDER BY version",
        name,
        version,
      )
      .map((row) => row.version);
  }

  setAlias({ name, version, alias }: { name: string; version: number; alias: string }): ModelVersion {
    checkName("alias", alias);
    return this.#database.write(() => {
      this.#row(name, version);
      this.#database.run(
        `INSERT INTO model_aliases (name, alias, version) VALUES (?, ?, ?)
         ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version`,
        name,
        alias,
        version,
      );
      return this.#view(this.#row(name, version));
    });
  }

  describe({ name, version, description }: { name: string; version: number; description: string }): ModelVersion {
    return this.#database.write(() => {
      this.#row(name, version);
      this.#database.run(
        "UPDATE model_versions SET description = ?, updated_ms = ? WHERE name = ? AND version = ? AND description <> ?",
        description,
        Date.now(),
        name,
        version,
        description,
      );
      return this.#view(this.#row(name, version));
    });
  }

  delete({ name, version }: { name: string; version: number }): boolean {
    return this.#database.write(() => {
      const there = this.#database.one<VersionRow>(
        "SELECT * FROM model_versions WHERE name = ? AND version = ?",
        name,
        version,
      );
      if (there === undefined) {
        // A number that was given once and is gone: an earlier call deleted it.
        if (Number.isInteger(version) && version >= 1 && version <= this.#lastVersion(name)) return false;
        throw this.#noVersion(name, `version ${version}`, "version");
      }
      if (there.stage === "production")
        throw new TrackingError(
          "MODEL_VERSION_IN_PRODUCTION",
          `Version ${version} of model "${name}" is in production and cannot be deleted.`,
          { field: "version", hint: "Move it to another stage first, or put another version into production." },
        );
      this.#database.run("DELETE FROM model_versions WHERE name = ? AND version = ?", name, version);
      return true;
    });
  }

  get(selector: ModelVersionSelector): ModelVersion {
    return this.#database.read(() => {
      const { name } = selector;
      this.#lastVersion(name);
      if ("version" in selector) return this.#view(this.#row(name, selector.version));
      const row =
        "stage" in selector
          ? this.#database.one<VersionRow>(
              "SELECT * FROM model_versions WHERE name = ? AND stage = ? ORDER BY version DESC LIMIT 1",
              name,
              selector.stage,
            )
          : this.#database.one<VersionRow>(
              "SELECT v.* FROM model_versions v JOIN model_aliases USING (name, version) WHERE name = ? AND alias = ?",
              name,
              selector.alias,
            );
      if (row !== undefined) return this.#view(row);
      throw "stage" in selector
        ? this.#noVersion(name, `version in stage "${selector.stage}"`, "stage")
        : this.#noVersion(name, `version with the alias "${selector.alias}"`, "alias");
    });
  }

  list(): RegisteredModel[] {
    return this.#database.read(() =>
      this.#names().map((name) => {
        const versions = this.#versions(name);
        return {
          name,
          latest: versions[0]?.version ?? null,
          production: versions.find(({ stage }) => stage === "production")?.version ?? null,
          versions,
        };
      }),
    );
  }

  listVersions(name: string): ModelVersion[] {
    return this.#database.read(() => this.#versions(name));
  }

  #versions(name: string): ModelVersion[] {
    return this.#database
      .all<VersionRow>("SELECT * FROM model_versions WHERE name = ? ORDER BY version DESC", name)
      .map((row) => this.#view(row));
  }

  #names(): string[] {
    return this.#database.all<{ name: string }>("SELECT name FROM models ORDER BY name").map(({ name }) => name);
  }

  /** @throws MODEL_NOT_FOUND */
  #lastVersion(name: string): number {
    const model = this.#database.one<{ last_version: number }>("SELECT last_version FROM models WHERE name = ?", name);
    if (model !== undefined) return model.last_version;
    const names = this.#names();
    const near = nearestNames(name, names);
    throw new TrackingError("MODEL_NOT_FOUND", `There is no registered model "${name}".`, {
      field: "name",
      hint:
        near.length > 0
          ? `Did you mean ${near.map((one) => `"${one}"`).join(" or ")}?`
          : names.length === 0
            ? "No model is registered yet."
            : `Registered: ${names.slice(0, 10).join(", ")}.`,
    });
  }

  #row(name: string, version: number): VersionRow {
    const row = this.#database.one<VersionRow>(
      "SELECT * FROM model_versions WHERE name = ? AND version = ?",
      name,
      version,
    );
    if (row !== undefined) return row;
    this.#lastVersion(name);
    throw this.#noVersion(name, `version ${version}`, "version");
  }

  #noVersion(name: string, what: string, field: string): TrackingError {
    const there = this.#versions(name).map(({ version, stage }) =>
      stage === "none" ? `${version}` : `${version} (${stage})`,
    );
    return new TrackingError("MODEL_VERSION_NOT_FOUND", `Model "${name}" has no ${what}.`, {
      field,
      hint: there.length === 0 ? "It has no versions." : `It has: ${there.slice(0, 10).join(", ")}.`,
    });
  }

  #view(row: VersionRow): ModelVersion {
    const aliases = this.#database.all<{ alias: string }>(
      "SELECT alias FROM model_aliases WHERE name = ? AND version = ? ORDER BY alias",
      row.name,
      row.version,
    );
    const tags: Record<string, string> = JSON.parse(row.tags);
    return {
      name: row.name,
      version: row.version,
      runId: row.run_id,
      stage: row.stage,
      aliases: aliases.map(({ alias }) => alias),
      description: row.description,
      tags,
      createdAt: isoTime(row.created_ms),
      updatedAt: isoTime(row.updated_ms),
    };
  }
}

/** A model's name becomes a file's name where it is served. */
function checkModelName(name: string): void {
  if (typeof name === "string" && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)) return;
  throw new TrackingError(
    "INVALID_ARGUMENT",
    `name is ${JSON.stringify(name)}: expected letters, digits, "_", "-" and "." (at most 128), beginning with a letter, a digit or "_".`,
    { field: "name" },
  );
}
