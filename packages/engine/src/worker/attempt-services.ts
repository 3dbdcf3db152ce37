import type { Contract, ToolClient } from "@dagwright/mcp-kit/contract";
import type { Redactor } from "../execution/redactor.ts";
import { taskErrorOf } from "../execution/task-error.ts";
import type { McpOptions, TaskAttempt, TaskLog, TaskServices } from "../language/context.ts";
import { type AttemptLogs, attemptLogFile, openAttemptLog } from "./attempt-log.ts";
import type { AttemptObservation } from "./observer.ts";
import { withTaskConsole } from "./task-console.ts";

/** What one attempt is run with. */
export interface AttemptServices {
  /** The worker's, with a log in a file and calls that are observed. */
  readonly services: TaskServices;
  readonly logFile: string | undefined;
  /** Runs the task's own code: what it tells `console` goes to its log. */
  within<T>(work: () => Promise<T>): Promise<T>;
}

/** The services of one attempt. */
export function attemptServices(
  ground: { readonly services: TaskServices; readonly redactor: Redactor; readonly logs: AttemptLogs | null },
  attempt: TaskAttempt,
  observation: AttemptObservation,
): AttemptServices {
  const { services, redactor, logs } = ground;
  const logFile = logs === null ? undefined : attemptLogFile(logs.folder, attempt);
  const log = logs === null || logFile === undefined ? services.log?.(attempt) : openAttemptLog(logFile, logs);
  return {
    logFile,
    services: {
      ...services,
      ...(log === undefined ? {} : { log: () => log }),
      mcp: <C extends Contract>(contract: C, options: McpOptions): ToolClient<C> => ({
        call: async (tool, input) => {
          const call = observation.call(contract.name, tool);
          const { traceparent } = call;
          try {
            const answer = await services.mcp(contract, { ...options, traceparent }).call(tool, input);
            call.ended();
            return answer;
          } catch (error) {
            call.ended(taskErrorOf(error, redactor.text));
            throw error;
          }
        },
      }),
    },
    within: (work) => observation.within(() => consoleOf(log, redactor, work)),
  };
}

async function consoleOf<T>(log: TaskLog | undefined, redactor: Redactor, work: () => Promise<T>): Promise<T> {
  return log === undefined ? await work() : await withTaskConsole(redactor.log(log), work);
}
