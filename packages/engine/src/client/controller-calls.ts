import type { RetrainingController } from "../language/controller.ts";
import {
  CONTROLLER_WORKFLOW,
  type ControllerConfig,
  controllerIdOf,
  type DriftSignal,
  SIGNAL_CONFIGURE,
  SIGNAL_DRIFT,
} from "../sandbox/controller-protocol.ts";
import { ControllerNotFoundError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { isNotFound } from "./temporal-call.ts";

/** Retraining controllers: long-lived workflows, one per model. */
export class ControllerCalls {
  constructor(private readonly ground: ClientGround) {}

  async ensure({ model, dag, debounceMs, coolDownMs }: RetrainingController): Promise<void> {
    const { temporal, taskQueue } = this.ground;
    const config: ControllerConfig = { model, dagId: dag, debounceMs, coolDownMs };
    await temporal.workflow.signalWithStart(CONTROLLER_WORKFLOW, {
      workflowId: controllerIdOf(model),
      taskQueue,
      args: [config],
      signal: SIGNAL_CONFIGURE,
      signalArgs: [config],
      staticSummary: `starts ${dag} when ${model} drifts`,
    });
  }

  async signalDrift({ model, ...signal }: DriftSignal & { readonly model: string }): Promise<{ controllerId: string }> {
    const controllerId = controllerIdOf(model);
    try {
      await this.ground.temporal.workflow.getHandle(controllerId).signal(SIGNAL_DRIFT, signal);
    } catch (error) {
      throw isNotFound(error) ? new ControllerNotFoundError(model) : error;
    }
    return { controllerId };
  }
}
