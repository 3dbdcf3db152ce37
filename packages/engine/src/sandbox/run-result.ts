import type { RunView, TaskView } from "../core/state.ts";

/** Temporal refuses a result of 2 MiB, and a run that cannot say its result never ends. In characters of JSON. */
const LARGEST = 1_500_000;

/** The view as a workflow's result: without the tasks' outputs when it is too large. The run store keeps all of it. */
export function withinResult(view: RunView, most: number = LARGEST): RunView {
  if (sizeOf(view) <= most) return view;
  const tasks = Object.entries(view.tasks).map(([id, task]) => [id, withoutOutput(task)] as const);
  const short = { ...view, tasks: Object.fromEntries(tasks) };
  return sizeOf(short) <= most ? short : { ...short, output: null };
}

function withoutOutput({ output, mapped, ...task }: TaskView): TaskView {
  return mapped === undefined ? task : { ...task, mapped: mapped.map(({ output: _, ...item }) => item) };
}

function sizeOf(view: RunView): number {
  return JSON.stringify(view).length;
}
