import type { AssetCondition } from "./graph.ts";

/** The assets that a condition names, in its order, without repeats. */
export function urisOf(condition: AssetCondition): readonly string[] {
  if (condition.kind === "asset") return [condition.uri];
  return [...new Set(condition.of.flatMap(urisOf))];
}

/** Whether a condition holds when these assets have been updated. */
export function holds(condition: AssetCondition, updated: ReadonlySet<string>): boolean {
  switch (condition.kind) {
    case "asset":
      return updated.has(condition.uri);
    case "and":
      return condition.of.every((one) => holds(one, updated));
    case "or":
      return condition.of.some((one) => holds(one, updated));
  }
}

/** A condition in words: `s3://a and (s3://b or s3://c)`. */
export function conditionText(condition: AssetCondition): string {
  if (condition.kind === "asset") return condition.uri;
  const parts = condition.of.map((one) => (one.kind === "asset" ? one.uri : `(${conditionText(one)})`));
  return parts.join(` ${condition.kind} `);
}
