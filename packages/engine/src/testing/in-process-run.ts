import { childRunIdOf, subdagCancelled, subdagFailed } from "../core/child-run.ts";
import { decide, initialState, isOver } from "../core/decide.ts";
import type { GraphNode, Json } from "../core/graph.ts";
import { answerAsked, clearAsked, markAsked, over, type Refusal, wordsOf } from "../core/requests.ts";
import { totalTimeoutError } from "../core/retries.ts";
import type {
  Answer,
  RunSeed,
  RunTask,
  RunView,
  SchedulerCommand,
  SchedulerEvent,
  SchedulerState,
  TaskProgress,
} from "../core/state.ts";
import { topologyOf } from "../core/topology.ts";
import { viewOf } from "../core/view.ts";
import { contextOf, executeFunction, type TaskExecution, taskIdOf } from "../execution/execute-task.ts";
import { outcomeOfValue } from "../execution/json-output.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import type { Redactor } from "../execution/redactor.ts";
import { outcomeOfThrown, taskErrorOf } from "../execution/task-error.ts";
import type { TaskServices } from "../language/context.ts";
import type { Dag } from "../language/dag.ts";
import { planRun, type RunPlan } from "../language/plan.ts";
import { attemptTask, type CachedOutcome } from "./attempts.ts";
import { LocalPools } from "./local-pools.ts";
import type { TaskCache } from "./memory-cache.ts";
import { type Mocks, mockOf } from "./mocks.ts";
import { RunCallbacks } from "./run-callbacks.ts";
import { type RunControl, RunRequestError } from "./run-control.ts";
import type { RunTime } from "./run-time.ts";

/** What a run in this process, and the runs of its sub-DAGs, stand on. */
export interface InProcessGround {
  readonly time: RunTime;
  readonly mocks: Mocks;
  readonly services: TaskServices;
  /** How many slots pools have, by name; one where it is not said. */
  readonly pools: Readonly<Record<string, number>>;
  /** Knows the secrets of all that runs here. */
  readonly redactor: Redactor;
  readonly cache: TaskCache | undefined;
  /** By the id of the `approval`. */
  readonly answers: Readonly<Record<string, Answer>>;
  /** Whether somebody may answer while the run goes on. */
  readonly steered: boolean;
}

/** How long a run that has ended waits for its aborted attempts to say so, in milliseconds. */
const ABORT_PATIENCE_MS = 10_000;

const NOBODY: Answer = {
  approved: false,
  by: "nobody",
  comment: "in this process there is nobody to ask: give `answers`",
};

/** Carries out in this process what the scheduler decides, and tells it what came of it. */
export class InProcessRun {
  private state: SchedulerState;
  private readonly progress: Record<string, TaskProgress> = {};
  /** What stops each attempt, pause or wait that goes on, by the name of its place. */
  private readonly running = new Map<string, () => void>();
  /** Attempts that were aborted and have not said so: what takes their place waits for them. */
  private readonly leaving = new Map<string, Promise<void>>();
  private readonly children = new Map<string, InProcessRun>();
  private readonly callbacks: RunCallbacks;
  private readonly pools: LocalPools;
  private readonly events: SchedulerEvent[] = [];
  private feeding = false;
  private readonly end: Promise<void>;
  private resolve: () => void = () => {};
  private reject: (error: unknown) => void = () => {};

  constructor(
    private readonly dag: Dag,
    { graph, params, run }: RunPlan,
    private readonly ground: InProcessGround,
    private readonly onChange?: (view: RunView) => void,
    seed?: RunSeed,
  ) {
    this.state = initialState(graph, params, run, seed);
    this.pools = new LocalPools(ground.pools);
    const tell = () => this.onChange?.(this.view());
    const viewOfRun = () => viewOf(this.state);
    this.callbacks = new RunCallbacks({ dag, run, ...ground, viewOfRun, onChange: tell });
    this.end = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  async toItsEnd(signal?: AbortSignal): Promise<RunView> {
    const cancel = () => this.feed({ type: "cancel", reason: String(signal?.reason ?? "aborted"), at: this.now() });
    this.feed({ type: "run_started", at: this.now() });
    if (!isOver(this.state.state)) this.callbacks.watch();
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      await this.end;
      await this.stopped();
      await this.callbacks.ended();
      return this.view();
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  view(): RunView {
    return { ...viewOf(this.state, this.progress), ...this.callbacks.view() };
  }

  control(): RunControl {
    const ask = (event: (at: number) => SchedulerEvent | Refusal) => {
      const asked = isOver(this.state.state) ? over() : event(this.now());
      if (asked.type === "refused") throw new RunRequestError(asked);
      this.feed(asked);
    };
    return {
      runId: this.state.run.id,
      view: () => this.view(),
      pause: () => ask((at) => ({ type: "pause", at })),
      resume: () => ask((at) => ({ type: "resume", at })),
      cancel: (remark = {}) => ask((at) => ({ type: "cancel", reason: wordsOf(remark), at })),
      clear: (clearing = {}) => ask((at) => clearAsked(this.state, clearing, at)),
      markSuccess: ({ reason: comment, ...mark }) =>
        ask((at) => markAsked(this.state, { as: "success", comment, ...mark }, at)),
      markFailed: ({ reason: comment, ...mark }) =>
        ask((at) => markAsked(this.state, { as: "failed", comment, ...mark }, at)),
      answer: (answer) => ask((at) => answerAsked(this.state, answer, at)),
      child: (task) => this.children.get(task)?.control(),
    };
  }

  private now(): number {
    return this.ground.time.now();
  }

  /** One event after the other, also when carrying one out leads to the next. */
  private feed(event: SchedulerEvent): void {
    this.events.push(event);
    if (this.feeding) return;
    this.feeding = true;
    try {
      for (let next = this.events.shift(); next !== undefined; next = this.events.shift()) {
        const { state, commands } = decide(this.state, next);
        this.state = state;
        if (next.type !== "run_started" && !isOver(state.state)) this.callbacks.check();
        this.onChange?.(this.view());
        for (const command of commands) this.carryOut(command);
      }
    } catch (error) {
      this.reject(error);
    } finally {
      this.feeding = false;
    }
  }

  private carryOut(command: SchedulerCommand): void {
    switch (command.type) {
      case "run_task":
        this.begin(command);
        return;
      case "acquire_slots": {
        const { id, index, ticket } = command;
        const onHeld = () => this.feed({ type: "slots_granted", id, index, ticket, at: this.now() });
        this.pools.take({ ...command, since: this.now(), onHeld });
        return;
      }
      case "release_slots":
        this.pools.release(command.ticket);
        return;
      case "wait_retry": {
        const { id, index, delayMs } = command;
        this.after(taskIdOf(id, index), delayMs, (at) => ({ type: "retry_due", id, index, at }));
        return;
      }
      case "wait": {
        const { id, delayMs } = command;
        this.after(id, delayMs, (at) => ({ type: "wait_over", id, at }));
        return;
      }
      case "ask":
        // When all is decided that is decided now; time does not skip over it.
        void this.ground.time.during(async () => {
          await new Promise((later) => setImmediate(later));
          this.answer(command.id);
        });
        return;
      case "cancel_task":
        this.abort(taskIdOf(command.id, command.index));
        return;
      case "emit_assets":
        // In this process nobody waits for them; the run's view shows them.
        return;
      case "finish_run":
        for (const name of [...this.running.keys()]) this.abort(name);
        this.resolve();
        return;
    }
  }

  private answer(id: string): void {
    if (this.state.tasks[id]?.asks === undefined) return;
    const given = this.ground.answers[id];
    // Its own time-out, where it has one, may be what the test is about.
    const timed = topologyOf(this.state.graph).nodes.get(id)?.approval?.timeoutMs !== undefined;
    if (given === undefined && (timed || this.ground.steered)) return;
    this.feed({ type: "answer", id, ...(given ?? NOBODY), at: this.now() });
  }

  private after(name: string, delayMs: number, event: (at: number) => SchedulerEvent): void {
    const forget = this.ground.time.after(delayMs, () => {
      this.running.delete(name);
      this.feed(event(this.now()));
    });
    this.running.set(name, forget);
  }

  /** Aborts what goes on under a name; what comes of it has no say any more. */
  private abort(name: string): void {
    const stop = this.running.get(name);
    this.running.delete(name);
    stop?.();
  }

  private begin(command: RunTask): void {
    const { id, index } = command;
    const name = taskIdOf(id, index);
    const controller = new AbortController();
    const leaving = this.leaving.get(name);
    const stop = () => {
      controller.abort(new Error("the run was cancelled, or the task cleared or marked"));
      this.leaving.set(name, done);
    };
    const work = async () => {
      await leaving;
      if (!controller.signal.aborted) return await this.attempt(command, controller);
      return null;
    };
    const done: Promise<void> = work().then((outcome) => {
      if (this.leaving.get(name) === done) this.leaving.delete(name);
      if (this.running.get(name) !== stop || outcome === null) return;
      this.running.delete(name);
      this.report(command, outcome);
    }, this.reject);
    this.running.set(name, stop);
  }

  /** Until all that was aborted has said so, or it takes too long. */
  private async stopped(): Promise<void> {
    if (this.leaving.size === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, ABORT_PATIENCE_MS);
    });
    await Promise.race([Promise.all(this.leaving.values()), patience]);
    clearTimeout(timer);
  }

  private async attempt(command: RunTask, controller: AbortController): Promise<CachedOutcome> {
    const { id, index, attempt, clears, input, withinMs } = command;
    const node = topologyOf(this.state.graph).nodes.get(id);
    if (node === undefined) throw new Error(`The core named an unknown node: ${id}`);
    const { time, services, redactor, mocks, cache } = this.ground;
    const { run } = this.state;
    if (node.kind === "derive") return await time.during(() => executeFunction(this.dag, id, input));
    const implementation = mockOf(this.dag, mocks, id);
    const ground = { nodeId: id, index, attempt, clears, run, services, signal: controller.signal };
    if (node.kind === "subdag" || node.kind === "trigger") {
      if (implementation !== undefined)
        return await time.during(() => mocked(id, () => implementation(input, contextOf(ground))));
      const runId = childRunIdOf(node, run, clears);
      if (node.kind === "trigger") return { type: "success", output: { runId } };
      const child = this.runChild(node, runId, input, controller.signal);
      if (withinMs === undefined) return await child;
      // Its time can be skipped as its pauses are; it ends before this does.
      return await endedWithin(time, withinMs, child, () => controller.abort(new Error("its time is over")), node);
    }
    if (index === undefined) delete this.progress[id];
    const execution: TaskExecution = {
      ...ground,
      noRetryOn: node.policy.noRetryOn,
      outlets: node.outlets?.map(({ uri }) => uri),
      redactor,
      dag: this.dag,
      input,
      onProgress: ({ done, total, note }) => {
        // Of a mapped task, what counts is how many items have ended.
        if (index !== undefined) return;
        const told = { ...(total === undefined ? {} : { total }), ...(note === undefined ? {} : { note }) };
        this.progress[id] = { done, ...told };
        this.onChange?.(this.view());
      },
      ...(implementation === undefined ? {} : { implementation }),
    };
    return await attemptTask({ node, execution, controller, time, cache, withinMs });
  }

  /** A sub-DAG is a run of its own, in this process as on Temporal. */
  private async runChild(node: GraphNode, runId: string, input: Json, signal: AbortSignal): Promise<TaskOutcome> {
    const { logicalDate, dataInterval, trigger, conf, noCache, assetEvents, emitAssets } = this.state.run;
    const dag = this.dag.children.get(node.id);
    if (dag === undefined) return failed(subdagFailed(runId, unknownDag(node)));
    let plan: RunPlan;
    try {
      // Params that are no object are refused as on Temporal: by the child's own check.
      const params = typeof input === "object" && input !== null && !Array.isArray(input) ? { ...input } : {};
      const now = new Date(this.now());
      const given = { runId, params, conf, logicalDate, dataInterval, trigger, noCache, assetEvents, emitAssets, now };
      plan = planRun(dag, given);
    } catch (error) {
      return failed(subdagFailed(runId, taskErrorOf(error)));
    }
    const child = new InProcessRun(dag, plan, this.ground);
    this.children.set(node.id, child);
    const { state, output, error = { code: "RUN_FAILED", message: "It failed" } } = await child.toItsEnd(signal);
    if (this.children.get(node.id) === child) this.children.delete(node.id);
    if (state === "success") return { type: "success", output };
    return failed(state === "cancelled" ? subdagCancelled(runId) : subdagFailed(runId, error));
  }

  private report({ id, index }: RunTask, outcome: CachedOutcome): void {
    const at = this.now();
    const { cachedFrom } = outcome;
    if (outcome.type === "success") {
      const { output, emitted } = outcome;
      this.feed({ type: "task_succeeded", id, index, output, cachedFrom, emitted, at });
    } else if (outcome.type === "skipped") this.feed({ type: "task_skipped", id, index, reason: outcome.reason, at });
    else if (outcome.type === "failed") this.feed({ type: "task_failed", id, index, error: outcome.error, at });
  }
}

/** What a child run gives, or that its time is over: then it is cancelled, and has ended. */
async function endedWithin(
  time: RunTime,
  withinMs: number,
  child: Promise<TaskOutcome>,
  cancel: () => void,
  { policy }: GraphNode,
): Promise<TaskOutcome> {
  let late = false;
  const forget = time.after(
    withinMs,
    () => {
      late = true;
      cancel();
    },
    false,
  );
  const outcome = await child;
  forget();
  return late ? failed(totalTimeoutError(policy.totalTimeoutMs)) : outcome;
}

/** What stands in for a sub-DAG's run, or a triggered one. */
async function mocked(id: string, give: () => unknown): Promise<TaskOutcome> {
  try {
    return outcomeOfValue(await give(), `"${id}"`);
  } catch (thrown) {
    return outcomeOfThrown(thrown);
  }
}

function failed(error: Extract<TaskOutcome, { type: "failed" }>["error"]): TaskOutcome {
  return { type: "failed", error };
}

function unknownDag({ dag = "" }: GraphNode) {
  return { code: "DAG_NOT_FOUND", message: `There is no DAG "${dag}"` };
}
