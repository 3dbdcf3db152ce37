import { z } from "zod";
import { TrackingError } from "../errors.ts";
import { checkMaxResults } from "../search/pages.ts";
import { type KeyValue, versionNumber } from "../store/checks.ts";
import { noteVersion } from "../store/logged-models.ts";
import {
  createRegisteredModel,
  deleteRegisteredModel,
  deleteRegisteredModelTag,
  describeRegisteredModel,
  getRegisteredModel,
  renameRegisteredModel,
  searchRegisteredModels,
  setRegisteredModelTag,
} from "../store/registered-models.ts";
import { KEY_TAG } from "../store/runs.ts";
import {
  createVersion,
  deleteAlias,
  deleteVersion,
  deleteVersionTag,
  describeVersion,
  getVersion,
  latestOfStages,
  requireVersion,
  searchVersions,
  setAlias,
  setVersionTag,
  stageOf,
  transitionVersion,
  versionOfAlias,
} from "../store/version-changes.ts";
import { Bool, Int, KeyValues, Required, Text, Texts } from "./request.ts";
import { endpoint, type Served } from "./routes.ts";
import { resolvedSource } from "./version-source.ts";
import { registeredModelWire, versionWire, wirePage } from "./wire.ts";

const Name = z.object({ name: Required });
const Version = Name.extend({
  // Also a number: not every client sends versions as texts.
  version: z.preprocess((value) => (typeof value === "number" ? String(value) : value), Required),
});

const Search = z.object({ filter: Text, max_results: Int.optional(), order_by: Texts, page_token: Text });
const MODEL_RESULTS = { usual: 100, most: 1_000 } as const;
const VERSION_RESULTS = { usual: 10_000, most: 200_000 } as const;

function searchOf(search: z.output<typeof Search>, { usual, most }: { usual: number; most: number }) {
  const maxResults = search.max_results ?? usual;
  checkMaxResults(maxResults, most);
  return { filter: search.filter, orderBy: search.order_by, maxResults, pageToken: search.page_token };
}

/** Registered models, their versions, stages, aliases and tags. */
export function addRegistryRoutes(served: Served): void {
  addModels(served);
  addVersions(served);
  addTagsAndAliases(served);
}

function addModels(served: Served): void {
  const { database } = served;
  const Create = Name.extend({ tags: KeyValues, description: Text });
  endpoint(served, "POST", "/registered-models/create", Create, async ({ name, tags, description }) => ({
    registered_model: registeredModelWire(await database.write(() => createRegisteredModel(name, description, tags))),
  }));
  endpoint(served, "GET", "/registered-models/get", Name, async ({ name }) => ({
    registered_model: registeredModelWire(await database.read(() => getRegisteredModel(name))),
  }));
  const Describe = Name.extend({ description: Text });
  endpoint(served, "PATCH", "/registered-models/update", Describe, async ({ name, description }) => ({
    registered_model: registeredModelWire(await database.write(() => describeRegisteredModel(name, description))),
  }));
  const Rename = Name.extend({ new_name: Required });
  endpoint(served, "POST", "/registered-models/rename", Rename, async ({ name, new_name: newName }) => ({
    registered_model: registeredModelWire(await database.write(() => renameRegisteredModel(name, newName))),
  }));
  endpoint(served, "DELETE", "/registered-models/delete", Name, async ({ name }) => {
    await database.write(() => deleteRegisteredModel(name));
  });
  endpoint(served, "GET", "/registered-models/search", Search, async (search) => {
    const meant = searchOf(search, MODEL_RESULTS);
    return wirePage("registered_models", await database.read(() => searchRegisteredModels(meant)), registeredModelWire);
  });
  const Stages = Name.extend({ stages: Texts });
  endpoint(served, ["GET", "POST"], "/registered-models/get-latest-versions", Stages, async ({ name, stages }) => {
    const versions = await database.read(() => latestOfStages(name, stages));
    return versions.length === 0 ? {} : { model_versions: versions.map((version) => versionWire(version)) };
  });
}

/** Whether these tags make a prompt of a model: of several tags of one key the last one counts. */
function isPrompt(tags: readonly KeyValue[]): boolean {
  return tags.findLast(({ key }) => key === "mlflow.prompt.is_prompt")?.value.toLowerCase() === "true";
}

function addVersions(served: Served): void {
  const { database } = served;
  endpoint(
    served,
    "POST",
    "/model-versions/create",
    Name.extend({ source: Required, run_id: Text, tags: KeyValues, run_link: Text, description: Text, model_id: Text }),
    async ({ name, tags, description, run_link: runLink, ...create }) => {
      const { version } = await database.write(function* () {
        const prompt = isPrompt(tags);
        const { modelId, ...source } = yield* resolvedSource(create.source, create.run_id, create.model_id, prompt);
        const key = tags.find((tag) => tag.key === KEY_TAG)?.value ?? null;
        const made = yield* createVersion({ name, ...source, runLink, description, tags, key });
        if (!prompt && modelId !== "") yield* noteVersion(modelId, name, made.version.row.version);
        return made;
      });
      return { model_version: versionWire(version) };
    },
  );
  endpoint(served, "GET", "/model-versions/get", Version, async ({ name, version }) => ({
    model_version: versionWire(await database.read(() => getVersion(name, versionNumber(version)))),
  }));
  const Describe = Version.extend({ description: Text });
  endpoint(served, "PATCH", "/model-versions/update", Describe, async ({ name, version, description }) => ({
    model_version: versionWire(await database.write(() => describeVersion(name, versionNumber(version), description))),
  }));
  const Transition = Version.extend({ stage: Required, archive_existing_versions: Bool });
  endpoint(served, "POST", "/model-versions/transition-stage", Transition, async ({ name, version, ...to }) => {
    const stage = stageOf(to.stage);
    const archive = to.archive_existing_versions;
    if (archive && stage !== "staging" && stage !== "production")
      throw new TrackingError(
        "INVALID_ARGUMENT",
        `Model version transition cannot archive existing model versions because '${to.stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
        { field: "archive_existing_versions" },
      );
    const moved = await database.write(() => transitionVersion(name, versionNumber(version), stage, archive));
    return { model_version: versionWire(moved.version) };
  });
  endpoint(served, "DELETE", "/model-versions/delete", Version, async ({ name, version }) => {
    await database.write(() => deleteVersion(name, versionNumber(version)));
  });
  endpoint(served, "GET", "/model-versions/get-download-uri", Version, async ({ name, version }) => {
    const row = await database.read(() => requireVersion(name, versionNumber(version)));
    return { artifact_uri: row.storage_location };
  });
  endpoint(served, "GET", "/model-versions/search", Search, async (search) => {
    const meant = searchOf(search, VERSION_RESULTS);
    const page = await database.read(() => searchVersions(meant));
    return wirePage("model_versions", page, (version) => versionWire(version, false));
  });
}

function addTagsAndAliases(served: Served): void {
  const { database } = served;
  const Tag = Name.extend({ key: Required, value: Text });
  endpoint(served, "POST", "/registered-models/set-tag", Tag, async ({ name, key, value }) => {
    await database.write(() => setRegisteredModelTag(name, { key, value }));
  });
  const Key = Name.extend({ key: Required });
  endpoint(served, "DELETE", "/registered-models/delete-tag", Key, async ({ name, key }) => {
    await database.write(() => deleteRegisteredModelTag(name, key));
  });
  const VersionTag = Version.extend({ key: Required, value: Text });
  endpoint(served, "POST", "/model-versions/set-tag", VersionTag, async ({ name, version, key, value }) => {
    await database.write(() => setVersionTag(name, versionNumber(version), { key, value }));
  });
  const VersionKey = Version.extend({ key: Required });
  endpoint(served, "DELETE", "/model-versions/delete-tag", VersionKey, async ({ name, version, key }) => {
    await database.write(() => deleteVersionTag(name, versionNumber(version), key));
  });
  const Alias = Name.extend({ alias: Required });
  const NewAlias = Version.extend({ alias: Required });
  endpoint(served, "POST", "/registered-models/alias", NewAlias, async ({ name, version, alias }) => {
    await database.write(() => setAlias(name, versionNumber(version), alias));
  });
  endpoint(served, "DELETE", "/registered-models/alias", Alias, async ({ name, alias }) => {
    await database.write(() => deleteAlias(name, alias));
  });
  endpoint(served, "GET", "/registered-models/alias", Alias, async ({ name, alias }) => ({
    model_version: versionWire(await database.read(() => versionOfAlias(name, alias))),
  }));
}
