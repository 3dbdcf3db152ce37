import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const Model = z.string().min(1).describe("A registered model's name.");
const VersionNumber = z.number().int().min(1);
const Endpoint = z.string().describe("Base URL of the prediction server.");

const Row = z
  .record(z.string(), z.union([z.number(), z.string(), z.null()]))
  .describe("Features by name; null is a missing value.");

const Status = z.object({
  model: z.string(),
  running: z.boolean().describe("The server answers and proves to be the one that was started."),
  healthy: z.boolean().describe("It serves the version that was deployed."),
  version: z.number().int().nullable().describe("What was deployed; null when nothing was."),
  runId: z.string().nullable(),
  previousVersion: z.number().int().nullable().describe("What a rollback goes back to."),
  endpoint: Endpoint.nullable(),
  pid: z.number().int().nullable(),
  deploymentId: z.string().nullable(),
  startedAt: z.iso.datetime().nullable(),
});

/** Prediction servers for registered models. */
export const modelServing = defineContract({
  name: "model-serving",
  instructions: "Puts versions of registered models behind HTTP endpoints, tests them, and takes them back.",
  tools: {
    deploy_model: {
      description:
        "Serves a version at the model's endpoint: a living server takes it over in place, else one is started; when that fails the former version goes on being served.",
      input: z.object({ model: Model, version: VersionNumber.describe("The registered version that is to answer.") }),
      output: z.object({
        model: z.string(),
        version: z.number().int(),
        deploymentId: z.string(),
        endpoint: Endpoint,
        previousVersion: z.number().int().nullable(),
        alreadyDone: z.boolean().describe("True when this version was being served already."),
      }),
      annotations: { idempotent: true },
    },
    test_endpoint: {
      description: "Asks the model's endpoint for predictions; that they fail is an answer (`ok` false), not an error.",
      input: z.object({
        model: Model,
        rows: z
          .array(Row)
          .min(1)
          .max(1000)
          .describe("Raw rows to predict, one field for each of the model's features."),
      }),
      output: z.object({
        ok: z.boolean(),
        endpoint: Endpoint.nullable(),
        version: z.number().int().nullable().describe("The version that answered."),
        predictions: z.array(z.object({ prediction: z.number(), probabilities: z.record(z.string(), z.number()) })),
        latencyMs: z.number(),
        message: z.string().nullable().describe("Why it is not ok; null when it is."),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    rollback_deployment: {
      description:
        "Goes back to the version served before the present one, or to `toVersion`; with nothing to go back to the server is stopped.",
      input: z.object({
        model: Model,
        toVersion: VersionNumber.optional().describe("The version that served before the present one when left out."),
      }),
      output: z.object({
        model: z.string(),
        version: z.number().int().nullable().describe("What is served now; null when nothing is."),
        endpoint: Endpoint.nullable(),
      }),
      annotations: { destructive: true, idempotent: true },
    },
    get_deployment_status: {
      description: "Says which version is deployed and whether its server answers.",
      input: z.object({ model: Model }),
      output: Status,
      annotations: { readOnly: true, idempotent: true },
    },
    list_deployments: {
      description: "Lists the status of every deployed model, stopped ones too.",
      input: z.object({}),
      output: z.object({ deployments: z.array(Status) }),
      annotations: { readOnly: true, idempotent: true },
    },
  },
});
