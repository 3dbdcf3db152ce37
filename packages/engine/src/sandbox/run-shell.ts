import { ApplicationFailure, CancellationScope, condition, isCancellation, sleep } from "@temporalio/workflow";
import { decide, initialState, isOver } from "../core/decide.ts";
import type { DagGraph, GraphNode } from "../core/graph.ts";
import { answerAsked, clearAsked, markAsked, type Refusal, wordsOf } from "../core/requests.ts";
import { commandsToResume } from "../core/resume.ts";
import type {
  OpenTicket,
  Place,
  RunTask,
  RunView,
  SchedulerCommand,
  SchedulerEvent,
  SchedulerState,
} from "../core/state.ts";
import { lookup, statusesOf } from "../core/statuses.ts";
import { topologyOf } from "../core/topology.ts";
import { viewOf } from "../core/view.ts";
import { AssetSender } from "./asset-sender.ts";
import { executeAttempt, inputTooLarge, nameOf } from "./attempt.ts";
import { Continuation, DRAIN_MS, type ResumedRun } from "./continuation.ts";
import { eventOfFailure } from "./failures.ts";
import type {
  AnswerRequest,
  ClearRequest,
  MarkRequest,
  PlannedRun,
  Remark,
  RunLimits,
  SeriesOutcome,
  UpdateName,
} from "./protocol.ts";
import { recordRun } from "./record-run.ts";
import { RunCallbacks } from "./run-callbacks.ts";
import { leaveLine, waitInLine } from "./run-line.ts";
import { RunSlots } from "./run-slots.ts";
import { publishRun, publishState } from "./search-attributes.ts";
import { outputOfStep, Series } from "./series.ts";

/** Attempts of one run at the server at once: more would overflow its buffers, and replays would eat the gain. */
const MOST_AT_ONCE = 80;

/** What a run whose plan says nothing of limits keeps to: it was planned before there was an object store. */
const WITHOUT_STORE: RunLimits = { input: 1_048_576, result: 1_500_000, events: null };

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
  private readonly assets: AssetSender;
  private readonly recorded: PlannedRun["recorded"];
  /** Attempts that were aborted and have not said so: what takes their place waits for them. */
  private readonly leaving = new Map<string, Promise<void>>();
  private graphKept = false;
  private outstanding = 0;
  /** Attempts that wait for room, in the order in which the core wanted them. */
  private readonly queue: RunTask[] = [];
  private atServer = 0;
  private readonly limits: RunLimits;
  private readonly continuation: Continuation;
  private readonly series: Series;
  /** Null in a run that takes no slots of any pool. */
  private readonly slots: RunSlots | null;

  /**
   * @param given A run that is to begin, or one that a former execution of its workflow has handed on.
   * @param scope What the run's attempts live in: no cancellation but our own reaches them.
   */
  constructor(
    private readonly given: PlannedRun | ResumedRun,
    private readonly scope: CancellationScope,
  ) {
    this.state = "state" in given ? given.state : initialState(given.graph, given.params, given.run, given.seed);
    const { graph, run } = this.state;
    this.callbacks = new RunCallbacks(graph, run, scope, () => viewOf(this.state));
    if ("state" in given) this.callbacks.resume(given);
    this.assets = new AssetSender(graph);
    this.nodes = new Map(graph.nodes.map((node) => [node.id, node]));
    this.recorded = "recorded" in given ? given.recorded : undefined;
    this.limits = given.limits ?? WITHOUT_STORE;
    this.continuation = new Continuation(this.limits.events);
    this.series = new Series(this.limits.series);
    const takesSlots = topologyOf(graph).limited || graph.maxActiveRuns !== undefined;
    this.slots = takesSlots ? new RunSlots(scope) : null;
  }

  view(): RunView {
    return { ...viewOf(this.state), ...this.callbacks.view() };
  }

  /** The graph, of a run whose start could not be kept in the run store. */
  graphNotKept(): DagGraph | undefined {
    return this.graphKept ? undefined : this.state.graph;
  }

  isOver(): boolean {
    return isOver(this.state.state);
  }

  /** The run's end, or how it is to go on in another execution of its workflow. */
  async toItsEnd(): Promise<RunView | ResumedRun> {
    const { maxActiveRuns } = this.state.graph;
    if (this.slots !== null && maxActiveRuns !== undefined)
      await waitInLine(this.slots, this.state, maxActiveRuns, () => this.isOver());
    if (!this.isOver()) await this.goOn();
    if (!this.isOver()) return this.handedOn();
    if (this.slots !== null) await leaveLine(this.slots);
    // A callback may take its time: until then the store knows how the run has ended.
    if (this.callbacks.hasAfter(this.state.state)) await recordRun(this.view());
    await this.callbacks.ended();
    return this.view();
  }

  /** From the first task to the last, or until it is time for another execution. */
  private async goOn(): Promise<void> {
    const before = this.begin();
    // Beside the first tasks, not before them.
    const apart = this.recorded === "apart";
    const recorded = this.recorded === true || recordRun({ ...before, ...this.view() }, this.state.graph, { apart });
    await condition(() => this.isOver() || this.mayContinue());
    this.graphKept = await recorded;
    if (!this.isOver()) return;
    await condition(() => this.outstanding === 0, ABORT_PATIENCE);
    if (this.assets.isBusy()) await this.assets.ended();
  }

  private begin(): RunView {
    const before = this.view();
    if ("state" in this.given) {
      publishRun(before);
      for (const command of commandsToResume(this.state, Date.now())) this.carryOut(command);
    } else {
      publishRun({ ...before, state: before.state === "queued" ? "running" : before.state });
      this.feed({ type: "run_started", at: Date.now() });
    }
    this.callbacks.watch(this.state.startedAt ?? Date.now());
    return before;
  }

  /** Whether nothing runs that would not survive another execution, and it is time for one. */
  private mayContinue(): boolean {
    const quiet = (this.slots?.isQuiet() ?? true) && this.series.isEmpty();
    return (
      this.continuation.isDue() && this.atServer === 0 && quiet && !this.assets.isBusy() && !this.callbacks.isBusy()
    );
  }

  private handedOn(): ResumedRun {
    const { callbacks = {}, deadlineMissedAt } = this.callbacks.view();
    return { state: this.state, limits: this.limits, callbacks, deadlineMissedAt };
  }

  request(name: UpdateName, remark: Remark): void {
    const at = Date.now();
    this.feed(name === "cancel" ? { type: "cancel", reason: wordsOf(remark), at } : { type: name, at });
  }

  /** @throws ApplicationFailure RUN_OVER, NO_SUCH_TASK, NOTHING_TO_CLEAR */
  clear(request: ClearRequest): void {
    this.asked(clearAsked(this.state, request, Date.now()));
  }

  /** @throws ApplicationFailure RUN_OVER, NO_SUCH_TASK */
  mark(as: "success" | "failed", { task, output, by, reason }: MarkRequest): void {
    this.asked(markAsked(this.state, { as, task, output, by, comment: reason }, Date.now()));
  }

  /** @throws ApplicationFailure NOT_WAITING */
  answer(answer: AnswerRequest): void {
    this.asked(answerAsked(this.state, answer, Date.now()));
  }

  private asked(event: SchedulerEvent | Refusal): void {
    if (event.type !== "refused") {
      this.series.forget();
      this.feed(event);
    } else throw ApplicationFailure.create({ type: event.code, message: event.message, nonRetryable: true });
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
      case "run_task": {
        const made = this.series.take(command);
        if (made === undefined) {
          this.queue.push(command);
          this.startQueued();
        } else this.inScope(command.id, async () => this.eventOfStep(this.node(command.id), made));
        return;
      }
      case "acquire_slots":
        this.acquire(command);
        return;
      case "release_slots":
        void this.release(command);
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
      case "emit_assets":
        this.assets.send(command.events);
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

  private acquire(command: Extract<SchedulerCommand, { type: "acquire_slots" }>): void {
    const { id, index, ticket, claims, priority } = command;
    const onHeld = () => this.feed({ type: "slots_granted", id, index, ticket, at: Date.now() });
    this.slots?.take({ ticket, task: nameOf(command), claims, priority, onHeld });
  }

  /** An attempt that was aborted holds its slots until it has said so. */
  private async release({ ticket, ...place }: OpenTicket): Promise<void> {
    const leaving = this.leaving.get(nameOf(place));
    if (leaving !== undefined) await leaving;
    this.slots?.release(ticket);
  }

  private startQueued(): void {
    if (this.continuation.begins()) this.holdBack();
    while (this.atServer < MOST_AT_ONCE && !this.continuation.isDue()) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.attempt(next);
    }
  }

  private holdBack(): void {
    void this.scope.run(async () => {
      await sleep(DRAIN_MS, { summary: "continue as new" });
      this.continuation.gaveUp();
      this.startQueued();
    });
  }

  private unqueue(name: string): void {
    const place = this.queue.findIndex((command) => nameOf(command) === name);
    if (place >= 0) this.queue.splice(place, 1);
  }

  private attempt(command: RunTask): void {
    const { id, index, input, withinMs } = command;
    const node = this.node(id);
    const place = { id, index };
    this.atServer += 1;
    const followers = this.series.followers(this.state, node, command);
    const leaving = this.leaving.get(nameOf(place));
    this.inScope(nameOf(place), async () => {
      try {
        if (leaving !== undefined) await leaving;
        const bytes = JSON.stringify(input).length;
        const most = this.limits.input;
        if (bytes > most) return { type: "task_failed", ...place, error: inputTooLarge(bytes, most), at: Date.now() };
        // No further `await` on the way of runs that know no series: their histories hold the order of things.
        const step = followers.length > 0 ? await this.series.execute(this.state, node, command, followers) : null;
        if (step !== null) return this.eventOfStep(node, step);
        const { output, cachedFrom, emitted } = await executeAttempt(this.state, node, command);
        return { type: "task_succeeded", ...place, output, cachedFrom, emitted, at: Date.now() };
      } catch (thrown) {
        return eventOfFailure(node, place, thrown, Date.now(), withinMs);
      } finally {
        this.atServer -= 1;
        this.startQueued();
      }
    });
  }

  private node(id: string): GraphNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`The core named an unknown node: ${id}`);
    return node;
  }

  private eventOfStep(node: GraphNode, outcome: SeriesOutcome): SchedulerEvent {
    const at = this.momentOf(outcome.endedAt, node.id);
    try {
      return { type: "task_succeeded", id: node.id, output: outputOfStep(outcome), at };
    } catch (thrown) {
      return eventOfFailure(node, { id: node.id }, thrown, at);
    }
  }

  /** When a step of a series ended, by the clock of its worker; never before it began, nor in the future. */
  private momentOf(endedAt: number, id: string): number {
    // Not `state.tasks`: that makes a record of all of them.
    const { startedAt = endedAt } = lookup(this.state, statusesOf(this.state))(id);
    return Math.min(Date.now(), Math.max(endedAt, startedAt));
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

  /** How large this run's result may be, in characters of JSON. */
  largestResult(): number {
    return this.limits.result;
  }
}
