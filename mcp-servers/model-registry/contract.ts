import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const Stage = z.enum(["none", "staging", "production", "archived"]);
const Name = z.string().min(1).describe("A registered model's name.");
const VersionNumber = z.number().int().min(1);

const ModelVersion = z.object({
  name: z.string(),
  version: z.number().int(),
  runId: z.string().describe("The tracking run that made it."),
  stage: Stage,
  aliases: z.array(z.string()),
  description: z.string(),
  tags: z.record(z.string(), z.string()),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});

/** How a version came about. */
const Lineage = z.object({
  experiment: z.string().nullable().describe("Of its run; null when the run is gone."),
  dag: z.string().nullable(),
  dagRun: z.string().nullable(),
  codeVersion: z.string().nullable(),
  tables: z.array(
    z.object({
      table: z.string(),
      version: z.number().int(),
      context: z.string().nullable().describe("What for: training, validation, …"),
    }),
  ),
  featureViews: z.record(z.string(), z.string()).describe("Feature views and their versions."),
});

/** Names, versions and stages of models. */
export const modelRegistry = defineContract({
  name: "model-registry",
  instructions: "Registers the models of tracking runs as versions of a name and moves versions between stages.",
  tools: {
    register_model: {
      description: "Makes the model of a tracking run the next version of a name.",
      input: z.object({
        name: Name,
        runId: z.string().min(1).describe("The tracking run that holds the model."),
        description: z.string().optional().describe("What people should know of this version."),
        tags: z.record(z.string(), z.string()).optional().describe("Tags of the version."),
      }),
      output: ModelVersion.extend({
        alreadyDone: z.boolean().describe("True when an earlier attempt of this call registered it."),
      }),
    },
    list_registered_models: {
      description: "Lists registered models with their versions, newest first: all, or those that came of a table.",
      input: z
        .object({
          table: z.string().min(1).optional().describe("Only versions whose run read this table."),
          tableVersion: z.number().int().min(0).optional().describe("Only this version of the table."),
        })
        .refine(({ table, tableVersion }) => table !== undefined || tableVersion === undefined, {
          error: "a table beside it that it is a version of",
          path: ["tableVersion"],
        }),
      output: z.object({
        models: z.array(
          z.object({
            name: z.string(),
            latest: z.number().int().nullable().describe("Null when every version was deleted."),
            production: z.number().int().nullable(),
            versions: z.array(ModelVersion),
          }),
        ),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    get_model_version_details: {
      description:
        "Looks one version up with how it came about: by its number, as the highest one in a stage, or by an alias; `found` is false when there is none.",
      input: z
        .object({
          name: Name,
          version: VersionNumber.optional().describe("This version."),
          stage: Stage.optional().describe("The newest version in this stage, instead of version."),
          alias: z.string().min(1).optional().describe("The version that this alias points at, instead of version."),
        })
        .refine(
          ({ version, stage, alias }) => [version, stage, alias].filter((one) => one !== undefined).length === 1,
          {
            error: "exactly one of version, stage and alias",
            path: ["version"],
          },
        ),
      output: z.object({
        found: z.boolean(),
        version: ModelVersion.nullable(),
        lineage: Lineage.nullable().describe("Null when nothing was found."),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    transition_model_stage: {
      description:
        "Moves a version to a stage; unless told otherwise the versions that were in `production` or `staging` before go to the archive.",
      input: z.object({
        name: Name,
        version: VersionNumber.describe("The version that moves."),
        stage: Stage.describe("Where it moves to."),
        archiveExisting: z
          .boolean()
          .default(true)
          .describe("Whether versions that are in this stage move to Archived."),
        aliases: z.array(z.string().min(1)).default([]).describe("Aliases that point at the version from then on."),
      }),
      output: z.object({
        version: ModelVersion,
        archived: z.array(z.number().int()).describe("The versions it sent to the archive."),
      }),
      annotations: { idempotent: true },
    },
    update_model_description: {
      description: "Replaces the description of a version.",
      input: z.object({
        name: Name,
        version: VersionNumber.describe("The version that is described."),
        description: z.string().describe("The new text, in place of the old."),
      }),
      output: z.object({ version: ModelVersion }),
      annotations: { idempotent: true },
    },
    delete_model_version: {
      description: "Deletes a version that is not in production; its run stays, its number is not given again.",
      input: z.object({ name: Name, version: VersionNumber.describe("The version that goes.") }),
      output: z.object({
        name: z.string(),
        version: z.number().int(),
        alreadyDone: z.boolean().describe("True when it had been deleted before."),
      }),
      annotations: { destructive: true, idempotent: true },
    },
  },
});
