import { implement } from "@dagwright/mcp-kit";
import type { Tracking } from "@dagwright/tracking";
import { modelRegistry } from "./contract.ts";
import { findVersion, listModels } from "./model-registry.ts";

/** The model-registry server over tracking. */
export function createModelRegistryServer({ tracking }: { tracking: Tracking }) {
  return implement(modelRegistry, {
    register_model: (model, { idempotencyKey }) => tracking.registerModel({ ...model, key: idempotencyKey }),
    list_registered_models: async (request) => ({ models: await listModels(tracking, request) }),
    get_model_version_details: (request) => findVersion(tracking, request),
    transition_model_stage: (transition) => tracking.transitionStage(transition),
    update_model_description: async (update) => ({ version: await tracking.updateModelDescription(update) }),
    delete_model_version: async ({ name, version }) => ({
      name,
      version,
      alreadyDone: !(await tracking.deleteModelVersion({ name, version })),
    }),
  });
}
