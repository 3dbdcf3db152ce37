/** One DAG in both shells: on a Temporal server and in this process, steered alike, compared by their outcomes. */
import { setTimeout as pause } from "node:timers/promises";
import type { Dag, RunView } from "@dagwright/engine";
import { memoryCache, type RunControl, runInProcess, type TaskCache } from "@dagwright/engine/testing";
import { Client, Connection } from "@temporalio/client";
import type { Embedded } from "./embedded.ts";
import { keysOf } from "./twins-dags.ts";

/** What a run can be asked for, in either shell. */
export interface Steering {
  ask(
    what: "pause" | "resume" | "cancel" | "clear" | "markSuccess" | "markFailed" | "answer",
    argument?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  /** Cancels the run that a `subdag` node has going. */
  cancelChild(task: string): Promise<void>;
  view(): Promise<RunView>;
  /** Waits until the run's view is as it is wanted. */
  until(wanted: (view: RunView) => boolean | undefined): Promise<void>;
}

export interface Case {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly noCache?: boolean;
  readonly steer?: (run: Steering) => Promise<void>;
  /** How tasks stand at first, as `clearedRun` gives it. */
  readonly seed?: unknown;
}

/** Both outcomes of a run, and the idempotency keys of what ran. */
export interface Twins {
  readonly temporal: Outcome;
  readonly inProcess: Outcome;
  readonly view: RunView;
}
export type Outcome = ReturnType<typeof outcomeOf>;

/** What is the same in both shells: all but moments. */
function outcomeOf(view: RunView, keys: readonly string[]) {
  const plain = ({ startedAt: _, endedAt: __, dueAt: ___, ...task }: Partial<RunView["tasks"][string]>): object => ({
    ...task,
    ...(isMoment(task.output) ? { output: "a moment" } : {}),
    ...(task.error === undefined ? {} : { error: { code: task.error.code, message: task.error.message } }),
    ...(task.mapped === undefined ? {} : { mapped: task.mapped.map(plain) }),
  });
  const { state, output, error, callbacks, deadlineMissedAt, tasks, params } = view;
  return JSON.parse(
    JSON.stringify({
      ...{ state, output, params, callbacks, code: error?.code, message: error?.message },
      missed: deadlineMissedAt !== undefined,
      tasks: Object.fromEntries(Object.entries(tasks).map(([id, task]) => [id, plain(task)])),
      keys: [...keys].sort(),
    }),
  ) as {
    state: string;
    output: unknown;
    code?: string;
    message?: string;
    missed: boolean;
    callbacks?: RunView["callbacks"];
    tasks: RunView["tasks"];
    keys: readonly string[];
  };
}

function isMoment(output: unknown): boolean {
  return typeof output === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(output);
}

export class TwinRunner {
  private readonly cache: TaskCache = memoryCache();
  private count = 0;

  private constructor(
    private readonly embedded: Embedded,
    private readonly taskQueue: string,
    private readonly connection: Connection,
    private readonly temporal: Client,
  ) {}

  static async over(embedded: Embedded, taskQueue: string): Promise<TwinRunner> {
    const connection = await Connection.connect({ address: embedded.address });
    return new TwinRunner(embedded, taskQueue, connection, new Client({ connection }));
  }

  /** How many local activities the history of a run holds. */
  async localActivitiesOf(runId: string): Promise<number> {
    const { events } = await this.temporal.workflow.getHandle(runId).fetchHistory();
    const names = (events ?? []).map((event) => event.markerRecordedEventAttributes?.markerName);
    return names.filter((name) => name === "core_local_activity").length;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** Runs a DAG in both shells, under the same id. */
  async run(dag: Dag, one: Case = {}, runId = `${dag.id}/twin-${++this.count}`): Promise<Twins> {
    const view = await this.onTemporal(dag, one, runId);
    const temporal = outcomeOf(view, this.keys(runId));
    const inProcess = outcomeOf(await this.inProcess(dag, one, runId), this.keys(runId));
    return { temporal, inProcess, view };
  }

  /** The keys of what has run under an id, and under those of its sub-DAGs; they are taken. */
  private keys(runId: string): readonly string[] {
    const found: string[] = [];
    for (const [id, keys] of keysOf) {
      if (!id.includes(runId)) continue;
      found.push(...keys);
      keysOf.delete(id);
    }
    return found;
  }

  private async onTemporal(dag: Dag, { params, noCache, steer, seed }: Case, runId: string): Promise<RunView> {
    const { engine } = this.embedded;
    const input = { params: params ?? {}, ...(noCache ? { noCache } : {}), ...(seed === undefined ? {} : { seed }) };
    const handle = await this.temporal.workflow.start(dag.id, {
      workflowId: runId,
      taskQueue: this.taskQueue,
      args: [{ ...input, logicalDate: "2026-01-02" }],
      workflowIdReusePolicy: "ALLOW_DUPLICATE",
    });
    const view = async () => await engine.getRun(runId);
    await steer?.({
      view,
      until: async (wanted) => await until(view, wanted),
      cancelChild: async (task) => {
        await engine.cancelRun((await view()).tasks[task]?.childRunId ?? "");
      },
      ask: async (what, argument = {}) => {
        await handle.executeUpdate(what, { args: [argument] });
      },
    });
    return await engine.waitForRun(runId, { pollMs: 50 });
  }

  private async inProcess(dag: Dag, { params, noCache, steer, seed }: Case, runId: string): Promise<RunView> {
    let control: RunControl | undefined;
    const run = runInProcess(dag, {
      ...{ runId, logicalDate: "2026-01-02", cache: this.cache, noCache: noCache === true },
      params: { ...params },
      ...(seed === undefined ? {} : { seed: seed as never }),
      ...(steer === undefined
        ? {}
        : {
            control: (given: RunControl) => {
              control = given;
            },
          }),
    });
    const known = () => {
      if (control === undefined) throw new Error("Nothing was handed out to steer the run by");
      return control;
    };
    const view = async () => known().view();
    await steer?.({
      view,
      until: async (wanted) => await until(view, wanted),
      cancelChild: async (task) => known().child(task)?.cancel(),
      ask: async (what, argument = {}) => known()[what](argument as never),
    });
    return await run;
  }
}

async function until(view: () => Promise<RunView>, wanted: (view: RunView) => boolean | undefined): Promise<void> {
  for (const since = Date.now(); ; await pause(20)) {
    const now = await view();
    if (wanted(now)) return;
    if (Date.now() - since > 20_000) throw new Error(`Not seen in time; the run is: ${JSON.stringify(now)}`);
  }
}
