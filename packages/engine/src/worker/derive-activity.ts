import { executeFunction } from "../execution/execute-task.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import { taskErrorOf } from "../execution/task-error.ts";
import { DagNotFoundError } from "../language/errors.ts";
import { fetchStored } from "../objects/stored-outputs.ts";
import type { DeriveRequest } from "../sandbox/protocol.ts";
import { carried } from "./carried-values.ts";
import type { TaskGround } from "./task-activity.ts";
import { mismatch, refusedIfOther } from "./version-fit.ts";

/** Runs the function of a `derive` node. */
export async function derived(
  { registry, objects }: TaskGround,
  { dagId, dagVersion = "", nodeId, args, steering = false }: DeriveRequest,
): Promise<TaskOutcome> {
  try {
    const given = objects === null ? args : await fetchStored(objects, args);
    const outcome = await executeFunction(registry.get(dagId), nodeId, given);
    const fitting = refusedIfOther(registry, { dagId, dagVersion }, outcome);
    return await carried(objects, fitting, `derive "${nodeId}"`, steering);
  } catch (error) {
    if (error instanceof DagNotFoundError) return mismatch(dagId, dagVersion, "none: it does not know the DAG");
    return { type: "failed", error: taskErrorOf(error) };
  }
}
