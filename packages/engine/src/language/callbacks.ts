import type { GraphCallback, GraphDeadline } from "../core/graph.ts";
import type { CallbackName, RunView, TaskView } from "../core/state.ts";
import type { TaskContext } from "./context.ts";
import { type Duration, millisecondsOf } from "./duration.ts";
import { checkNames, type Names } from "./known-options.ts";
import { checkedPolicy, joinedPolicy, POLICY_NAMES, type Policy } from "./policy.ts";

/** What a callback is told of its run: all but the outputs of the tasks. */
export interface RunEvent extends Omit<RunView, "tasks" | "callbacks"> {
  readonly tasks: Readonly<Record<string, Pick<TaskView, "state" | "attempts" | "error" | "reason">>>;
}

/** Ordinary code; what it returns is not kept. */
export type CallbackFunction = (run: RunEvent, ctx: TaskContext) => unknown;

/** What is called when a run has ended, or its deadline has passed: a function, or one with a policy of its own. */
export type Callback =
  | CallbackFunction
  | (Pick<Policy, "retries" | "retryDelay" | "backoff" | "maxRetryDelay" | "jitter" | "timeout"> & {
      readonly run: CallbackFunction;
    });

/** How long a run may take. It goes on when it takes longer: the deadline is told, not enforced. */
export type Deadline =
  | Duration
  | {
      readonly after: Duration;
      /** What the time counts from: the start of the run, or the end of its data interval. @default "start" */
      readonly from?: "start" | "interval_end";
      /** Called once when the deadline passes with the run still going. */
      readonly onMissed?: Callback;
    };

/** What a DAG's options say of these. */
export interface CallbackOptions {
  readonly onSuccess?: Callback;
  /** Called when a run has failed, not when it was cancelled. */
  readonly onFailure?: Callback;
  readonly deadline?: Deadline;
}

/** The callbacks of a DAG as its graph keeps them, and the code behind them. */
export interface CheckedCallbacks {
  readonly graph: {
    readonly deadline?: GraphDeadline;
    readonly callbacks?: Partial<Record<CallbackName, GraphCallback>>;
  };
  readonly functions: ReadonlyMap<CallbackName, CallbackFunction>;
}

const CALLBACK_NAMES: Names<Policy & { run: unknown }> = { ...POLICY_NAMES, run: true };
const DEADLINE_NAMES: Names<Exclude<Deadline, Duration>> = { after: true, from: true, onMissed: true };

/** How long a callback may take unless it says otherwise, in milliseconds. */
const PATIENCE_MS = 600_000;

/** Checks what a DAG says of its callbacks and deadline; what is wrong is told to `mistake`. */
export function checkedCallbacks(options: CallbackOptions, mistake: (message: string) => void): CheckedCallbacks {
  const { onSuccess, onFailure, deadline } = options;
  const onMissed = typeof deadline === "object" ? deadline.onMissed : undefined;
  const functions = new Map<CallbackName, CallbackFunction>();
  const callbacks: Partial<Record<CallbackName, GraphCallback>> = {};
  for (const [name, field, callback] of [
    ["onSuccess", "onSuccess", onSuccess],
    ["onFailure", "onFailure", onFailure],
    ["onDeadline", "deadline.onMissed", onMissed],
  ] as const) {
    if (callback === undefined) continue;
    const run: unknown = typeof callback === "function" ? callback : callback.run;
    if (typeof run !== "function") {
      mistake(`${field}: expected a function, or { run, retries, … }`);
      continue;
    }
    const tell = (message: string) => mistake(`${field}: ${message}`);
    if (typeof callback !== "function") checkNames(callback, CALLBACK_NAMES, tell);
    const own = typeof callback === "function" ? {} : checkedPolicy(callback, tell);
    callbacks[name] = { policy: joinedPolicy([{ timeoutMs: PATIENCE_MS }, own], tell) };
    functions.set(name, typeof callback === "function" ? callback : callback.run);
  }
  const checked = deadline === undefined ? undefined : checkedDeadline(deadline, mistake);
  return {
    graph: {
      ...(checked === undefined ? {} : { deadline: checked }),
      ...(Object.keys(callbacks).length === 0 ? {} : { callbacks }),
    },
    functions,
  };
}

function checkedDeadline(deadline: Deadline, mistake: (message: string) => void): GraphDeadline {
  const { after, from = "start" } = typeof deadline === "object" ? deadline : { after: deadline };
  if (typeof deadline === "object") checkNames(deadline, DEADLINE_NAMES, (message) => mistake(`deadline: ${message}`));
  const afterMs = millisecondsOf(after);
  if (afterMs === null || afterMs <= 0)
    mistake(`deadline is ${JSON.stringify(after)}: expected a duration such as "2h"`);
  if (from !== "start" && from !== "interval_end")
    mistake(`deadline.from is ${JSON.stringify(from)}: expected "start" or "interval_end"`);
  return { afterMs: afterMs ?? 0, from };
}
