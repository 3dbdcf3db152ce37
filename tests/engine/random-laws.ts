/** What holds of every run, read from docs/semantics.md and not from the scheduler. */
import type { Dag, GraphNode, Json, RunView, TriggerRule } from "@dagwright/engine";
import { expect } from "vitest";
import { type Execution, placeNamed } from "./random-runs.ts";

type Task = RunView["tasks"][string];

/** Holds a scenario's executions to the laws. */
export function holdToLaws(dag: Dag, executions: readonly Execution[]): void {
  const keys = new Set<string>();
  for (const [at, execution] of executions.entries()) {
    allHaveEnded(execution);
    leavesDecide(dag, execution);
    outputsOfItems(dag, executions.slice(0, at + 1));
    noMoreThanAllowed(dag, execution);
    effectsAreNew(dag, execution, keys);
    const former = executions[at - 1];
    if (former === undefined && execution.live.length === 0) rulesDecide(dag, execution);
    if (former !== undefined) onlyTheConeRanAgain(dag, former, execution);
  }
}

function allHaveEnded({ view, effects }: Execution): void {
  const states = Object.values(view.tasks).flatMap(({ state, attempts, mapped = [] }) =>
    // Items of a task that did not come to run on them may be left untouched.
    attempts === 0 ? [state] : [state, ...mapped.map((item) => item.state)],
  );
  for (const state of states) expect(["success", "failed", "skipped", "upstream_failed"]).toContain(state);
  for (const { ended } of effects) expect(ended).toBeGreaterThan(0);
}

/** The run's state is that of its leaves: of what only teardowns wait for. */
function leavesDecide({ graph }: Dag, { view }: Execution): void {
  const leaves = graph.nodes.filter(
    ({ id, teardown }) => !teardown && graph.nodes.every((other) => other.teardown || !other.upstream.includes(id)),
  );
  const failed = leaves.some(({ id }) => isFailed(view.tasks[id]));
  expect(view.state).toBe(failed ? "failed" : "success");
  if (!failed) return;
  const [, id = ""] = /^Task "([^"]+)"/.exec(view.error?.message ?? "") ?? [];
  if (id !== "") expect(view.tasks[id]?.error?.code).toBe(view.error?.code);
}

/** The outputs of items come in the order of the list, without those of the skipped; one that failed fails the task. */
function outputsOfItems({ graph }: Dag, executions: readonly Execution[]): void {
  const view = executions.at(-1)?.view;
  if (view === undefined) return;
  const done = executions.flatMap(({ asked, live }) => [asked, ...live]);
  // Of what a person has said that it ended so, nothing follows.
  const marked = done.flatMap((one) => (one?.type.startsWith("mark") ? [one.task] : []));
  for (const { id, map } of graph.nodes) {
    const task: Task | undefined = view.tasks[id];
    const items: Task["mapped"] = task?.mapped;
    if (map === undefined || items === undefined || task?.state === "upstream_failed" || marked.includes(id)) continue;
    // It did not come to run again on the items that it had.
    if (task?.attempts === 0 && (items.length > 0 || task.state === "skipped")) continue;
    // It came to run, by a rule that lets it, while there was no list: the task that makes it had not succeeded, or was
    // marked without an output.
    if (task?.error?.code === "NOT_A_LIST") {
      const source = map.over.kind === "node" ? map.over.node : "";
      const given = executions.every(({ view: { tasks } }) => tasks[source]?.state === "success");
      expect({ id, given: given && !marked.includes(source) }).toEqual({ id, given: false });
      continue;
    }
    const failed = items.findIndex(({ state }) => state === "failed");
    const outputs = items.flatMap(({ state, output }) => (state === "success" ? [output] : []));
    if (failed >= 0) expect(task).toMatchObject({ state: "failed", error: { code: items[failed]?.error?.code } });
    else if (items.length > 0 && outputs.length === 0) expect(task?.state).toBe("skipped");
    else expect(task).toMatchObject({ state: "success", output: outputs });
  }
}

function noMoreThanAllowed({ graph }: Dag, { effects }: Execution): void {
  for (const one of effects) {
    const besides = effects.filter(({ began, ended }) => began <= one.began && ended > one.began);
    expect(besides.length).toBeLessThanOrEqual(graph.maxActiveTasks ?? Infinity);
    const { id } = placeNamed(one.task);
    const window = graph.nodes.find((node) => node.id === id)?.map?.window ?? Infinity;
    expect(besides.filter(({ task }) => placeNamed(task).id === id).length).toBeLessThanOrEqual(window);
  }
}

/** All attempts of a task have one key, no two tasks the same, and what was cleared a key that it never had. */
function effectsAreNew(_dag: Dag, { effects }: Execution, keys: Set<string>): void {
  const ofThis = new Map<string, { readonly task: string; attempt: number }>();
  for (const { key, task, attempt } of effects) {
    expect(key.replace(/~\d+$/, "")).toBe(task);
    const before = ofThis.get(key);
    if (before === undefined) expect(keys).not.toContain(key);
    expect(attempt).toBe((before?.attempt ?? 0) + 1);
    ofThis.set(key, { task, attempt });
  }
  for (const key of ofThis.keys()) keys.add(key);
}

/** Each task ran if and only if its rule, forks and condition say so, and not before they could. */
function rulesDecide({ graph }: Dag, { view, effects }: Execution): void {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const comesAfterFalsyGate = (node: GraphNode): boolean =>
    node.upstream.some((id) => {
      const before = nodes.get(id);
      if (before === undefined) return false;
      const closed = before.kind === "short_circuit" && view.tasks[id]?.state === "success" && !view.tasks[id]?.output;
      return closed || comesAfterFalsyGate(before);
    });
  const falsyGates = (node: GraphNode): boolean => node.teardown !== true && comesAfterFalsyGate(node);
  for (const node of graph.nodes) {
    const task = view.tasks[node.id];
    const states = node.upstream.map((id) => view.tasks[id]?.state ?? "none");
    const chosen = (node.arms ?? []).every(({ branch, key }) => view.tasks[branch]?.output === key);
    const verdict = verdictOf(node.triggerRule, states);
    const condition = node.when?.kind === "node" ? view.tasks[node.when.node]?.output : (true as Json);
    const upstreamRan = node.upstream.some(
      (id) => (view.tasks[id]?.attempts ?? 0) > 0 || view.tasks[id]?.state === "upstream_failed",
    );
    // Without its list, a mapped task ends as the task does that did not make it.
    const source = node.map?.over.kind === "node" ? view.tasks[node.map.over.node] : undefined;
    const listed = source === undefined || source.state === "success" || source.output !== undefined;
    const mayRun =
      verdict === "run" &&
      listed &&
      chosen &&
      !falsyGates(node) &&
      condition === true &&
      (!node.teardown || upstreamRan);
    const origin = node.map?.over.kind === "node" ? nodes.get(node.map.over.node)?.map?.over.kind : undefined;
    const gaveNone = source?.state === "skipped" || origin === "literal" || origin === "array";
    const kept = listed || gaveNone ? "skipped" : "upstream_failed";
    expect({ id: node.id, ran: hasRun(node, task) }).toEqual({ id: node.id, ran: mayRun });
    const own = effects.filter(({ task: name }) => placeNamed(name).id === node.id);
    if (!mayRun) expect(own).toEqual([]);
    if (!mayRun && chosen && !falsyGates(node)) expect(task?.state).toBe(verdict === "run" ? kept : verdict);
    if (!chosen || (!mayRun && falsyGates(node) && verdict === "run")) expect(task?.state).not.toBe("success");
    for (const { began } of own) {
      const byThen = node.upstream.map((id) => (hasEndedBy(id, began) ? (view.tasks[id]?.state ?? "none") : "running"));
      expect({ id: node.id, verdict: verdictOf(node.triggerRule, byThen) }).toEqual({ id: node.id, verdict: "run" });
    }
  }

  function hasEndedBy(id: string, moment: number): boolean {
    return effects.every(({ task, ended }) => placeNamed(task).id !== id || ended < moment);
  }
}

function hasRun({ map }: GraphNode, task: Task | undefined): boolean {
  if (map === undefined) return (task?.attempts ?? 0) > 0;
  // Over no items, or over what is no list, nothing is attempted.
  return (task?.attempts ?? 0) > 0 || task?.state === "success" || task?.error?.code === "NOT_A_LIST";
}

/** The table of trigger rules. A task that runs or waits is of neither kind. */
function verdictOf(rule: TriggerRule, states: readonly string[]): "run" | "skipped" | "upstream_failed" | "wait" {
  const failed = states.filter((state) => state === "failed" || state === "upstream_failed").length;
  const skipped = states.filter((state) => state === "skipped").length;
  const succeeded = states.filter((state) => state === "success").length;
  const itself = states.filter((state) => state === "success" || state === "failed").length;
  const all = failed + skipped + succeeded === states.length;
  const none = states.length === 0;
  if (none || rule === "always") return "run";
  const one = { one_success: succeeded, one_failed: failed, one_done: itself };
  if (rule === "one_success" || rule === "one_failed" || rule === "one_done") {
    if (one[rule] > 0) return "run";
    if (!all) return "wait";
    return rule !== "one_success" || skipped === states.length ? "skipped" : "upstream_failed";
  }
  if (!all) return "wait";
  switch (rule) {
    case "all_success":
      return failed > 0 ? "upstream_failed" : skipped > 0 ? "skipped" : "run";
    case "all_failed":
      return failed === states.length ? "run" : "skipped";
    case "all_done":
      return "run";
    case "all_skipped":
      return skipped === states.length ? "run" : "skipped";
    case "none_failed":
      return failed > 0 ? "upstream_failed" : "run";
    case "none_failed_min_one_success":
      return failed > 0 ? "upstream_failed" : succeeded > 0 ? "run" : "skipped";
    case "none_skipped":
      return skipped > 0 ? "skipped" : "run";
    case "all_done_min_one_success":
      return skipped > 0 ? "skipped" : succeeded > 0 ? "run" : "upstream_failed";
  }
}

/** After a clear what was cleared ran again, or was decided anew, and all else is as it was. */
function onlyTheConeRanAgain({ graph }: Dag, former: Execution, { asked, view, effects, live }: Execution): void {
  if (asked === undefined || live.length > 0) return;
  const cleared = typeof asked.result === "string" ? [] : asked.result.map(placeNamed);
  const named = asked.task === undefined ? cleared : [placeNamed(asked.task)];
  const cone = new Set(named.map(({ id }) => id));
  // A mark has what comes after it and never ran decided anew.
  if (asked.downstream || asked.type.startsWith("mark"))
    for (const { id, upstream, when, arms = [] } of graph.nodes) {
      const before = [...upstream, ...(when?.kind === "node" ? [when.node] : []), ...arms.map(({ branch }) => branch)];
      if (before.some((one) => cone.has(one))) cone.add(id);
    }
  for (const { id } of graph.nodes) {
    const was = former.view.tasks[id];
    const is = view.tasks[id];
    if (!cone.has(id)) expect({ id, ...withoutTimes(is) }).toEqual({ id, ...withoutTimes(was) });
  }
  const ran = new Set(effects.map(({ task }) => placeNamed(task).id));
  for (const id of ran) expect(cone).toContain(id);
  if (asked.type.startsWith("mark")) return;
  for (const { id, index } of named) {
    const [was, is] = [former.view.tasks[id], view.tasks[id]];
    const [before, after] = index === undefined ? [was, is] : [was?.mapped?.[index], is?.mapped?.[index]];
    // The keys of a whole list count what was cleared of its items, and a list made anew may shift.
    const exactly = asked.task !== undefined && (index !== undefined || was?.mapped === undefined);
    if (exactly) expect(clearsOf(after)).toBe(clearsOf(before) + 1);
    else if (index === undefined) expect(clearsOf(after)).toBeGreaterThan(clearsOf(before));
    // Of a mapped task of which items are named, no others.
    if (index === undefined || named.some((other) => other.id === id && other.index === undefined)) continue;
    const again = effects.filter(({ task }) => placeNamed(task).id === id);
    const others = again.filter(({ task }) =>
      named.every((other) => other.id !== id || other.index !== placeNamed(task).index),
    );
    for (const { task } of others) {
      const { index: at = -1 } = placeNamed(task);
      // One that there was not, since its list was shorter, has come to be.
      expect({ task, state: was?.mapped?.[at]?.state ?? "none" }).toEqual({ task, state: "none" });
    }
  }
}

function clearsOf(task: object | undefined): number {
  const { clears = 0 } = (task ?? {}) as { clears?: number };
  return clears;
}

function withoutTimes(task: Task | undefined): object {
  const { startedAt: _, endedAt: __, mapped = [], ...same } = task ?? ({} as Task);
  return { ...same, mapped: mapped.map(({ startedAt: ___, endedAt: ____, ...item }) => item) };
}

function isFailed(task: Task | undefined): boolean {
  return task?.state === "failed" || task?.state === "upstream_failed";
}
