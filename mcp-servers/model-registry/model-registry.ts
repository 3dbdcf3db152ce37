import type { ToolArguments, ToolOutput } from "@dagwright/mcp-kit";
import { type ModelVersionSelector, type RegisteredModel, type Tracking, TrackingError } from "@dagwright/tracking";
import type { modelRegistry } from "./contract.ts";

type VersionRequest = ToolArguments<typeof modelRegistry, "get_model_version_details">;

/** Looks a version up with its lineage; that there is none, or no model of that name, is an answer. */
export async function findVersion(
  tracking: Tracking,
  request: VersionRequest,
): Promise<ToolOutput<typeof modelRegistry, "get_model_version_details">> {
  try {
    const { version, run, tables, ...lineage } = await tracking.versionLineage(selectorOf(request));
    return {
      found: true,
      version: { ...version, aliases: [...version.aliases], tags: { ...version.tags } },
      lineage: {
        ...lineage,
        experiment: run?.experiment ?? null,
        tables: tables.map((use) => ({ ...use })),
        featureViews: { ...lineage.featureViews },
      },
    };
  } catch (error) {
    const absent =
      error instanceof TrackingError && ["MODEL_NOT_FOUND", "MODEL_VERSION_NOT_FOUND"].includes(error.code);
    if (absent) return { found: false, version: null, lineage: null };
    throw error;
  }
}

/** Exactly one of the three is given. */
function selectorOf({ name, version, stage, alias = "" }: VersionRequest): ModelVersionSelector {
  if (version !== undefined) return { name, version };
  return stage === undefined ? { name, alias } : { name, stage };
}

/** All registered models, or the versions that came of a table under their models. */
export async function listModels(
  tracking: Tracking,
  { table, tableVersion }: ToolArguments<typeof modelRegistry, "list_registered_models">,
): Promise<RegisteredModel[]> {
  const models = await tracking.listModels();
  if (table === undefined) return models;
  const made = await tracking.versionsFromTable({ table, version: tableVersion });
  return models.flatMap((model) => {
    const versions = made.filter(({ name }) => name === model.name);
    return versions.length === 0 ? [] : [{ ...model, versions }];
  });
}
