import { implement } from "@dagwright/mcp-kit";
import { modelServing } from "./contract.ts";
import { deployVersion, type ModelServing, rollBack } from "./model-serving.ts";

/** The model-serving server over the deployments of a folder and the registry that names what to deploy. */
export function createModelServingServer(serving: ModelServing) {
  const { deployments } = serving;
  return implement(modelServing, {
    deploy_model: ({ model, version }) => deployVersion(serving, model, version),
    test_endpoint: ({ model, rows }) => deployments.test(model, rows),
    rollback_deployment: (request, { idempotencyKey }) => rollBack(serving, request, idempotencyKey),
    get_deployment_status: ({ model }) => deployments.status(model),
    list_deployments: async () => ({ deployments: await deployments.list() }),
  });
}
