/** A run for the run store, while it goes on and when it is done. */
import type { RunView } from "@dagwright/engine";

export const VIEW: RunView = {
  runId: "daily/2026-01-01T00:00:00Z",
  dagId: "daily",
  dagVersion: "000000000000",
  logicalDate: "2026-01-01T00:00:00Z",
  dataInterval: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" },
  trigger: "manual",
  conf: {},
  params: {},
  state: "running",
  startedAt: "2026-01-02T00:00:00.000Z",
  output: null,
  tasks: {},
};
export const DONE: RunView = { ...VIEW, state: "success", endedAt: "2026-01-02T00:01:00.000Z", output: { rows: 3 } };
