import { expect, it } from "vitest";
import { graphOf } from "./fixtures/graph-of.ts";
import { Play } from "./fixtures/play.ts";
import { applyTriggerRule, type TaskState, TRIGGER_RULES, type TriggerRule } from "./index.ts";

const STATES: Readonly<Record<string, TaskState>> = {
  s: "success",
  f: "failed",
  k: "skipped",
  u: "upstream_failed",
};

/** Every mix of one or two final states, and of three different ones. */
const MIXES = "f k s u ff fk fu kk ku sf sk ss su uu fku sfk sfu sku".split(" ");

/** What Airflow 3.3.2's own `dag.test()` made of a task over each of them: it ran, was skipped (-), or upstream_failed. */
const AIRFLOW: Readonly<Record<TriggerRule, string>> = {
  all_success: "u-ruuuu--u-ruuuuu-",
  all_failed: "r--rr-r------r----",
  all_done: "rrrrrrrrrrrrrrrrrr",
  all_skipped: "-r-----r----------",
  one_success: "u-ruuuu-urrrruurrr",
  one_failed: "r--rrrr-rr--rrrrrr",
  one_done: "r-r-rrr--rrrr-rrrr",
  none_failed: "urruuuuruurruuuuuu",
  none_failed_min_one_success: "u-ruuuu-uurruuuuuu",
  none_skipped: "r-rrr-r--r-rrr--r-",
  all_done_min_one_success: "u-ruu-u--r-rru--r-",
  always: "rrrrrrrrrrrrrrrrrr",
};

/** Where Airflow's `all_success` hangs on which ends first, failure wins here. */
const FAILURE_WINS = ["ku", "sku"];

it.each(TRIGGER_RULES)("%s decides over every mix of states as Airflow does", (rule) => {
  const verdicts = MIXES.map((mix) => {
    const verdict = applyTriggerRule(
      rule,
      [...mix].map((letter) => STATES[letter] ?? "none"),
    );
    return `${mix}: ${{ run: "r", skipped: "-", upstream_failed: "u", wait: "?" }[verdict]}`;
  });
  const ofAirflow = (mix: string, index: number) =>
    rule === "all_success" && FAILURE_WINS.includes(mix) ? "u" : AIRFLOW[rule][index];
  expect(verdicts).toEqual(MIXES.map((mix, index) => `${mix}: ${ofAirflow(mix, index)}`));
});

it("a run that began before all_done_min_one_success was as in Airflow keeps to what it began with", () => {
  const joined = { id: "c", upstream: ["a", "b"], triggerRule: "all_done_min_one_success" } as const;
  const outcomes = (id: string) => (id === "b" ? "skip" : "success");
  const former = new Play(graphOf([{ id: "a" }, { id: "b" }, joined])).finish(outcomes);
  expect(former.states()).toMatchObject({ c: "success" });
  const present = new Play(graphOf([{ id: "a" }, { id: "b" }, { ...joined, skipsWithUpstream: true }]));
  expect(present.finish(outcomes).states()).toMatchObject({ c: "skipped" });
});
