import type { Lineage, TableUse } from "./api.ts";
import { invalid } from "./errors.ts";
import type { KeyValue } from "./store/checks.ts";
import type { DatasetInput } from "./store/run-data.ts";

/** Tags that say how a run came about. */
const DAG = "dagwright.dag";
const DAG_RUN = "dagwright.run";
const FEATURE_VIEW = "dagwright.feature_view.";
/** MLflow's own, which its UI links. */
const COMMIT = "mlflow.source.git.commit";
const CONTEXT = "mlflow.data.context";

/** MLflow's name for a table of Delta Lake; its Python client reads such a source as a DeltaDatasetSource. */
const DELTA = "delta_table";

/** Lineage as a run's tags. */
export function lineageTags({ dag, dagRun, codeVersion, featureViews = {} }: Lineage): Record<string, string> {
  return {
    ...(dag === undefined ? {} : { [DAG]: dag }),
    ...(dagRun === undefined ? {} : { [DAG_RUN]: dagRun }),
    ...(codeVersion === undefined ? {} : { [COMMIT]: codeVersion }),
    ...Object.fromEntries(Object.entries(featureViews).map(([name, version]) => [`${FEATURE_VIEW}${name}`, version])),
  };
}

/** Tables as a run's dataset inputs: the version is the digest. @throws INVALID_ARGUMENT for a version that is none */
export function tableInputs(tables: readonly TableUse[]): DatasetInput[] {
  return tables.map(({ table, version, context }) => {
    if (!Number.isSafeInteger(version) || version < 0)
      throw invalid(`lineage.tables.${table}.version`, version, "a table's version, from 0 on");
    return {
      dataset: {
        name: table,
        digest: String(version),
        sourceType: DELTA,
        source: JSON.stringify({ delta_table_name: table, delta_table_version: version }),
      },
      tags: context === undefined ? [] : [{ key: CONTEXT, value: context }],
    };
  });
}

/** What tags and dataset inputs say of a run's lineage; datasets that are no tables are left out. */
export function lineageOf(tags: Readonly<Record<string, string>>, inputs: readonly DatasetInput[]) {
  const views = Object.entries(tags).filter(([key]) => key.startsWith(FEATURE_VIEW));
  return {
    dag: tags[DAG] ?? null,
    dagRun: tags[DAG_RUN] ?? null,
    codeVersion: tags[COMMIT] ?? null,
    featureViews: Object.fromEntries(views.map(([key, version]) => [key.slice(FEATURE_VIEW.length), version])),
    tables: inputs.filter(isTable).map(({ dataset: { name, digest }, tags: inputTags }) => ({
      table: name,
      version: Number(digest),
      context: contextOf(inputTags),
    })),
  };
}

const isTable = ({ dataset }: DatasetInput) => dataset.sourceType === DELTA && /^\d+$/.test(dataset.digest);

function contextOf(tags: readonly KeyValue[]): string | null {
  return tags.find(({ key }) => key === CONTEXT)?.value ?? null;
}
/** Whether a run read a table, in this version where one is given. */
export function reads(inputs: readonly DatasetInput[], table: string, version: number | undefined): boolean {
  return inputs.some(
    (input) =>
      isTable(input) &&
      input.dataset.name === table &&
      (version === undefined || Number(input.dataset.digest) === version),
  );
}
