import type { RunInfo, RunView, TaskError } from "../core/state.ts";

/** An attempt of a task (or callback) that a worker has taken. */
export interface ObservedAttempt {
  readonly dagId: string;
  readonly nodeId: string;
  /** The node's id, with the place of the item when it is mapped. */
  readonly taskId: string;
  readonly attempt: number;
  readonly run: RunInfo;
  /** Id of the first Temporal execution of the run. */
  readonly executionId: string;
  /** When it was put on the task queue, in milliseconds since 1970. */
  readonly scheduledAt: number;
}

/** How an attempt ended. `not_yet`: a sensor has looked; `cancelled`: it was told to stop; `released`: its worker was. */
export interface AttemptEnd {
  readonly state: "success" | "failed" | "skipped" | "not_yet" | "cancelled" | "released";
  readonly error?: TaskError | undefined;
}

/** A call to an MCP server that is under way. */
export interface CallObservation {
  /** Goes with the call, as W3C `traceparent`. */
  readonly traceparent?: string | undefined;
  ended(error?: TaskError): void;
}

/** An attempt that is under way. */
export interface AttemptObservation {
  /** Runs the task's own code. */
  within<T>(work: () => Promise<T>): Promise<T>;
  call(server: string, tool: string): CallObservation;
  ended(end: AttemptEnd): void;
}

/** Is told what a worker does: traces and metrics are made of it. */
export interface Observer {
  attempt(attempt: ObservedAttempt): AttemptObservation;
  /** @param executionId Id of the first Temporal execution of the run. */
  runEnded(view: RunView, executionId: string): void;
  /** Sends what is not yet sent. */
  close(): Promise<void>;
}

const UNOBSERVED: AttemptObservation = { within: (work) => work(), call: () => ({ ended() {} }), ended() {} };

export const NO_OBSERVER: Observer = { attempt: () => UNOBSERVED, runEnded() {}, close: async () => {} };

/** Several observers as one. */
export function allOf(observers: readonly Observer[]): Observer {
  const [first = NO_OBSERVER] = observers;
  if (observers.length < 2) return first;
  return {
    attempt: (attempt) => {
      const own = observers.map((one) => one.attempt(attempt));
      return {
        within: (work) => own.reduce((inner, one) => () => one.within(inner), work)(),
        call: (server, tool) => {
          const calls = own.map((one) => one.call(server, tool));
          return {
            traceparent: calls.find(({ traceparent }) => traceparent !== undefined)?.traceparent,
            ended: (error) => calls.forEach((one) => void one.ended(error)),
          };
        },
        ended: (end) => own.forEach((one) => void one.ended(end)),
      };
    },
    runEnded: (view, executionId) => observers.forEach((one) => void one.runEnded(view, executionId)),
    close: async () => {
      await Promise.allSettled(observers.map((one) => one.close()));
    },
  };
}
