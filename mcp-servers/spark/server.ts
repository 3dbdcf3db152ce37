import type { Lake } from "@dagwright/lake";
import { implement } from "@dagwright/mcp-kit";
import { spark } from "./contract.ts";
import { createFeatures, dataStatistics, loadData, runSql, trainTestSplit } from "./spark.ts";

/** The spark server over one lake. */
export function createSparkServer({ lake }: { readonly lake: Lake }) {
  return implement(spark, {
    load_data_to_spark: (args, ctx) => loadData(lake, args, ctx),
    run_spark_sql: (args, ctx) => runSql(lake, args, ctx),
    create_features_spark: (args, ctx) => createFeatures(lake, args, ctx),
    get_data_statistics: (args, ctx) => dataStatistics(lake, args, ctx),
    train_test_split_spark: (args, ctx) => trainTestSplit(lake, args, ctx),
  });
}
