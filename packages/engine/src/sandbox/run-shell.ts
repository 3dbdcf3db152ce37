import {
  ActivityCancellationType,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  scheduleActivity,
  scheduleLocalActivity,
  sleep,
  workflowInfo,
} from "@temporalio/workflow";
import { placesToClear } from "../core/clear.ts";
import { decide, initialState, isOver } from "../core/decide.ts";
import type { GraphNode, Json } from "../core/graph.ts";
import { placeNamed } from "../core/mapped.ts";
import type { Place, RunView, SchedulerCommand, SchedulerEvent, SchedulerState, TaskError } from "../core/state.ts";
import { viewOf } from "../core/view.ts";
import { runSubdag, triggerRun } from "./child-runs.ts";
import { eventOfFailure } from "./failures.ts";
import {
  ACTIVITY,
  type AnswerRequest,
  type AttemptRequest,
  type AttemptResult,
  type ClearRequest,
  type DeriveRequest,
  type MarkRequest,
  type PlannedRun,
  type Remark,
  type UpdateName,
} from "./protocol.ts";
import { recordRun } from "./record-run.ts";
import { RunCallbacks } from "./run-callbacks.ts";
import { publishRun, publishState } from "./search-attributes.ts";

/** Attempts of one run at the server at once: more would overflow its buffers, and replays would eat the gain. */
const MOST_AT_ONCE = 80;

/** Largest input of a task, in characters of JSON: Temporal refuses what is beyond 2 MiB, again and again. */
const LARGEST_INPUT = 1_048_576;

/** How long a run that has ended waits for its aborted attempts to say so. */
const ABORT_PATIENCE = "10s";

/**
 * Carries out on Temporal what the scheduler core decides: a task is an activity, light tasks and `derive` are local
 * activities, a pause before a retry is a timer.
 */
export class RunShell {
  private state: SchedulerState;
  private readonly nodes: ReadonlyMap<string, GraphNode>;
  private readonly running = new Map<string, CancellationScope>();
  private readonly callbacks: RunCallbacks;
  private readonly recorded: boolean;
  /** Attempts that were aborted and have not said so: what takes their place waits for them. */
  private readonly leaving = new Map<string, Promise<void>>();
  private outstanding = 0;
  /** Attempts that wait for room, in the order in which the core wanted them. */
  private readonly queue: Extract<SchedulerCommand, { type: "run_task" }>[] = [];
  private atServer = 0;

  /** @param scope What the run's attempts live in: no cancellation but our own reaches them. */
  constructor(
    { graph, params, run, seed, recorded = false }: PlannedRun,
    private readonly scope: CancellationScope,
  ) {
    this.state = initialState(graph, params, run, seed);
    this.recorded = recorded;
    this.callbacks = new RunCallbacks(graph, run, scope, () => viewOf(this.state));
    this.nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  }

  view(): RunView {
    return { ...viewOf(this.state), ...this.callbacks.view() };
  }

  isOver(): boolean {
    return isOver(this.state.state);
  }

  async toItsEnd(): Promise<RunView> {
    publishRun({ ...this.view(), state: "running" });
    this.feed({ type: "run_started", at: Date.now() });
    this.callbacks.watch();
    const recorded = this.recorded ? null : recordRun(this.view(), this.state.graph);
    await condition(() => this.isOver());
    await recorded;
    await condition(() => this.outstanding === 0, ABORT_PATIENCE);
    // A callback may take its time: until then the store knows how the run has ended.
    if (this.callbacks.hasAfter(this.state.state)) await recordRun(this.view());
    await this.callbacks.ended();
    return this.view();
  }

  request(name: UpdateName, { by, reason }: Remark): void {
    const who = by === undefined ? "" : `by ${by}`;
    const why = [reason, who].filter(Boolean).join(" ") || "on request";
    const at = Date.now();
    this.feed(name === "cancel" ? { type: "cancel", reason: why, at } : { type: name, at });
  }

  /** @throws ApplicationFailure NO_SUCH_TASK, NOTHING_TO_CLEAR */
  clear({ tasks, downstream = true }: ClearRequest): void {
    const places = placesToClear(this.state.graph, this.view(), { tasks }, true);
    for (const place of places) this.mustHave(place);
    if (places.length === 0)
      throw refusal("NOTHING_TO_CLEAR", "No task of this run has failed: name those to run again");
    this.feed({ type: "clear", places, downstream, at: Date.now() });
  }

  /** @throws ApplicationFailure NO_SUCH_TASK */
  mark(as: "success" | "failed", { task, output, by, reason }: MarkRequest): void {
    const place = placeNamed(task);
    this.mustHave(place);
    this.feed({ type: "mark", ...place, as, output, by, comment: reason, at: Date.now() });
  }

  private mustHave({ id, index }: Place): void {
    if (this.isOver()) throw refusal("RUN_OVER", "The run has ended: try again when it is closed");
    if (!this.nodes.has(id))
      throw refusal("NO_SUCH_TASK", `This run has no task "${id}"; it has: ${[...this.nodes.keys()].join(", ")}`);
    const items = this.state.tasks[id]?.mapped?.length ?? 0;
    if (index !== undefined && index >= items)
      throw refusal("NO_SUCH_TASK", `Task "${id}" has no item ${index}: it has ${items} (from 0) at the moment`);
  }

  private feed(event: SchedulerEvent): void {
    const before = this.state.state;
    const { state, commands } = decide(this.state, event);
    this.state = state;
    if (state.state !== before && event.type !== "run_started") publishState(state.state);
    for (const command of commands) this.carryOut(command);
  }

  private carryOut(command: SchedulerCommand): void {
    switch (command.type) {
      case "run_task":
        this.queue.push(command);
        this.startQueued();
        return;
      case "wait_retry":
        this.waitForRetry(command, command.delayMs);
        return;
      case "wait":
        this.wait(command.id, command.delayMs);
        return;
      case "ask":
        // Whoever answers finds it by the run's view.
        return;
      case "cancel_task":
        this.unqueue(nameOf(command));
        this.abort(nameOf(command));
        return;
      case "finish_run":
        // Timers of retries that will not come.
        for (const scope of this.running.values()) scope.cancel();
        return;
    }
  }

  /** Aborts what runs under a name; what comes of it is not awaited any more. */
  private abort(name: string): void {
    this.running.get(name)?.cancel();
    this.running.delete(name);
  }

  private startQueued(): void {
    while (this.atServer < MOST_AT_ONCE) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.attempt(next);
    }
  }

  private unqueue(name: string): void {
    const place = this.queue.findIndex((command) => nameOf(command) === name);
    if (place >= 0) this.queue.splice(place, 1);
  }

  private attempt({ id, index, attempt, clears, input }: Extract<SchedulerCommand, { type: "run_task" }>): void {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`The core named an unknown node: ${id}`);
    const place = { id, index };
    this.atServer += 1;
    const leaving = this.leaving.get(nameOf(place));
    this.inScope(nameOf(place), async () => {
      try {
        if (leaving !== undefined) await leaving;
        const bytes = JSON.stringify(input).length;
        if (bytes > LARGEST_INPUT)
          return { type: "task_failed", ...place, error: inputTooLarge(bytes), at: Date.now() };
        const { output, cachedFrom } = await this.execute(node, { index, clears }, attempt, input);
        return { type: "task_succeeded", ...place, output, cachedFrom, at: Date.now() };
      } catch (thrown) {
        return eventOfFailure(node, place, thrown, Date.now());
      } finally {
        this.atServer -= 1;
        this.startQueued();
      }
    });
  }

  private waitForRetry({ id, index }: Place, delayMs: number): void {
    const name = nameOf({ id, index });
    this.inScope(name, async () => {
      try {
        await sleep(delayMs, { summary: `retry of ${name}` });
        return { type: "retry_due", id, index, at: Date.now() };
      } catch (thrown) {
        if (isCancellation(thrown)) return null;
        throw thrown;
      }
    });
  }

  /** Temporal itself tries a sensor again: a look costs no history, and nobody is kept busy between two looks. */
  private lookingEverySoOften(id: string, { pokeMs, timeoutMs }: NonNullable<GraphNode["sensor"]>) {
    const { startedAt = Date.now() } = this.state.tasks[id] ?? {};
    return {
      scheduleToCloseTimeout: Math.max(1, startedAt + timeoutMs - Date.now()),
      retry: { initialInterval: pokeMs, maximumInterval: pokeMs, backoffCoefficient: 1 },
    };
  }

  answer({ task, approved, by, comment }: AnswerRequest): void {
    if (this.state.tasks[task]?.asks === undefined) {
      const open = Object.entries(this.state.tasks).flatMap(([id, { asks }]) => (asks === undefined ? [] : [id]));
      const message = `Task "${task}" waits for no approval; ${open.length > 0 ? `waiting: ${open.join(", ")}` : "none does"}`;
      throw ApplicationFailure.create({ type: "NOT_WAITING", message, nonRetryable: true });
    }
    this.feed({ type: "answer", id: task, approved, by, comment, at: Date.now() });
  }

  private wait(id: string, delayMs: number): void {
    this.inScope(id, async () => {
      try {
        await sleep(delayMs, { summary: id });
        return { type: "wait_over", id, at: Date.now() };
      } catch (thrown) {
        if (isCancellation(thrown)) return null;
        throw thrown;
      }
    });
  }

  private inScope(id: string, work: () => Promise<SchedulerEvent | null>): void {
    const scope = new CancellationScope({ cancellable: true, parent: this.scope });
    this.running.set(id, scope);
    this.outstanding += 1;
    const done = scope.run(work).then((event) => {
      this.outstanding -= 1;
      if (this.leaving.get(id) === done) this.leaving.delete(id);
      // What was aborted has no say: the place may be another attempt's by now.
      if (this.running.get(id) !== scope) return;
      this.running.delete(id);
      if (event !== null) this.feed(event);
    });
    this.leaving.set(id, done);
  }

  private async execute(
    node: GraphNode,
    { index, clears }: { index: number | undefined; clears: number },
    attempt: number,
    input: Json,
  ): Promise<AttemptResult> {
    const { id, policy } = node;
    const { graph, run } = this.state;
    if (node.kind === "subdag") return { output: await runSubdag({ node, run, input, clears }) };
    if (node.kind === "trigger") return { output: await triggerRun({ node, run, input, clears }) };
    const name = nameOf({ id, index });
    const title = attempt > 1 ? `${name}, attempt ${attempt}` : name;
    const summary = node.summary === undefined ? title : `${title}: ${node.summary}`;
    // The core owns retries: it alone knows a failure from a lost worker.
    const options = { startToCloseTimeout: policy.timeoutMs, retry: { maximumAttempts: 1 }, summary };
    if (node.kind === "derive") {
      const request: DeriveRequest = { dagId: graph.dagId, nodeId: id, args: input };
      return { output: await scheduleLocalActivity<Json>(ACTIVITY.derive, [request], options) };
    }
    const request: AttemptRequest = {
      dagId: graph.dagId,
      dagVersion: graph.version,
      nodeId: id,
      ...(index === undefined ? {} : { index }),
      ...(clears > 0 ? { clears } : {}),
      ...(node.cache === undefined ? {} : { cache: { ...node.cache, read: clears === 0 && run.noCache !== true } }),
      attempt,
      run,
      executionId: workflowInfo().firstExecutionRunId,
    };
    const type = node.task ?? id;
    if (node.light) return { output: await scheduleLocalActivity<Json>(type, [input, request], options) };
    const returned = await scheduleActivity<Json | AttemptResult>(type, [input, request], {
      ...options,
      ...(node.sensor === undefined ? {} : this.lookingEverySoOften(id, node.sensor)),
      activityId: name,
      heartbeatTimeout: policy.heartbeatMs,
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      ...(node.queue === undefined ? {} : { taskQueue: node.queue }),
    });
    // What a task with a cache returns says so.
    return node.cache === undefined ? { output: returned as Json } : (returned as AttemptResult);
  }
}

function refusal(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}

function inputTooLarge(bytes: number): TaskError {
  return {
    code: "INPUT_TOO_LARGE",
    message: `Its input has ${bytes} bytes as JSON: at most ${LARGEST_INPUT} are allowed`,
    hint: "Pass data by reference: a table or file, and its version.",
    retryable: false,
  };
}

/** What an attempt is called in Temporal's UI: a node's id, with the place of the item when it is mapped. */
function nameOf({ id, index }: Place): string {
  return index === undefined ? id : `${id}[${index}]`;
}
