import type { GraphNode, TriggerRule } from "./graph.ts";
import type { TaskState } from "./state.ts";

/** What a trigger rule says of a node as its upstream nodes stand. */
export type Verdict = "wait" | "run" | "skipped" | "upstream_failed";

/** States in which a task stays. */
export function isFinal(state: TaskState): boolean {
  return (
    state === "success" ||
    state === "failed" ||
    state === "skipped" ||
    state === "upstream_failed" ||
    state === "removed"
  );
}

/** A rule, or what `all_done_min_one_success` meant to runs that began before it was as in Airflow. */
type AppliedRule = TriggerRule | "all_done_any_success";

/** The rule that a node of a graph goes by. */
export function ruleOf({ triggerRule, skipsWithUpstream }: GraphNode): AppliedRule {
  return triggerRule === "all_done_min_one_success" && !skipsWithUpstream ? "all_done_any_success" : triggerRule;
}

/**
 * Applies a trigger rule to the states of a node's upstream nodes; names and meaning are Airflow 3.3's.
 * A node without upstream nodes runs. The verdict does not hang on which upstream node ended first: where a skipped and
 * a failed one lead to different ends (`all_success`), the rule waits for all, and failure wins.
 */
export function applyTriggerRule(rule: AppliedRule, upstream: readonly TaskState[]): Verdict {
  const total = upstream.length;
  if (total === 0 || rule === "always") return "run";
  let success = 0;
  let skipped = 0;
  let failed = 0; // by itself or by its own upstream
  let failedItself = 0;
  for (const state of upstream) {
    if (state === "success") success += 1;
    else if (state === "skipped" || state === "removed") skipped += 1;
    else if (state === "failed" || state === "upstream_failed") {
      failed += 1;
      if (state === "failed") failedItself += 1;
    }
  }
  const done = success + skipped + failed === total;
  switch (rule) {
    case "all_success":
      if (failed > 0) return "upstream_failed";
      return !done ? "wait" : skipped > 0 ? "skipped" : "run";
    case "all_failed":
      if (success + skipped > 0) return "skipped";
      return done ? "run" : "wait";
    case "all_done":
      return done ? "run" : "wait";
    case "all_skipped":
      if (success + failed > 0) return "skipped";
      return done ? "run" : "wait";
    case "one_success":
      if (success > 0) return "run";
      return !done ? "wait" : skipped === total ? "skipped" : "upstream_failed";
    case "one_failed":
      if (failed > 0) return "run";
      return done ? "skipped" : "wait";
    case "one_done":
      if (success + failedItself > 0) return "run";
      return done ? "skipped" : "wait";
    case "none_failed":
      if (failed > 0) return "upstream_failed";
      return done ? "run" : "wait";
    case "none_failed_min_one_success":
      if (failed > 0) return "upstream_failed";
      return !done ? "wait" : success > 0 ? "run" : "skipped";
    case "none_skipped":
      if (skipped > 0) return "skipped";
      return done ? "run" : "wait";
    case "all_done_min_one_success":
      if (skipped > 0) return "skipped";
      return !done ? "wait" : success > 0 ? "run" : "upstream_failed";
    case "all_done_any_success":
      if (!done) return "wait";
      return success > 0 ? "run" : skipped === total ? "skipped" : "upstream_failed";
  }
}
