import { setTimeout as pause } from "node:timers/promises";
import { isOver } from "../core/decide.ts";
import type { RunView } from "../core/state.ts";
import type { LogLine } from "../logs/log-line.ts";
import { LogTail } from "../logs/log-tail.ts";
import type { RunStore } from "../store/run-store.ts";
import { attemptsOf, type LogFilter, linesOf } from "./task-logs.ts";
import { mustHaveNamed } from "./task-of-run.ts";

/** A line, and which attempt wrote it. */
export interface FollowedLine extends LogLine {
  readonly taskId: string;
  readonly attempt: number;
}

/** How often a log is looked at, in milliseconds. */
const LOOK_MS = 300;

/**
 * The lines of a run's attempts as they are written, until the run has ended. Those of one look come in the order of
 * their moments. `filter.tail` limits what is there at first.
 */
export async function* followLogs(
  store: RunStore | null,
  view: () => Promise<RunView>,
  runId: string,
  filter: LogFilter,
): AsyncGenerator<FollowedLine> {
  const tails = new Map<string, LogTail>();
  for (let first = true; ; first = false) {
    // Asked before the logs are read: what was logged last is then there.
    const now = await view();
    mustHaveNamed(now, filter.task);
    const over = isOver(now.state);
    const found = attemptsOf((await store?.listAttempts(runId)) ?? [], filter).flatMap(
      ({ taskId, attempt, logFile }) => {
        if (logFile === undefined) return [];
        const tail = tails.get(logFile) ?? new LogTail(logFile);
        tails.set(logFile, tail);
        const lines = linesOf(tail.read(), first ? filter : { level: filter.level });
        return lines.map((line) => ({ taskId, attempt, ...line }));
      },
    );
    yield* found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    if (over) return;
    await pause(LOOK_MS);
  }
}
