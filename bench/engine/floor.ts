/** The floor: the workloads written by hand as Temporal workflows, by a worker process of their own. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Client } from "@temporalio/client";
import { asService } from "./processes.ts";

export interface Floor {
  run(workflow: "chainByHand" | "fanByHand", size: number): Promise<unknown>;
  end(): Promise<void>;
}

/** Starts the worker of the floor on the server at `address`, to which `temporal` leads. */
export async function startFloor(address: string, temporal: Client): Promise<Floor> {
  const child = fork(fileURLToPath(new URL("floor-worker.ts", import.meta.url)), [address], {
    execArgv: ["--conditions=source", "--import", "tsx"],
    detached: true,
  });
  const worker = asService("the floor's worker", child);
  await new Promise<void>((ready, fail) => {
    child.once("message", () => ready());
    child.once("exit", (code) => fail(new Error(`The floor's worker ended with exit code ${code}`)));
  });
  let count = 0;
  return {
    run: async (workflow, size) => {
      count += 1;
      const options = { workflowId: `by-hand-${process.pid}-${count}`, taskQueue: "by-hand", args: [size] as [number] };
      return await temporal.workflow.execute(workflow, options);
    },
    end: () => worker.end(),
  };
}
