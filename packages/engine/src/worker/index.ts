/** The process side of runs: a Temporal worker that carries out the tasks of DAGs. */
export { createDagWorker, type DagWorker, type DagWorkerOptions } from "./dag-worker.ts";
export { MetricsAddressError, MissingSearchAttributesError } from "./errors.ts";
export { bundleWorkflows } from "./workflow-bundle.ts";
