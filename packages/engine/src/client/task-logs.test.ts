import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { StoredAttempt } from "../store/run-store.ts";
import { logsOf } from "./task-logs.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-task-logs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("an attempt after a clear shows its own lines of the file that both write", () => {
  const logFile = join(folder, "1.jsonl");
  const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
  const line = (second: number) => ({ at: at(second), level: "info", message: `second ${second}` });
  writeFileSync(logFile, [1, 2, 5, 6].map((second) => `${JSON.stringify(line(second))}\n`).join(""));
  const attempt = (temporalRunId: string, second: number): StoredAttempt => ({
    ...{ runId: "daily/1", temporalRunId, taskId: "measure", attempt: 1, state: "failed" },
    ...{ startedAt: at(second), logFile },
  });
  const first = attempt("x", 1);
  const cleared = attempt("y", 4);
  expect(logsOf([first, cleared]).map(({ lines }) => lines)).toEqual([
    [line(1), line(2)],
    [line(5), line(6)],
  ]);
  // One that was lost with its worker is one attempt, with all its lines.
  expect(logsOf([cleared])[0]?.lines).toHaveLength(4);
});
