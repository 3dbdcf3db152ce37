import { durationText } from "./duration-text.ts";
import type { GraphNode } from "./graph.ts";
import type { Answer, TaskStatus } from "./state.ts";

/** How an `approval` ends that somebody has answered: its output says who, when, and what they remarked. */
export function answered({ approved, by, comment }: Answer, at: number): Partial<TaskStatus> {
  const remark = comment === undefined || comment === "" ? {} : { comment };
  if (approved) return { state: "success", output: { approved, by, at: new Date(at).toISOString(), ...remark } };
  const message = `Rejected by ${by}${comment ? `: ${comment}` : ""}`;
  return { state: "failed", error: { code: "REJECTED", message, retryable: false } };
}

/** How an `approval` ends that nobody has answered in time. */
export function unanswered({ approval }: GraphNode): Partial<TaskStatus> {
  const message = `Nobody answered within ${durationText(approval?.timeoutMs ?? 0)}`;
  if (approval?.onTimeout === "skip") return { state: "skipped", reason: message };
  return { state: "failed", error: { code: "APPROVAL_TIMEOUT", message, retryable: false } };
}
