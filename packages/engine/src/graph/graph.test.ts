import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineDag } from "../language/dag.ts";
import { derive } from "../language/derive.ts";
import { branch, group } from "../language/forks.ts";
import { cron } from "../language/schedule.ts";
import { task } from "../language/task.ts";
import { differenceOf, differenceText, isSame } from "./difference.ts";
import { dotOf, mermaidOf, textOf } from "./drawings.ts";

const load = task("load", { input: z.object({ n: z.number() }), output: z.number(), run: ({ n }) => n });

function orders(o: { retries?: number; extra?: boolean; hour?: number } = {}) {
  return defineDag(
    {
      id: "orders",
      schedule: cron(`0 ${o.hour ?? 3} * * *`),
      params: z.object({ size: z.number().default(1) }),
    },
    ({ params }) => {
      const first = load({ n: params.size }, { retries: o.retries ?? 0 });
      const kind = derive("kind", [first], (n) => (n > 1 ? "big" : "small"));
      branch("size", kind, {
        big: () => load({ n: 2 }, { id: "big_one" }),
        small: () => (o.extra ? load({ n: 3 }, { id: "small_one" }) : null),
      });
      group("tail", () => load({ n: 4 }, { id: "last", after: [first], triggerRule: "all_done" }));
    },
  ).graph;
}

describe("a drawn graph", () => {
  test("as Mermaid", () => {
    expect(mermaidOf(orders())).toBe(`flowchart LR
  n0["load"]
  n1("kind<br/>derive")
  n2{"size<br/>branch"}
  n3["big_one<br/>load"]
  subgraph g1["tail"]
    n4["last<br/>load<br/>all_done"]
  end
  n0 --> n1
  n1 --> n2
  n2 -->|"big"| n3
  n0 --> n4`);
  });

  test("as DOT", () => {
    expect(dotOf(orders())).toBe(`digraph "orders" {
  rankdir=LR;
  "load" [label="load", shape=box];
  "kind" [label="kind\\nderive", shape=ellipse];
  "size" [label="size\\nbranch", shape=diamond];
  "big_one" [label="big_one\\nload", shape=box];
  subgraph cluster_1 {
    label="tail";
    "last" [label="last\\nload\\nall_done", shape=box];
  }
  "load" -> "kind";
  "kind" -> "size";
  "size" -> "big_one" [label="big"];
  "load" -> "last";
}`);
  });

  test("as text, in steps", () => {
    expect(textOf(orders()).split("\n").slice(1)).toEqual([
      "  1  load",
      "  2  kind     ← load  (derive)",
      "     last     ← load  (load, all_done)  [tail]",
      "  3  size     ← kind  (branch)",
      "  4  big_one  ← size:big  (load)",
    ]);
  });
});

describe("the difference of two graphs", () => {
  test("names nodes and fields", () => {
    const [before, after] = [orders(), orders({ retries: 2, extra: true, hour: 4 })];
    const difference = differenceOf(before, after);
    expect(difference).toMatchObject({
      dagId: "orders",
      dag: [{ field: "schedule.expressions", before: ["0 3 * * *"], after: ["0 4 * * *"] }],
      added: ["small_one"],
      removed: [],
      changed: [{ id: "load", fields: [{ field: "policy.retries", before: 0, after: 2 }] }],
    });
    expect(differenceText(difference)).toBe(`orders: ${before.version} → ${after.version}
~ the DAG
    schedule.expressions: ["0 3 * * *"] → ["0 4 * * *"]
+ small_one
~ load
    policy.retries: 0 → 2`);
    expect(differenceOf(after, before)).toMatchObject({ added: [], removed: ["small_one"] });
  });

  test("does not hang on the order of fields and nodes", () => {
    const graph = orders();
    const shuffled = {
      ...Object.fromEntries(Object.entries(graph).reverse()),
      ...{ dagId: graph.dagId, version: graph.version, tags: graph.tags, schedule: graph.schedule },
      ...{ params: graph.params, output: graph.output, nodes: [...graph.nodes].reverse() },
    };
    const difference = differenceOf(graph, shuffled);
    expect(isSame(difference)).toBe(true);
    expect(differenceText(difference)).toMatch(/^orders: no difference/);
  });
});
