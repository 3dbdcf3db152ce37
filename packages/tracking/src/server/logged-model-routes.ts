import { z } from "zod";
import { checkMaxResults } from "../search/pages.ts";
import {
  createLoggedModel,
  deleteLoggedModel,
  deleteLoggedModelTag,
  finishLoggedModel,
  getLoggedModel,
  LOGGED_MODEL_STATUSES,
  logLoggedModelParams,
  searchLoggedModels,
  setLoggedModelTags,
} from "../store/logged-models.ts";
import { Bool, Int, KeyValues, Required, Text, Texts } from "./request.ts";
import { endpoint, type Served } from "./routes.ts";
import { loggedModelWire, wirePage } from "./wire.ts";

const DEFAULT_RESULTS = 100;
const MOST_RESULTS = 50_000;

const Id = z.object({ model_id: Required });

const Status = z.preprocess(
  (value) => (typeof value === "number" ? LOGGED_MODEL_STATUSES[value - 1] : value),
  z.enum(LOGGED_MODEL_STATUSES),
);

const DatasetFilter = z
  .object({ dataset_name: Required, dataset_digest: Text })
  .transform(({ dataset_name: name, dataset_digest: digest }) => ({ name, digest: digest || undefined }));

const OrderKey = z
  .object({ field_name: Required, ascending: z.boolean().default(true), dataset_name: Text, dataset_digest: Text })
  .transform((key) => ({
    fieldName: key.field_name,
    ascending: key.ascending,
    datasetName: key.dataset_name || undefined,
    datasetDigest: key.dataset_digest || undefined,
  }));

/** The models that runs log, which MLflow 3 knows before they are registered under a name. */
export function addLoggedModelRoutes(served: Served): void {
  const { database } = served;
  endpoint(
    served,
    "POST",
    "/logged-models",
    z.object({
      experiment_id: Required,
      name: Text,
      model_type: Text,
      source_run_id: Text,
      params: KeyValues,
      tags: KeyValues,
    }),
    async (create) => ({
      model: loggedModelWire(
        await database.write(() =>
          createLoggedModel({
            experimentId: create.experiment_id,
            name: create.name,
            modelType: create.model_type,
            sourceRunId: create.source_run_id,
            params: create.params,
            tags: create.tags,
          }),
        ),
      ),
    }),
  );
  endpoint(
    served,
    "POST",
    "/logged-models/search",
    z.object({
      experiment_ids: Texts.pipe(z.array(z.string()).min(1)),
      filter: Text,
      datasets: z.array(DatasetFilter).default([]),
      max_results: Int.default(0),
      order_by: z.array(OrderKey).default([]),
      page_token: Text,
    }),
    async (search) => {
      const maxResults = search.max_results || DEFAULT_RESULTS;
      checkMaxResults(maxResults, MOST_RESULTS);
      const page = await database.read(() =>
        searchLoggedModels({
          experimentIds: search.experiment_ids,
          filter: search.filter,
          datasets: search.datasets,
          orderBy: search.order_by,
          maxResults,
          pageToken: search.page_token,
        }),
      );
      return wirePage("models", page, loggedModelWire);
    },
  );
  const One = "/logged-models/:model_id";
  endpoint(
    served,
    "GET",
    One,
    Id.extend({ allow_deleted: Bool }),
    async ({ model_id: id, allow_deleted: deleted }) => ({
      model: loggedModelWire(await database.read(() => getLoggedModel(id, deleted))),
    }),
  );
  endpoint(served, "PATCH", One, Id.extend({ status: Status }), async ({ model_id: id, status }) => ({
    model: loggedModelWire(await database.write(() => finishLoggedModel(id, status))),
  }));
  endpoint(served, "DELETE", One, Id, async ({ model_id: id }) => {
    await database.write(() => deleteLoggedModel(id));
  });
  endpoint(served, "POST", `${One}/params`, Id.extend({ params: KeyValues }), async ({ model_id: id, params }) => {
    await database.write(() => logLoggedModelParams(id, params));
  });
  endpoint(served, "PATCH", `${One}/tags`, Id.extend({ tags: KeyValues }), async ({ model_id: id, tags }) => {
    await database.write(() => setLoggedModelTags(id, tags));
  });
  endpoint(
    served,
    "DELETE",
    `${One}/tags/:tag_key`,
    Id.extend({ tag_key: Required }),
    async ({ model_id: id, tag_key }) => {
      await database.write(() => deleteLoggedModelTag(id, tag_key));
    },
  );
}
