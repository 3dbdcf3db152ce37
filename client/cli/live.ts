import type { RunView, TaskState, TaskView } from "@dagwright/engine";
import logUpdate from "log-update";
import pc from "picocolors";

const SIGNS: Record<TaskState, string> = {
  none: pc.dim("·"),
  scheduled: pc.dim("·"),
  queued: pc.dim("◌"),
  running: pc.cyan("▶"),
  deferred: pc.dim("◌"),
  up_for_retry: pc.yellow("↻"),
  success: pc.green("✔"),
  failed: pc.red("✖"),
  skipped: pc.dim("↷"),
  upstream_failed: pc.red("⊘"),
  removed: pc.dim("-"),
};

/** Seconds between two moments, or from the first until now, as "1.2 s". */
export function duration(task: Pick<TaskView, "startedAt" | "endedAt">, now = Date.now()): string {
  if (task.startedAt === null) return "";
  const end = task.endedAt === null ? now : Date.parse(task.endedAt);
  return `${((end - Date.parse(task.startedAt)) / 1000).toFixed(1)} s`;
}

/** One line for a task: sign, name, state, duration, and what else there is to say. */
export function taskLine(id: string, task: TaskView, width: number): string {
  const parts = [SIGNS[task.state], id.padEnd(width), task.state.padEnd(15), duration(task).padStart(8)];
  if (task.state === "running" && task.progress) {
    const { done, total, note } = task.progress;
    if (total) parts.push(bar(done / total), `${done}/${total}`);
    if (note) parts.push(pc.dim(note));
  }
  if (task.attempts > 1) parts.push(pc.yellow(`attempt ${task.attempts}`));
  if (task.lost) parts.push(pc.yellow(`worker lost ${task.lost}×`));
  if (task.reason) parts.push(pc.dim(task.reason));
  if (task.error) parts.push(pc.red(task.error.message));
  return parts.join(" ").trimEnd();
}

function bar(share: number, cells = 12): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * cells);
  return pc.cyan("█".repeat(full)) + pc.dim("░".repeat(cells - full));
}

/**
 * Shows a run while it runs: on a terminal a block that is drawn anew, elsewhere one line for each change of a task.
 * Returns what to call with each view, and with `end()` at last.
 */
export function liveView(stream: NodeJS.WriteStream): { update(view: RunView): void; end(): void } {
  if (stream.isTTY) {
    const draw = (view: RunView) => {
      const width = Math.max(...Object.keys(view.tasks).map((id) => id.length));
      const lines = Object.entries(view.tasks).map(([id, task]) => `  ${taskLine(id, task, width)}`);
      logUpdate([pc.bold(`${view.runId}  ${view.state}`), ...lines].join("\n"));
    };
    return { update: draw, end: () => logUpdate.done() };
  }
  const seen = new Map<string, string>();
  return {
    update: (view) => {
      const width = Math.max(...Object.keys(view.tasks).map((id) => id.length));
      for (const [id, task] of Object.entries(view.tasks)) {
        const progress = task.state === "running" && task.progress ? JSON.stringify(task.progress) : "";
        const key = `${task.state}/${task.attempts}/${task.lost ?? 0}/${progress}`;
        if (task.state === "none" || task.state === "scheduled" || seen.get(id) === key) continue;
        seen.set(id, key);
        stream.write(`${taskLine(id, task, width)}\n`);
      }
    },
    end: () => {},
  };
}
