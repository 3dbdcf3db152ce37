export { createFeatures } from "./create-features.ts";
export { dataStatistics } from "./data-statistics.ts";
export { loadData } from "./load-data.ts";
export { runSql } from "./run-sql.ts";
export { trainTestSplit } from "./train-test-split.ts";
