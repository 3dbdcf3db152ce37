import { durationText } from "../core/duration-text.ts";
import type { NodePolicy } from "../core/graph.ts";
import { type Duration, millisecondsOf } from "./duration.ts";
import type { Names } from "./known-options.ts";

/** How a task is tried; given on a node, a task or a DAG's `defaults`; the first of these that names a field wins. */
export interface Policy {
  /** Further attempts after the first one fails. @default 0 */
  readonly retries?: number;
  /** Pause before the second attempt. @default "5m" */
  readonly retryDelay?: Duration;
  /** Factor by which the pause grows with each attempt, at least 1. @default 1 */
  readonly backoff?: number;
  /** Upper bound of the pause. @default "1d", or `retryDelay` where that is longer */
  readonly maxRetryDelay?: Duration;
  /** Longest time one attempt may take. @default "1d" */
  readonly timeout?: Duration;
  /** A worker silent for so long is taken for dead and the attempt starts again elsewhere. @default "15s" */
  readonly heartbeat?: Duration;
  /** Share, from 0 to 1, by which the pause is shortened or lengthened at random, so that not all come back at once. @default 0 */
  readonly jitter?: number;
  /** Errors that no further attempt can mend: by their `code`, or by class (its subclasses too). */
  readonly noRetryOn?: readonly (string | ErrorClass)[];
  /** Longest time that all attempts and pauses may take together. @default as long as they take */
  readonly totalTimeout?: Duration;
}

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

const DAY = 86_400_000;

/** A policy as the graph keeps it, without the fields it does not name; what is wrong is told to `mistake` by field. */
export function checkedPolicy(policy: Policy, mistake: (message: string) => void): Partial<NodePolicy> {
  return {
    ...number(
      "retries",
      policy.retries,
      "a whole number of at least 0",
      (value) => Number.isInteger(value) && value >= 0,
    ),
    ...number("backoff", policy.backoff, "a number of at least 1", (value) => Number.isFinite(value) && value >= 1),
    ...span("retryDelayMs", "retryDelay", policy.retryDelay, 0),
    ...span("maxRetryDelayMs", "maxRetryDelay", policy.maxRetryDelay, 0),
    ...span("timeoutMs", "timeout", policy.timeout, 1),
    ...span("heartbeatMs", "heartbeat", policy.heartbeat, 1),
    ...number("jitter", policy.jitter, "a number from 0 to 1", (value) => value >= 0 && value <= 1),
    ...names(policy.noRetryOn),
    ...span("totalTimeoutMs", "totalTimeout", policy.totalTimeout, 1),
  };

  function names(given: unknown): Pick<NodePolicy, "noRetryOn"> {
    if (given === undefined) return {};
    const list: readonly unknown[] = Array.isArray(given) ? given : [given];
    const known = list.map((one) => (typeof one === "function" ? one.name : one));
    const named = known.filter((one): one is string => typeof one === "string" && one !== "");
    if (named.length < known.length)
      mistake(`noRetryOn is ${inWords(known)}: expected codes of errors, or classes that have a name`);
    return { noRetryOn: named };
  }

  function number(
    field: "retries" | "backoff" | "jitter",
    value: unknown,
    expected: string,
    fits: (value: number) => boolean,
  ) {
    if (value === undefined) return {};
    if (typeof value === "number" && fits(value)) return { [field]: value };
    mistake(`${field} is ${inWords(value)}: expected ${expected}`);
    return {};
  }
  function span(key: keyof NodePolicy, field: keyof Policy, value: unknown, least: number) {
    if (value === undefined) return {};
    const milliseconds = millisecondsOf(value);
    if (milliseconds !== null && milliseconds >= least) return { [key]: milliseconds };
    const more = least > 0 ? "more than no time, " : "";
    mistake(`${field} is ${inWords(value)}: expected ${more}milliseconds or a duration such as "5m"`);
    return {};
  }
}

/** Joins checked policies, later ones over earlier ones, over the defaults. */
export function joinedPolicy(policies: readonly Partial<NodePolicy>[], mistake: (message: string) => void): NodePolicy {
  const joined: Partial<NodePolicy> = Object.assign({}, ...policies);
  const retryDelayMs = joined.retryDelayMs ?? 300_000;
  const { retries = 0, backoff = 1, timeoutMs = DAY, heartbeatMs = 15_000 } = joined;
  const { maxRetryDelayMs = Math.max(DAY, retryDelayMs) } = joined;
  if (maxRetryDelayMs < retryDelayMs) {
    mistake(
      `maxRetryDelay (${durationText(maxRetryDelayMs)}) cannot be less than retryDelay (${durationText(retryDelayMs)})`,
    );
  }
  const { jitter, noRetryOn, totalTimeoutMs } = joined;
  return {
    ...{ retries, retryDelayMs, backoff, maxRetryDelayMs, timeoutMs, heartbeatMs },
    // What is not set is left out, so that the version of DAGs that do not use it stays the same.
    ...(jitter === undefined ? {} : { jitter }),
    ...(noRetryOn === undefined ? {} : { noRetryOn }),
    ...(totalTimeoutMs === undefined ? {} : { totalTimeoutMs }),
  };
}

function inWords(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
}

export const POLICY_NAMES: Names<Policy> = {
  ...{ retries: true, retryDelay: true, backoff: true, maxRetryDelay: true, timeout: true, heartbeat: true },
  ...{ jitter: true, noRetryOn: true, totalTimeout: true },
};
