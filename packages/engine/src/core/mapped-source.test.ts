import { expect, it } from "vitest";
import { graphOf, type NodeSketch } from "./fixtures/graph-of.ts";
import { Play } from "./fixtures/play.ts";
import type { Expression, TriggerRule } from "./index.ts";

/** How the task that makes the list ends: by itself, or by what is before it. */
const SOURCES = ["success", "failed", "skipped", "upstream_failed", "skipped before"] as const;

/**
 * What Airflow 3.3.2 made of a task mapped over a list whose source ended so (by rule), with nothing else before it, and
 * with a task that succeeded, was skipped: it ran its items, was skipped (-), or upstream_failed.
 */
const AIRFLOW = {
  all_success: ["ru-u-", "ru-u-", "-u---"],
  all_failed: ["-u-u-", "-----", "-----"],
  all_done: ["ru-u-", "ru-u-", "ru-u-"],
  all_skipped: ["---u-", "-----", "---u-"],
  one_success: ["ru-u-", "ru-u-", "ru-u-"],
  one_failed: ["-u-u-", "-u-u-", "-u-u-"],
  one_done: ["ru-u-", "ru-u-", "ru-u-"],
  none_failed: ["ru-u-", "ru-u-", "ru-u-"],
  none_failed_min_one_success: ["ru-u-", "ru-u-", "ru-u-"],
  none_skipped: ["ru-u-", "ru-u-", "-----"],
  all_done_min_one_success: ["ru-u-", "ru-u-", "-----"],
} satisfies Partial<Record<TriggerRule, readonly string[]>>;

/** Where the rule itself says "skipped" of a list that is upstream_failed, Airflow's end hangs on the order of its looks. */
const RULE_FIRST = ["all_skipped", "one_done"];
/** Where Airflow's `all_success` hangs on which ends first, failure wins here. */
const FAILURE_WINS = "all_success beside skip";

const SIGNS: Readonly<Record<string, string>> = { running: "r", skipped: "-", upstream_failed: "u", failed: "f" };

function endOf(
  triggerRule: TriggerRule,
  source: (typeof SOURCES)[number],
  beside: string,
  bound: { endsWithSource?: true },
) {
  const before: NodeSketch[] = [{ id: "before" }, { id: "list", upstream: ["before"] }];
  const other: NodeSketch[] = beside === "nothing" ? [] : [{ id: "other" }];
  const play = new Play(
    graphOf([
      ...before,
      ...other,
      {
        ...{ id: "mapped", upstream: ["list", ...other.map(({ id }) => id)], triggerRule, skipsWithUpstream: true },
        map: { over: { kind: "node", node: "list", path: [] }, window: 9, ...bound },
      },
    ]),
  );
  play.start();
  // The other one ends first: a rule that needs no more must not go on without the list.
  if (beside === "success") play.succeed("other");
  if (beside === "skip") play.skip("other");
  if (source === "upstream_failed") play.fail("before", false);
  else if (source === "skipped before") play.skip("before");
  else play.succeed("before");
  if (source === "success") play.succeed("list", [1, 2]);
  if (source === "failed") play.fail("list", false);
  if (source === "skipped") play.skip("list");
  return SIGNS[play.states()["mapped"] ?? ""] ?? "?";
}

it.each(Object.entries(AIRFLOW))(
  "a task mapped by %s over a list that is not there ends as in Airflow",
  (rule, ends) => {
    const triggerRule = rule as TriggerRule;
    for (const [place, beside] of ["nothing", "success", "skip"].entries()) {
      const expected = [...(ends[place] ?? "")].map((sign, at) => {
        if (sign === "u" && SOURCES[at] === "upstream_failed" && RULE_FIRST.includes(rule) && beside !== "success")
          return "-";
        return sign === "-" && at === 3 && `${rule} beside ${beside}` === FAILURE_WINS ? "u" : sign;
      });
      const found = SOURCES.map((source) => endOf(triggerRule, source, beside, { endsWithSource: true }));
      expect(`${beside}: ${found.join("")}`).toBe(`${beside}: ${expected.join("")}`);
    }
  },
);

it("waits for its list under `always`, and a run that began before that keeps to what it began with", () => {
  expect(endOf("always", "success", "success", { endsWithSource: true })).toBe("r");
  expect(endOf("always", "failed", "nothing", { endsWithSource: true })).toBe("u");
  expect(endOf("always", "success", "success", {})).toBe("f");
  expect(endOf("all_done", "skipped", "nothing", {})).toBe("f");
});

it("is skipped where the items before it stand in the DAG itself and did not run", () => {
  const mapped = (id: string, upstream: string, over: Expression): NodeSketch => ({
    ...{ id, upstream: [upstream], triggerRule: id === "second" ? "all_done" : "all_success" },
    map: { over, window: 9, endsWithSource: true },
  });
  for (const [over, end] of [
    [{ kind: "literal", value: [1, 2] }, "skipped"],
    [{ kind: "node", node: "before", path: [] }, "upstream_failed"],
  ] as const) {
    const second = mapped("second", "first", { kind: "node", node: "first", path: [] });
    const play = new Play(graphOf([{ id: "before" }, mapped("first", "before", over), second]));
    play.start();
    play.fail("before", false);
    expect(play.states()).toEqual({ before: "failed", first: "upstream_failed", second: end });
  }
});
