import { z } from "zod";
import {
  MODEL_STAGES,
  type ModelVersion,
  type ModelVersionSelector,
  type RegisteredModel,
  type RegisterModel,
  type TransitionStage,
  type VersionLineage,
} from "../api.ts";
import { checkedTags } from "../beginnings.ts";
import { inProduction } from "../embedded-registry.ts";
import { invalid, TrackingError } from "../errors.ts";
import { lineageOf, reads } from "../lineage.ts";
import { modelNotFound } from "../model-not-found.ts";
import { checkNewAlias } from "../store/checks.ts";
import { grouped } from "../store/grouped.ts";
import type { VersionRecord } from "../store/model-versions.ts";
import { KEY_TAG } from "../store/runs.ts";
import { modelView, record, versionView } from "../views.ts";
import { type MlflowHttp, MlflowRefusal, meaning, quoted } from "./mlflow-http.ts";
import { Model, Version } from "./mlflow-records.ts";
import type { MlflowRuns } from "./mlflow-runs.ts";

/** The version whose promotion sent this one to the archive; kept so that a repeated promotion answers the same. */
const REPLACED_BY = "dagwright.replaced_by";
/** At a model: the highest version that was ever deleted, which MLflow itself does not tell. */
const DELETED = "dagwright.deleted";
/** The folder of a run's artifacts that a version registered here means. */
const MODEL = "model";

const PAGE = 1_000;
const MOST_RUN_IDS = 100;

const OneModel = z.object({ registered_model: Model });
const OneVersion = z.object({ model_version: Version });

/** Names, their versions, stages and aliases, on an MLflow server. */
export class MlflowRegistry {
  readonly #http: MlflowHttp;
  readonly #runs: MlflowRuns;

  constructor(http: MlflowHttp, runs: MlflowRuns) {
    this.#http = http;
    this.#runs = runs;
  }

  async register(asked: RegisterModel): Promise<ModelVersion & { alreadyDone: boolean }> {
    const { name, runId, description = "", key } = asked;
    const pairs = checkedTags(asked);
    const known = key === undefined ? undefined : await this.#ofKey(key, name);
    if (known !== undefined) return { ...(await this.#version(name, known)), alreadyDone: true };
    await this.#runs.record(runId);
    await meaning(this.#http.tell("POST", "/registered-models/create", { name }), (refusal) => refusal).catch(
      (refusal: unknown) => {
        // Another version, or another process, has made the name.
        if (!(refusal instanceof MlflowRefusal) || refusal.errorCode !== "RESOURCE_ALREADY_EXISTS") throw refusal;
      },
    );
    const { model_version: made } = await this.#http.ask(
      "POST",
      "/model-versions/create",
      {
        name,
        source: `runs:/${runId}/${MODEL}`,
        run_id: runId,
        description,
        tags: key === undefined ? pairs : [...pairs, { key: KEY_TAG, value: key }],
      },
      OneVersion,
    );
    const { version } = made.row;
    // Of several processes that registered under one key the first wins; what the others made is deleted.
    const first = key === undefined ? version : ((await this.#ofKey(key, name)) ?? version);
    if (first !== version) await this.#delete(name, version);
    return { ...(await this.#version(name, first)), alreadyDone: first !== version };
  }

  /** The lowest version of a key. @throws KEY_ALREADY_USED */
  async #ofKey(key: string, name: string): Promise<number | undefined> {
    const found = await this.#searched(`tags.\`${KEY_TAG}\` = ${quoted(key)}`);
    const others = found.find(({ row }) => row.name !== name);
    if (others !== undefined)
      throw new TrackingError(
        "KEY_ALREADY_USED",
        `key "${key}" belongs to version ${others.row.version} of model "${others.row.name}": it cannot register "${name}" too.`,
        { field: "key" },
      );
    return found.length === 0 ? undefined : Math.min(...found.map(({ row }) => row.version));
  }

  async #searched(filter: string): Promise<VersionRecord[]> {
    const found: VersionRecord[] = [];
    const fields = { filter, max_results: PAGE };
    for await (const page of this.#http.pages("GET", "/model-versions/search", fields, "model_versions", Version))
      found.push(...page);
    return found;
  }

  async #model(name: string): Promise<z.output<typeof Model>> {
    try {
      return (await this.#http.ask("GET", "/registered-models/get", { name }, OneModel)).registered_model;
    } catch (error) {
      if (
        !(error instanceof MlflowRefusal) ||
        !["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"].includes(error.errorCode)
      )
        throw error;
      const names = (await this.#models()).map((model) => model.name);
      throw modelNotFound(name, names);
    }
  }

  async #models(): Promise<z.output<typeof Model>[]> {
    const found: z.output<typeof Model>[] = [];
    const fields = { max_results: PAGE, order_by: ["name ASC"] };
    for await (const page of this.#http.pages("GET", "/registered-models/search", fields, "registered_models", Model))
      found.push(...page);
    return found;
  }

  /** Versions of a name that is there, the newest first, with their aliases. */
  async #versions(model: z.output<typeof Model>): Promise<ModelVersion[]> {
    return withAliases(model, await this.#searched(`name = ${quoted(model.name)}`));
  }

  /** @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
  async #version(name: string, version: number): Promise<ModelVersion> {
    const model = await this.#model(name);
    const there = await this.#versions(model);
    const found = there.find((one) => one.version === version);
    if (found === undefined) throw noVersion(name, `version ${version}`, "version", there);
    return found;
  }

  async transition({ name, version, stage, archiveExisting, aliases = [] }: TransitionStage): Promise<{
    version: ModelVersion;
    archived: number[];
  }> {
    for (const alias of aliases) checkNewAlias(alias);
    if (!MODEL_STAGES.includes(stage)) throw invalid("stage", stage, `one of ${MODEL_STAGES.join(", ")}`);
    const model = await this.#model(name);
    const there = await this.#versions(model);
    const before = there.find((one) => one.version === version);
    if (before === undefined) throw noVersion(name, `version ${version}`, "version", there);
    const archives = archiveExisting && (stage === "production" || stage === "staging");
    if (before.stage !== stage) {
      for (const one of there)
        if (one.tags[REPLACED_BY] === String(version) || one.version === version) await this.#forget(one);
      await this.#move(name, version, stage, archives);
    }
    if (archives) await this.#archiveOthers(name, version, stage, there);
    for (const alias of aliases)
      await this.#http.tell("POST", "/registered-models/alias", { name, alias, version: String(version) });
    const now = await this.#versions(aliases.length === 0 ? model : await this.#model(name));
    return {
      version: shown(now.find((one) => one.version === version) ?? before),
      archived: archives
        ? now
            .filter((one) => one.stage === "archived" && one.tags[REPLACED_BY] === String(version))
            .map((one) => one.version)
            .sort((a, b) => a - b)
        : [],
    };
  }

  async #move(name: string, version: number, stage: string, archive: boolean): Promise<void> {
    await this.#http.tell("POST", "/model-versions/transition-stage", {
      name,
      version: String(version),
      stage: stage.charAt(0).toUpperCase() + stage.slice(1),
      archive_existing_versions: archive,
    });
  }

  /**
   * Notes what a promotion archived, and archives what came into the stage beside it: MLflow's server lets two
   * promotions at once pass each other. Whoever looks last sees both, and keeps the one that was moved last.
   */
  async #archiveOthers(name: string, version: number, stage: string, before: readonly ModelVersion[]): Promise<void> {
    const now = await this.#searched(`name = ${quoted(name)}`);
    const inStage = now.filter(({ row }) => row.stage === stage);
    const last = inStage.reduce<VersionRecord | undefined>(
      (latest, one) =>
        latest === undefined ||
        one.row.updated_ms > latest.row.updated_ms ||
        (one.row.updated_ms === latest.row.updated_ms && one.row.version > latest.row.version)
          ? one
          : latest,
      undefined,
    );
    for (const { row } of inStage)
      if (last !== undefined && row.version !== last.row.version)
        await this.#move(name, row.version, "archived", false);
    if (last?.row.version !== version) return;
    const replaced = [
      ...before.filter((one) => one.stage === stage && one.version !== version).map((one) => one.version),
      ...inStage.filter(({ row }) => row.version !== version).map(({ row }) => row.version),
    ];
    for (const one of new Set(replaced))
      await this.#http.tell("POST", "/model-versions/set-tag", {
        name,
        version: String(one),
        key: REPLACED_BY,
        value: String(version),
      });
  }

  async #forget({ name, version, tags }: ModelVersion): Promise<void> {
    if (tags[REPLACED_BY] === undefined) return;
    await this.#http.tell("DELETE", "/model-versions/delete-tag", { name, version: String(version), key: REPLACED_BY });
  }

  async setAlias({ name, version, alias }: { name: string; version: number; alias: string }): Promise<ModelVersion> {
    checkNewAlias(alias);
    await this.#version(name, version);
    await this.#http.tell("POST", "/registered-models/alias", { name, alias, version: String(version) });
    return shown(await this.#version(name, version));
  }

  async describe({
    name,
    version,
    description,
  }: {
    name: string;
    version: number;
    description: string;
  }): Promise<ModelVersion> {
    const before = await this.#version(name, version);
    if (before.description === description) return shown(before);
    await this.#http.tell("PATCH", "/model-versions/update", { name, version: String(version), description });
    return shown(await this.#version(name, version));
  }

  async delete({ name, version }: { name: string; version: number }): Promise<boolean> {
    const model = await this.#model(name);
    const there = await this.#versions(model);
    const found = there.find((one) => one.version === version);
    if (found?.stage === "production") throw inProduction(name, version);
    if (found !== undefined) {
      await this.#delete(name, version);
      return true;
    }
    const highest = Math.max(Number(record(model.tags)[DELETED] ?? 0), ...there.map((one) => one.version));
    if (Number.isInteger(version) && version >= 1 && version <= highest) return false;
    throw noVersion(name, `version ${version}`, "version", there);
  }

  async #delete(name: string, version: number): Promise<void> {
    const highest = Math.max(Number(record((await this.#model(name)).tags)[DELETED] ?? 0), version);
    // Noted first: a call that comes after a lost answer must know that the number was given.
    await this.#http.tell("POST", "/registered-models/set-tag", { name, key: DELETED, value: String(highest) });
    await this.#http.tell("DELETE", "/model-versions/delete", { name, version: String(version) });
  }

  async get(selector: ModelVersionSelector): Promise<ModelVersion> {
    return shown(await this.#selected(selector));
  }

  async #selected(selector: ModelVersionSelector): Promise<ModelVersion> {
    const { name } = selector;
    if ("version" in selector) return await this.#version(name, selector.version);
    const model = await this.#model(name);
    const there = await this.#versions(model);
    if ("stage" in selector) {
      const found = there.find((one) => one.stage === selector.stage);
      if (found !== undefined) return found;
      throw noVersion(name, `version in stage "${selector.stage}"`, "stage", there);
    }
    const found =
      selector.alias.toLowerCase() === "latest" ? there[0] : there.find((one) => one.aliases.includes(selector.alias));
    if (found !== undefined) return found;
    throw noVersion(name, `version with the alias "${selector.alias}"`, "alias", there);
  }

  async list(): Promise<RegisteredModel[]> {
    const versions = grouped(await this.#searched(""), ({ row }) => row.name);
    return (await this.#models()).map((model) =>
      modelView(model.name, withAliases(model, versions.get(model.name) ?? []).map(shown)),
    );
  }

  async listVersions(name: string): Promise<ModelVersion[]> {
    try {
      return (await this.#versions(await this.#model(name))).map(shown);
    } catch (error) {
      if (error instanceof TrackingError && error.code === "MODEL_NOT_FOUND") return [];
      throw error;
    }
  }

  async lineage(selector: ModelVersionSelector): Promise<VersionLineage> {
    const version = shown(await this.#selected(selector));
    try {
      const run = await this.#runs.record(version.runId);
      return { version, run: await this.#runs.view(run), ...lineageOf(record(run.tags), run.datasets) };
    } catch (error) {
      const gone = error instanceof TrackingError && error.code === "RUN_NOT_FOUND";
      if (!gone && version.runId !== "") throw error;
      return { version, run: null, ...lineageOf({}, []) };
    }
  }

  async fromTable({ table, version }: { table: string; version?: number | undefined }): Promise<ModelVersion[]> {
    const readers = await this.#runs.readersOf(table, version);
    const runIds = readers.filter(({ datasets }) => reads(datasets, table, version)).map(({ info }) => info.run_id);
    const found: VersionRecord[] = [];
    for (let at = 0; at < runIds.length; at += MOST_RUN_IDS) {
      const list = runIds.slice(at, at + MOST_RUN_IDS).map((runId) => `'${runId}'`);
      found.push(...(await this.#searched(`run_id IN (${list.join(", ")})`)));
    }
    const versions: ModelVersion[] = [];
    for (const [name, ofName] of [...grouped(found, ({ row }) => row.name)].sort(([a], [b]) => (a < b ? -1 : 1)))
      versions.push(...withAliases(await this.#model(name), ofName));
    return versions.map(shown);
  }
}

/** The newest first; a listing of MLflow's leaves aliases out, which the model has. */
function withAliases({ aliases }: z.output<typeof Model>, versions: readonly VersionRecord[]): ModelVersion[] {
  return versions
    .map((version) =>
      versionView({
        ...version,
        aliases: aliases
          .filter((one) => one.version === version.row.version)
          .map(({ alias }) => alias)
          .sort(),
      }),
    )
    .sort((a, b) => b.version - a.version);
}

/** A version without the tags that only this package reads. */
function shown(version: ModelVersion): ModelVersion {
  const { [REPLACED_BY]: _replacedBy, ...tags } = version.tags;
  return { ...version, tags };
}

function noVersion(name: string, what: string, field: string, there: readonly ModelVersion[]): TrackingError {
  const list = there.map(({ version, stage }) => (stage === "none" ? `${version}` : `${version} (${stage})`));
  return new TrackingError("MODEL_VERSION_NOT_FOUND", `Model "${name}" has no ${what}.`, {
    field,
    hint: list.length === 0 ? "It has no versions." : `It has: ${list.slice(0, 10).join(", ")}.`,
  });
}
