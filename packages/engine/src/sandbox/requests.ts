import {
  ApplicationFailure,
  type CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  patched,
  setHandler,
} from "@temporalio/workflow";
import type { Json } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import {
  type AnswerRequest,
  type ClearRequest,
  type MarkRequest,
  QUERY_STATE,
  type Remark,
  UPDATE_ANSWER,
  UPDATE_APPROVE,
  UPDATE_CLEAR,
  UPDATE_MARK_FAILED,
  UPDATE_MARK_SUCCESS,
  UPDATES,
} from "./protocol.ts";
import type { RunShell } from "./run-shell.ts";

/** How long a cancelled run waits to be cancelled by Temporal too. */
const CANCEL_PATIENCE = "2s";

/** What a run is asked for, from its first moment on; before it has a plan, the answers wait for it. */
export interface Requests {
  answerWith(shell: RunShell): void;
  /** Whether Temporal's own cancellation has come, or comes in a moment. */
  cancelledByTemporal(): Promise<boolean>;
}

/** Accepts queries, updates and Temporal's cancellation of the workflow, whose root scope is given. */
export function acceptRequests(root: CancellationScope): Requests {
  let shell: RunShell | undefined;
  let cancelled = false;
  setHandler(defineQuery<RunView | null>(QUERY_STATE), () => shell?.view() ?? null);
  /** The same by a signal: nobody waits for an answer, so what is refused is only logged. */
  const bySignal = <T>(name: string, read: (given: unknown) => T, carryOut: (shell: RunShell, request: T) => void) =>
    setHandler(defineSignal<[unknown]>(name), async (given) => {
      // A run that was sent such a signal before it was known has gone on without.
      if (!patched("steered-by-signal")) return;
      try {
        const request = read(given);
        await condition(() => shell !== undefined);
        carryOut(shell as RunShell, request);
      } catch (refused) {
        // What else is thrown is a mistake of ours, and no refusal.
        if (!(refused instanceof ApplicationFailure)) throw refused;
        log.warn(`The signal ${name} is refused: ${refused.message}`, { code: refused.type });
      }
    });
  for (const name of UPDATES) {
    bySignal(name, remarkOf, (run, remark) => run.request(name, remark));
    setHandler(defineUpdate<RunView, [Remark?]>(name), async (remark) => {
      await condition(() => shell !== undefined);
      shell?.request(name, remarkOf(remark));
      // The handler waited until there was a shell.
      return (shell as RunShell).view();
    });
  }
  /** An update whose argument is read before it waits for the run's plan. */
  const accept = <T>(name: string, read: (given: unknown) => T, carryOut: (shell: RunShell, request: T) => void) => {
    bySignal(name, read, carryOut);
    setHandler(defineUpdate<RunView, [unknown]>(name), async (given) => {
      const request = read(given);
      await condition(() => shell !== undefined);
      // The handler waited until there was a shell.
      const planned = shell as RunShell;
      carryOut(planned, request);
      return planned.view();
    });
  };
  accept(UPDATE_ANSWER, answerOf, (run, answer) => run.answer(answer));
  accept(
    UPDATE_APPROVE,
    (given) => answerOf(typeof given === "object" ? { ...given, approved: true } : given),
    (run, answer) => run.answer(answer),
  );
  accept(UPDATE_CLEAR, clearOf, (run, request) => run.clear(request));
  accept(UPDATE_MARK_SUCCESS, markOf, (run, request) => run.mark("success", request));
  accept(UPDATE_MARK_FAILED, markOf, (run, request) => run.mark("failed", request));
  root.cancelRequested.catch(() => {
    cancelled = true;
    shell?.request("cancel", { reason: "cancelled through Temporal" });
  });
  return {
    answerWith: (planned) => {
      shell = planned;
      if (cancelled) planned.request("cancel", { reason: "cancelled through Temporal" });
    },
    cancelledByTemporal: async () => await condition(() => cancelled, CANCEL_PATIENCE),
  };
}

/** Whatever came as an answer: it may have been typed by hand. */
function answerOf(value: unknown): AnswerRequest {
  const [task, approved, by, comment] = ["task", "approved", "by", "comment"].map((name) => fieldOf(value, name));
  if (typeof task !== "string" || typeof approved !== "boolean" || typeof by !== "string" || by === "") {
    const message = 'An answer is {"task": "…", "approved": true, "by": "who", "comment": "…"}';
    throw ApplicationFailure.create({ type: "INVALID_ANSWER", message, nonRetryable: true });
  }
  return { task, approved, by, comment: typeof comment === "string" ? comment : undefined };
}

/** Whatever came as a remark: it may have been typed by hand. */
function remarkOf(value: unknown): Remark {
  if (typeof value !== "object" || value === null) return {};
  const text = (name: string) => {
    const field: unknown = Reflect.get(value, name);
    return typeof field === "string" && field !== "" ? field : undefined;
  };
  return { by: text("by"), reason: text("reason") };
}

/** Whatever came as what is to be cleared. */
function clearOf(value: unknown): ClearRequest {
  const [tasks, downstream] = ["tasks", "downstream"].map((name) => fieldOf(value, name));
  const names: readonly unknown[] | undefined = Array.isArray(tasks) ? tasks : undefined;
  const known = names?.filter((one): one is string => typeof one === "string");
  if ((tasks !== undefined && known?.length !== names?.length) || names?.length === 0) {
    const message =
      'What is to be cleared is {"tasks": ["train", "measure[3]"], "downstream": true}, or {} for all that failed';
    throw ApplicationFailure.create({ type: "INVALID_CLEAR", message, nonRetryable: true });
  }
  return { tasks: known, downstream: typeof downstream === "boolean" ? downstream : undefined };
}

/** Whatever came as what a task is to be marked as. */
function markOf(value: unknown): MarkRequest {
  const task = fieldOf(value, "task");
  if (typeof task !== "string" || task === "") {
    const message = 'A mark is {"task": "train", "by": "who", "reason": "…"}, and an output if it is to have one';
    throw ApplicationFailure.create({ type: "INVALID_MARK", message, nonRetryable: true });
  }
  // It came as JSON through Temporal.
  return { task, output: fieldOf(value, "output") as Json | undefined, ...remarkOf(value) };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
