import { upsertSearchAttributes } from "@temporalio/workflow";
import type { RunView } from "../core/state.ts";

type Published = Pick<RunView, "dagId" | "dagVersion" | "logicalDate" | "state" | "trigger">;

/** Makes a run findable: all search attributes of ours. */
export function publishRun({ dagId, dagVersion, logicalDate, state, trigger }: Published): void {
  upsertSearchAttributes([
    { key: { name: "DagId", type: "KEYWORD" }, value: dagId },
    { key: { name: "LogicalDate", type: "DATETIME" }, value: new Date(logicalDate) },
    { key: { name: "RunTrigger", type: "KEYWORD" }, value: trigger },
    { key: { name: "DagVersion", type: "KEYWORD" }, value: dagVersion },
    { key: { name: "RunState", type: "KEYWORD" }, value: state },
  ]);
}

/** Publishes a change of a run's state. */
export function publishState(state: RunView["state"]): void {
  upsertSearchAttributes([{ key: { name: "RunState", type: "KEYWORD" }, value: state }]);
}
