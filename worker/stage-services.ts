import type { McpOptions, TaskServices } from "@dagwright/engine";
import type { McpPool } from "@dagwright/mcp-kit";
import type { Contract, ToolClient } from "@dagwright/mcp-kit/contract";

/**
 * Gives a stage its way to the servers. Each call of an attempt carries an idempotency key of its own: the task's key,
 * the tool, and the how-manieth call of that tool it is. A stage that runs twice makes the same calls in the same order,
 * so the second time finds what the first one did.
 */
export function stageServices(pool: McpPool): TaskServices {
  return {
    mcp: <C extends Contract>(contract: C, options: McpOptions): ToolClient<C> => {
      const { calls, idempotencyKey, ...rest } = options;
      return {
        call: (tool, input) => {
          const name = `${contract.name}.${tool}`;
          const nth = (calls.get(name) ?? 0) + 1;
          calls.set(name, nth);
          return pool
            .client(contract, { ...rest, idempotencyKey: `${idempotencyKey}/${name}#${nth}` })
            .call(tool, input);
        },
      };
    },
  };
}
