import { defineDag, derive } from "@dagwright/engine";
import { z } from "zod";
import { Search, studyResult, tuneTrial } from "../activities/tune.ts";

/**
 * Searches hyper-parameters with each trial as a task of its own: trials run on all workers, four at a time, and a killed
 * worker costs the trials that it held one fold each.
 */
export const hyperparameterSearch = defineDag(
  {
    id: "hyperparameter_search",
    description: "Search hyper-parameters on a table by cross-validation, a task a trial.",
    tags: ["ml"],
    params: z.object({ search: Search }),
    defaults: { retries: 2, retryDelay: "30s" },
  },
  ({ params }) => {
    const numbers = derive("trials", [params.search.trials], (count) => Array.from({ length: count }, (_, at) => at));
    const trials = tuneTrial.map(numbers, (trial) => ({ search: params.search, trial }), { maxConcurrent: 4 });
    return studyResult({ search: params.search }, { after: [trials] });
  },
);
