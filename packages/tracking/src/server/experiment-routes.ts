import { z } from "zod";
import { TrackingError } from "../errors.ts";
import { checkMaxResults } from "../search/pages.ts";
import { experimentNumber } from "../store/checks.ts";
import {
  createExperiment,
  deleteExperimentTag,
  getExperiment,
  getExperimentByName,
  renameExperiment,
  searchExperiments,
  setExperimentLifecycle,
  setExperimentTag,
} from "../store/experiments.ts";
import { searchDatasets } from "../store/log.ts";
import { Int, KeyValues, Required, Text, Texts } from "./request.ts";
import { endpoint, type Served } from "./routes.ts";
import { checkHost } from "./version-source.ts";
import { experimentWire, wirePage } from "./wire.ts";

export const View = z.preprocess(
  // Also by its number, as protocol buffers allow.
  (value) => ({ "1": "ACTIVE_ONLY", "2": "DELETED_ONLY", "3": "ALL" })[String(value)] ?? value,
  z.enum(["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]).default("ACTIVE_ONLY"),
);

const MOST_RESULTS = 50_000;
const MOST_EXPERIMENTS_OF_DATASETS = 20;

const Id = z.object({ experiment_id: Required });

/** Experiments. */
export function addExperimentRoutes(served: Served): void {
  const { database } = served;
  endpoint(
    served,
    "POST",
    "/experiments/create",
    z.object({ name: Required, artifact_location: Text, tags: KeyValues }),
    async ({ name, artifact_location: place, tags }) => {
      checkLocation(place);
      const id = await database.write(() => createExperiment(name, place, tags));
      return { experiment_id: String(id) };
    },
  );
  endpoint(served, "GET", "/experiments/get", Id, async ({ experiment_id: id }) => ({
    experiment: experimentWire(await database.read(() => getExperiment(id))),
  }));
  const ByName = z.object({ experiment_name: Required });
  endpoint(served, "GET", "/experiments/get-by-name", ByName, async ({ experiment_name: name }) => ({
    experiment: experimentWire(await database.read(() => getExperimentByName(name))),
  }));
  endpoint(served, "POST", "/experiments/delete", Id, async ({ experiment_id: id }) => {
    await database.write(() => setExperimentLifecycle(id, "deleted"));
  });
  endpoint(served, "POST", "/experiments/restore", Id, async ({ experiment_id: id }) => {
    await database.write(() => setExperimentLifecycle(id, "active"));
  });
  const Rename = Id.extend({ new_name: Required });
  endpoint(served, "POST", "/experiments/update", Rename, async ({ experiment_id: id, new_name: name }) => {
    await database.write(() => renameExperiment(id, name));
  });
  const Tag = Id.extend({ key: Required, value: Text });
  endpoint(served, "POST", "/experiments/set-experiment-tag", Tag, async ({ experiment_id: id, key, value }) => {
    await database.write(() => setExperimentTag(id, { key, value }));
  });
  const Key = Id.extend({ key: Required });
  endpoint(served, "POST", "/experiments/delete-experiment-tag", Key, async ({ experiment_id: id, key }) => {
    await database.write(() => deleteExperimentTag(id, key));
  });
  endpoint(
    served,
    ["GET", "POST"],
    "/experiments/search",
    z.object({ view_type: View, max_results: Int.default(0), filter: Text, order_by: Texts, page_token: Text }),
    async (search) => {
      checkMaxResults(search.max_results, MOST_RESULTS);
      const page = await database.read(() =>
        searchExperiments({
          view: search.view_type,
          filter: search.filter,
          orderBy: search.order_by,
          maxResults: search.max_results,
          pageToken: search.page_token,
        }),
      );
      return wirePage("experiments", page, experimentWire);
    },
  );
  const Ids = z.object({ experiment_ids: Texts });
  endpoint(served, "POST", "/experiments/search-datasets", Ids, async ({ experiment_ids: ids }) => {
    if (ids.length === 0 || ids.length > MOST_EXPERIMENTS_OF_DATASETS)
      throw new TrackingError(
        "INVALID_ARGUMENT",
        ids.length === 0
          ? "SearchDatasets request must specify at least one experiment_id."
          : `SearchDatasets request cannot specify more than ${MOST_EXPERIMENTS_OF_DATASETS} experiment_ids. Received ${ids.length} experiment_ids.`,
        { field: "experiment_ids" },
      );
    const found = await database.read(() => searchDatasets(ids.map(experimentNumber)));
    return {
      dataset_summaries: found.map(({ experimentId, name, digest, context }) => ({
        experiment_id: String(experimentId),
        name,
        digest,
        ...(context === null ? {} : { context }),
      })),
    };
  });
}

/** A place that clients write to themselves, or one of this server's. @throws INVALID_ARGUMENT */
function checkLocation(location: string): void {
  checkHost(location, "artifact_location");
  if (location.startsWith("runs:"))
    throw new TrackingError("INVALID_ARGUMENT", `Artifact location cannot be a runs:/ URI. Given: '${location}'`, {
      field: "artifact_location",
    });
  if (
    /[#;?]/.test(location) ||
    decodeURIComponent(location.replaceAll(/%(?![0-9a-f]{2})/gi, ""))
      .split("/")
      .includes("..")
  )
    throw new TrackingError("INVALID_ARGUMENT", `Invalid value '${location}' for 'artifact_location' supplied.`, {
      field: "artifact_location",
    });
}
