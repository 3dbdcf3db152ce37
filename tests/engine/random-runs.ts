/** A scenario in either shell: its run, what is done to it on the way and after its end, and what came of it. */
import { setTimeout as pause } from "node:timers/promises";
import type { Dag, RunView } from "@dagwright/engine";
import { clearedRun, markedRun, type RunControl, runInProcess } from "@dagwright/engine/testing";
import type { Client } from "@temporalio/client";
import type { Embedded } from "./embedded.ts";
import { type Effect, type Operation, type Scenario, takeEffects } from "./random-dags.ts";

/** The logical date of every run, and who answers. */
const logicalDate = "2026-01-02";
const BY = "ada";

/** A run from one start to its end. */
export interface Execution {
  /** What was asked for to have it: nothing of the first. */
  readonly asked: Asked | undefined;
  /** What was done while it waited for its approval, and what came of that. */
  readonly live: readonly Asked[];
  readonly view: RunView;
  readonly effects: readonly Effect[];
  readonly ofChildren: readonly string[];
}

/** Something asked of a run, as it came to be with the nodes that it has. */
export interface Asked {
  readonly type: Operation["type"];
  readonly task?: string;
  readonly downstream?: boolean;
  /** What runs again, or why nothing is done. */
  readonly result: readonly string[] | string;
}

/** What is done to a run while it goes on. */
interface Steering {
  view(): Promise<RunView>;
  ask(what: "clear" | "markSuccess" | "markFailed" | "answer", argument: object): Promise<void>;
  readonly pollMs: number;
}

/** Each execution of a scenario's run. */
export type Shell = (dag: Dag, runId: string, scenario: Scenario) => Promise<readonly Execution[]>;

/** In this process. */
export const inProcess: Shell = async (dag, runId, scenario) => {
  const executions: Execution[] = [];
  const run = async (asked: Asked | undefined, seed: unknown) => {
    let steered: Promise<readonly Asked[]> = Promise.resolve([]);
    const asks = hasApproval(dag);
    const view = await runInProcess(dag, {
      ...{ runId, logicalDate },
      ...(seed === undefined ? {} : { seed: seed as never }),
      ...(asks
        ? {
            control: (control: RunControl) => {
              const steering: Steering = {
                pollMs: 1,
                view: async () => control.view(),
                ask: async (what, argument) => control[what](argument as never),
              };
              steered = steer(steering, asked === undefined ? scenario : { ...scenario, live: [] });
            },
          }
        : {}),
    });
    executions.push(executionOf(runId, view, asked, await steered));
    return view;
  };
  let view = await run(undefined, undefined);
  for (const operation of scenario.later) {
    const { task, downstream } = meant(operation, view);
    let cleared: readonly string[] | string = "marked";
    let seed: unknown;
    if (task === undefined || operation.type === "clear") {
      const again = clearedRun(dag.graph, view, { tasks: task === undefined ? undefined : [task], downstream });
      seed = again.seed;
      cleared = again.cleared.length === 0 ? "NOTHING_TO_CLEAR" : again.cleared;
    } else {
      const as = operation.type === "mark_success" ? "success" : "failed";
      seed = markedRun(dag.graph, view, placeNamed(task), { as, by: BY }, Date.now());
    }
    // Through text, as it goes through Temporal.
    if (cleared !== "NOTHING_TO_CLEAR")
      view = await run(askedOf(operation, task, downstream, cleared), JSON.parse(JSON.stringify(seed)));
  }
  return executions;
};

/** On a Temporal server. */
export function onTemporal({ engine }: Embedded, temporal: Client, taskQueue: string): Shell {
  return async (dag, runId, scenario) => {
    const executions: Execution[] = [];
    const ended = async (asked: Asked | undefined) => {
      const handle = temporal.workflow.getHandle(runId);
      const steering: Steering = {
        pollMs: 30,
        view: async () => await engine.getRun(runId),
        ask: async (what, argument) => {
          await handle.executeUpdate(what, { args: [argument] });
        },
      };
      const live = hasApproval(dag)
        ? await steer(steering, asked === undefined ? scenario : { ...scenario, live: [] })
        : [];
      const view = await engine.waitForRun(runId, { pollMs: 30 });
      executions.push(executionOf(runId, view, asked, live));
      return view;
    };
    await temporal.workflow.start(dag.id, { workflowId: runId, taskQueue, args: [{ logicalDate }] });
    let view = await ended(undefined);
    for (const operation of scenario.later) {
      const { task, downstream } = meant(operation, view);
      let cleared: readonly string[] | string = "marked";
      if (task === undefined || operation.type === "clear") {
        try {
          cleared = (await engine.clearRun(runId, { ...(task === undefined ? {} : { tasks: [task] }), downstream }))
            .cleared;
        } catch (error) {
          cleared = codeOf(error);
        }
      } else {
        await engine.markTask(runId, { task, as: operation.type === "mark_success" ? "success" : "failed", by: BY });
      }
      if (typeof cleared === "object" || cleared === "marked")
        view = await ended(askedOf(operation, task, downstream, cleared));
      else if (cleared !== "NOTHING_TO_CLEAR") throw new Error(cleared);
    }
    return executions;
  };
}

/** Does what is to be done each time the run stands still at its approval, and answers it in the end. */
async function steer({ view: look, ask, pollMs }: Steering, { live, approved }: Scenario): Promise<readonly Asked[]> {
  const left = [...live];
  const done: Asked[] = [];
  for (const since = Date.now(); ; await pause(pollMs)) {
    const view = await look();
    if (["success", "failed", "cancelled"].includes(view.state)) return done;
    if (Date.now() - since > 60_000) throw new Error(`It does not go on: ${JSON.stringify(view)}`);
    const asking = standsStillAt(view);
    if (asking === undefined) continue;
    const operation = left.shift();
    if (operation === undefined) {
      await ask("answer", { task: asking, approved, by: BY });
      continue;
    }
    const { task, downstream } = meant(operation, view);
    let result = "done";
    try {
      if (operation.type === "mark_success") await ask("markSuccess", { task, by: BY });
      else if (operation.type === "mark_failed") await ask("markFailed", { task, by: BY });
      else await ask("clear", { ...(task === undefined ? {} : { tasks: [task] }), downstream });
    } catch (error) {
      result = codeOf(error);
      if (result === "RUN_OVER" || result === "unknown") throw error;
    }
    done.push(askedOf(operation, task, downstream, result));
  }
}

/** The approval at which a run waits while nothing else moves. */
function standsStillAt({ tasks }: RunView): string | undefined {
  const states = Object.entries(tasks);
  const still = states.every(([, { state }]) =>
    ["none", "deferred", "success", "failed", "skipped", "upstream_failed"].includes(state),
  );
  return still ? states.find(([, { state }]) => state === "deferred")?.[0] : undefined;
}

/** What an operation means with the nodes and items that the run has. */
function meant(operation: Operation, { tasks }: RunView): { readonly task?: string; readonly downstream: boolean } {
  if (operation.type === "clear_failed") return { downstream: operation.downstream };
  const ids = Object.keys(tasks);
  const id = ids[operation.node % ids.length] ?? "";
  const items = tasks[id]?.mapped?.length ?? 0;
  const item = operation.item === undefined || items === 0 ? undefined : operation.item % items;
  const downstream = operation.type === "clear" ? operation.downstream : true;
  return { task: item === undefined ? id : `${id}[${item}]`, downstream };
}

function askedOf({ type }: Operation, task: string | undefined, downstream: boolean, result: Asked["result"]): Asked {
  return { type, ...(task === undefined ? {} : { task }), downstream, result };
}

function executionOf(runId: string, view: RunView, asked: Asked | undefined, live: readonly Asked[]): Execution {
  const { own, ofChildren } = takeEffects(runId);
  return { asked, live, view, effects: own, ofChildren };
}

function hasApproval(dag: Dag): boolean {
  return dag.graph.nodes.some(({ kind }) => kind === "approval");
}

export function placeNamed(name: string): { readonly id: string; readonly index?: number } {
  const [, id = name, index] = /^(.*)\[(\d+)\]$/.exec(name) ?? [];
  return index === undefined ? { id } : { id, index: Number(index) };
}

/** The code of an error of ours, or of the failure of an update. */
function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { type?: unknown } };
  return String(cause?.type ?? code ?? "unknown");
}

/** What is the same in both shells: all but moments, and words that say what had ended when something was decided. */
export function comparable({ asked, live, view, effects, ofChildren }: Execution): unknown {
  const { state, output, tasks } = view;
  return JSON.parse(
    JSON.stringify({
      ...{ asked, live, state, output, ofChildren },
      tasks: Object.fromEntries(Object.entries(tasks).map(([id, task]) => [id, withoutMoments(task)])),
      effects: effects.map(({ key, attempt }) => `${key} ${attempt}`).sort(),
    }),
  );
}

function withoutMoments(task: Partial<RunView["tasks"][string]>): object {
  const {
    startedAt: _,
    endedAt: __,
    dueAt: ___,
    reason,
    output,
    mapped,
    ...same
  } = task as typeof task & { dueAt?: string };
  return {
    ...same,
    ...(reason === undefined ? {} : { reason: reason.replace(/^(upstream \w+:|trigger rule \w+ over) .*/s, "$1") }),
    output: isAnswer(output) ? { ...output, at: "" } : output,
    ...(mapped === undefined ? {} : { mapped: mapped.map(withoutMoments) }),
  };
}

function isAnswer(output: unknown): output is { readonly at: string } {
  return typeof output === "object" && output !== null && "approved" in output;
}
