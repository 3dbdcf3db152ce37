import type { z } from "zod";
import { decide, initialState } from "../core/decide.ts";
import type { GraphNode, Json } from "../core/graph.ts";
import type {
  Answer,
  AssetEvent,
  Place,
  RunSeed,
  RunTrigger,
  RunView,
  SchedulerCommand,
  SchedulerEvent,
  TaskProgress,
} from "../core/state.ts";
import { viewOf } from "../core/view.ts";
import { executeFunction, executeTask, type TaskExecution, taskIdOf } from "../execution/execute-task.ts";
import { finalFailure, sensorTimedOut, type TaskOutcome } from "../execution/outcome.ts";
import type { TaskServices } from "../language/context.ts";
import type { Dag } from "../language/dag.ts";
import { planRun } from "../language/plan.ts";
import { implementationsOf, type Mocks } from "./mocks.ts";

/** How to run a DAG in this process. */
export interface InProcessOptions<Params extends z.ZodObject = z.ZodObject> {
  readonly params?: z.input<Params>;
  readonly conf?: { readonly [key: string]: Json };
  /** A day or ISO-8601 moment. @default as for a manual run */
  readonly logicalDate?: string;
  /** @default "manual"; "asset" with `assetEvents` */
  readonly trigger?: RunTrigger;
  /** The events that it is started by; what is not said of one is made up. @default none */
  readonly assetEvents?: readonly (Pick<AssetEvent, "uri"> & Partial<AssetEvent>)[];
  /** Whether what its tasks update has events. @default true */
  readonly emitAssets?: boolean;
  /** @default `<dag id>/<logical date>` */
  readonly runId?: string;
  /**
   * What a person would answer, by the id of the `approval`. One that is not here is rejected, by "nobody": in this
   * process there is nobody to ask.
   */
  readonly answers?: Readonly<Record<string, Answer>>;
  /** Stand-ins by node id or task name. */
  readonly mocks?: Mocks;
  /** The way to MCP servers, and logs. Without it a task that asks a server fails with `NO_MCP`. */
  readonly services?: TaskServices;
  /** How tasks stand at first, as `clearedRun` gives it. @default untouched */
  readonly seed?: RunSeed;
  /** Called after every change of the run, progress included. */
  readonly onChange?: (view: RunView) => void;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
  /** Retries are made at once, without their delays. @default true */
  readonly skipDelays?: boolean;
  /** Cancels the run. */
  readonly signal?: AbortSignal;
}

const NO_SERVICES: TaskServices = {
  mcp: ({ name }) => {
    const hint = "Mock the task, or pass `services`.";
    throw Object.assign(new Error(`The task asks the MCP server "${name}", and there is none`), {
      code: "NO_MCP",
      hint,
      retryable: false,
    });
  },
};

/**
 * Runs a DAG in this process, without a server: the same scheduler, tasks and states as on Temporal. For tests, and for
 * a person on a train. A failed run is a value, not an error.
 *
 * @throws InvalidParamsError, InvalidLogicalDateError, UnknownMockError
 */
export async function runInProcess<Params extends z.ZodObject>(
  dag: Dag<Params>,
  options: InProcessOptions<Params> = {},
): Promise<RunView> {
  const { clock = Date.now, params = {}, conf = {}, logicalDate, runId, mocks = {}, emitAssets } = options;
  const assetEvents = options.assetEvents?.map((event, place) => ({
    ...{ id: `given-${place}`, at: new Date(clock()).toISOString(), extra: {}, source: { by: "a test" } },
    ...event,
  }));
  const trigger = options.trigger ?? (assetEvents === undefined ? "manual" : "asset");
  // A DAG of any params is a DAG to whoever only runs it.
  const known = dag as unknown as Dag;
  const implementationOf = implementationsOf(known, mocks);
  const plan = planRun(known, {
    ...{ runId, params, conf, logicalDate, trigger, assetEvents, emitAssets },
    now: new Date(clock()),
  });
  return await new InProcessRun(known, plan, options, clock, implementationOf).toItsEnd();
}

/** Carries out what the scheduler decides, and tells it what came of it. */
class InProcessRun {
  private state;
  private readonly progress: Record<string, TaskProgress> = {};
  private readonly running = new Map<string, AbortController>();
  private readonly waiting = new Set<ReturnType<typeof setTimeout>>();
  private readonly end: Promise<RunView>;
  private resolve: (view: RunView) => void = () => {};
  private reject: (error: unknown) => void = () => {};

  constructor(
    private readonly dag: Dag,
    plan: ReturnType<typeof planRun>,
    private readonly options: InProcessOptions<never>,
    private readonly clock: () => number,
    private readonly implementationOf: ReturnType<typeof implementationsOf>,
  ) {
    this.state = initialState(plan.graph, plan.params, plan.run, options.seed);
    this.end = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  async toItsEnd(): Promise<RunView> {
    const { signal } = this.options;
    const cancel = () => this.feed({ type: "cancel", reason: String(signal?.reason ?? "aborted"), at: this.clock() });
    this.feed({ type: "run_started", at: this.clock() });
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      return await this.end;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  private feed(event: SchedulerEvent): void {
    try {
      const decision = decide(this.state, event);
      this.state = decision.state;
      this.options.onChange?.(this.view());
      for (const command of decision.commands) this.carryOut(command);
    } catch (error) {
      this.reject(error);
    }
  }

  private carryOut(command: SchedulerCommand): void {
    switch (command.type) {
      case "run_task":
        this.attempt(command).then((outcome) => this.report(command, outcome), this.reject);
        return;
      case "wait_retry":
        this.waitFor(command, (this.options.skipDelays ?? true) ? 0 : command.delayMs);
        return;
      case "wait":
        this.after((this.options.skipDelays ?? true) ? 0 : command.delayMs, () =>
          this.feed({ type: "wait_over", id: command.id, at: this.clock() }),
        );
        return;
      case "ask":
        this.after(0, () => this.answer(command.id));
        return;
      case "cancel_task":
        this.running.get(taskIdOf(command.id, command.index))?.abort(new Error("the run was cancelled"));
        return;
      case "emit_assets":
        // In this process nobody waits for them; the run's view shows them.
        return;
      case "finish_run":
        for (const timer of this.waiting) clearTimeout(timer);
        this.resolve(this.view());
        return;
    }
  }

  private answer(id: string): void {
    const nobody = { approved: false, by: "nobody", comment: "in this process there is nobody to ask: give `answers`" };
    // Of its own time-out, where it has one, the test may be about.
    const given = this.options.answers?.[id];
    const timed = this.state.graph.nodes.find((node) => node.id === id)?.approval?.timeoutMs !== undefined;
    if (given === undefined && timed) return;
    this.feed({ type: "answer", id, ...(given ?? nobody), at: this.clock() });
  }

  private waitFor({ id, index }: Place, delayMs: number): void {
    this.after(delayMs, () => this.feed({ type: "retry_due", id, index, at: this.clock() }));
  }

  private after(delayMs: number, then: () => void): void {
    const timer = setTimeout(
      () => {
        this.waiting.delete(timer);
        // A timer of Node counts 24.8 days at most.
        if (delayMs > LONGEST_TIMER) this.after(delayMs - LONGEST_TIMER, then);
        else then();
      },
      Math.min(delayMs, LONGEST_TIMER),
    );
    this.waiting.add(timer);
  }

  private async attempt({
    id,
    index,
    attempt,
    clears,
    input,
  }: Extract<SchedulerCommand, { type: "run_task" }>): Promise<TaskOutcome> {
    const node = this.state.graph.nodes.find((one) => one.id === id);
    if (node?.kind === "derive") return await executeFunction(this.dag, id, input);
    const controller = new AbortController();
    this.running.set(taskIdOf(id, index), controller);
    if (index === undefined) delete this.progress[id];
    const implementation = this.implementationOf(id);
    const execution: TaskExecution = {
      dag: this.dag,
      nodeId: id,
      index,
      input,
      attempt,
      clears,
      run: this.state.run,
      outlets: node?.outlets?.map(({ uri }) => uri),
      services: this.options.services ?? NO_SERVICES,
      signal: controller.signal,
      onProgress: ({ done, total, note }) => {
        // Of a mapped task, what counts is how many items have ended.
        if (index !== undefined) return;
        this.progress[id] = {
          done,
          ...(total === undefined ? {} : { total }),
          ...(note === undefined ? {} : { note }),
        };
        this.options.onChange?.(this.view());
      },
      ...(implementation === undefined ? {} : { implementation }),
    };
    const { policy, sensor } = node ?? {};
    const look = () => withinTime(executeTask(execution), policy?.timeoutMs ?? 0, controller);
    return sensor === undefined ? await look() : await this.lookUntilThere(sensor, look, controller.signal);
  }

  /** Looks every so often; where delays are skipped, the time they would have taken is counted all the same. */
  private async lookUntilThere(
    sensor: NonNullable<GraphNode["sensor"]>,
    look: () => Promise<TaskOutcome>,
    signal: AbortSignal,
  ): Promise<TaskOutcome> {
    for (let waited = 0; ; waited += sensor.pokeMs) {
      const outcome = await look();
      if (outcome.type !== "not_yet") return outcome;
      if (waited + sensor.pokeMs > sensor.timeoutMs) return sensorTimedOut(sensor);
      await new Promise<void>((later) => this.after((this.options.skipDelays ?? true) ? 0 : sensor.pokeMs, later));
      if (signal.aborted) return finalFailure({ code: "CANCELLED", message: "The run was cancelled" });
    }
  }

  private report({ id, index }: Place, outcome: TaskOutcome): void {
    this.running.delete(taskIdOf(id, index));
    const at = this.clock();
    if (outcome.type === "success") {
      const { output, emitted } = outcome;
      this.feed({ type: "task_succeeded", id, index, output, emitted, at });
    }
    if (outcome.type === "skipped") this.feed({ type: "task_skipped", id, index, reason: outcome.reason, at });
    else if (outcome.type === "failed") this.feed({ type: "task_failed", id, index, error: outcome.error, at });
  }

  private view(): RunView {
    return viewOf(this.state, this.progress);
  }
}

/** The longest wait of `setTimeout`, in milliseconds (24.8 days): a longer time is no limit. */
const LONGEST_TIMER = 2_147_483_647;

async function withinTime(
  work: Promise<TaskOutcome>,
  timeoutMs: number,
  controller: AbortController,
): Promise<TaskOutcome> {
  if (timeoutMs > LONGEST_TIMER) return await work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<TaskOutcome>((resolve) => {
    timer = setTimeout(() => {
      const message = `The attempt took longer than its timeout of ${timeoutMs} ms`;
      controller.abort(new Error(message));
      resolve({ type: "failed", error: { code: "TASK_TIMEOUT", message, retryable: true } });
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
