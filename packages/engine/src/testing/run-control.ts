import type { Clearing } from "../core/clear.ts";
import type { Refusal } from "../core/requests.ts";
import type { Answer, Mark, RunView } from "../core/state.ts";

/** Who asks a run for something, and why. */
export interface ControlRemark {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** Which task is said to have ended, by whom and why: a task, or an item of a mapped one as `measure[3]`. */
export interface ControlMark extends ControlRemark, Pick<Mark, "output"> {
  readonly task: string;
}

/**
 * Steers a run in this process while it goes on: the same as the updates of a run on Temporal. What is asked for while
 * the run decides (in `onChange`, say) is done right after that.
 *
 * Each throws RunRequestError: `RUN_OVER` once the run has ended; `NO_SUCH_TASK`, `NOTHING_TO_CLEAR`, `NOT_WAITING`.
 */
export interface RunControl {
  readonly runId: string;
  view(): RunView;
  pause(): void;
  resume(): void;
  cancel(remark?: ControlRemark): void;
  /** @param clearing What is to run again. @default what failed, with all that comes after it */
  clear(clearing?: Clearing): void;
  markSuccess(mark: ControlMark): void;
  markFailed(mark: ControlMark): void;
  answer(answer: Answer & { readonly task: string }): void;
  /** The run that a `subdag` node has going, if it has. */
  child(task: string): RunControl | undefined;
}

/** A run does not do what it was asked to. */
export class RunRequestError extends Error {
  readonly code: Refusal["code"];
  readonly retryable = false;
  readonly hint = "Look at the run's view: it shows its tasks and what they wait for.";
  constructor({ code, message }: Refusal) {
    super(message);
    this.code = code;
    this.name = "RunRequestError";
  }
}
