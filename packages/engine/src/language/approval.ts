import { currentBody } from "./body.ts";
import { type Duration, millisecondsOf } from "./duration.ts";
import type { CommonNodeOptions } from "./node-options.ts";
import type { Ref } from "./ref.ts";

/** What a person answered: the output of an `approval`. */
export interface Approved {
  readonly approved: true;
  readonly by: string;
  /** ISO-8601. */
  readonly at: string;
  readonly comment?: string;
}

/** How an approval asks. */
export interface ApprovalOptions extends CommonNodeOptions {
  /** What whoever is to approve is shown: values, `Ref`s, structures of both. */
  readonly show?: unknown;
  /** How long to wait for an answer. @default for ever */
  readonly timeout?: Duration;
  /** What becomes of it when nobody answers in time. @default "fail" */
  readonly onTimeout?: "fail" | "skip";
}

/**
 * Waits for a person: `dagwright approvals approve RUN TASK`, or reject, which fails it with `REJECTED`. It takes no
 * worker's slot, and outlasts workers and servers.
 *
 * @returns Who approved, when, and what they remarked.
 * @example const yes = approval("go_live", { show: { model: version.version, auc: version.rocAuc }, timeout: "2d" });
 */
export function approval(id: string, options: ApprovalOptions = {}): Ref<Approved> {
  const { show = null, timeout, onTimeout = "fail", ...common } = options;
  const body = currentBody(`approval "${id}"`);
  const timeoutMs = timeout === undefined ? undefined : millisecondsOf(timeout);
  if (timeoutMs === null)
    body.mistake(`node "${id}": timeout is ${JSON.stringify(timeout)}: expected a duration such as "2d"`);
  if (onTimeout !== "fail" && onTimeout !== "skip") {
    body.mistake(`node "${id}": onTimeout is ${JSON.stringify(onTimeout)}: expected "fail" or "skip"`);
  }
  const approval = { ...(timeoutMs === undefined || timeoutMs === null ? {} : { timeoutMs }), onTimeout };
  return body.add({ id, kind: "approval", input: show, options: common, approval });
}
