import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  asset,
  cron,
  DagDefinitionError,
  dataIntervalFor,
  defineDag,
  derive,
  lastCompleteInterval,
  onAssets,
  planRun,
  scheduleText,
  task,
} from "../index.ts";

const orders = asset("lake://orders", { name: "orders", extra: { owner: "sales" } });
const [a, b, c] = [asset("x:a"), asset("x:b"), asset("x:c")];
const make = task("make", { input: z.object({}), output: z.number(), outlets: [orders], run: () => 1 });

function mistakesOf(define: () => unknown): readonly string[] {
  try {
    define();
  } catch (error) {
    if (error instanceof DagDefinitionError) return error.mistakes;
    throw error;
  }
  return [];
}

describe("an asset", () => {
  it("joins others, as deep as one likes", () => {
    const { schedule } = defineDag({ id: "d", schedule: onAssets(a.and(b).and(c.or(a.and(orders)))) }, () => 1).graph;
    expect(schedule).toEqual({
      kind: "assets",
      condition: {
        kind: "and",
        of: [
          { kind: "asset", uri: "x:a" },
          { kind: "asset", uri: "x:b" },
          {
            kind: "or",
            of: [
              { kind: "asset", uri: "x:c" },
              {
                kind: "and",
                of: [
                  { kind: "asset", uri: "x:a" },
                  { kind: "asset", uri: "lake://orders" },
                ],
              },
            ],
          },
        ],
      },
    });
    expect(schedule && scheduleText(schedule)).toBe("on x:a and x:b and (x:c or (x:a and lake://orders))");
  });

  it("stands in the graph of what updates it: the node's own before the task's", () => {
    const { nodes } = defineDag({ id: "d" }, () => {
      make({});
      make({}, { id: "other", outlets: [a, b] });
      make({}, { id: "nothing", outlets: [] });
    }).graph;
    expect(nodes.map(({ outlets }) => outlets)).toEqual([
      [{ uri: "lake://orders", name: "orders", extra: { owner: "sales" } }],
      [{ uri: "x:a" }, { uri: "x:b" }],
      undefined,
    ]);
  });

  it("changes nothing of a DAG that does not use it", () => {
    const plain = task("plain", { input: z.object({}), output: z.number(), run: () => 1 });
    const dag = defineDag({ id: "d", schedule: cron("@daily") }, () => plain({}));
    expect(JSON.stringify(dag.graph)).not.toMatch(/asset|outlet/);
  });

  it("is checked where it is used, all at once", () => {
    const { condition: _, ...impostor } = a;
    const bad = asset("no scheme");
    expect(
      mistakesOf(() =>
        // @ts-expect-error what is not made by asset()
        defineDag({ id: "d", schedule: onAssets(a.and(bad).or(impostor)) }, () => {
          // @ts-expect-error a uri is no asset
          make({}, { id: "one", outlets: ["x:a"] });
          make({}, { id: "two", outlets: [a, asset("x:a"), a.and(b) as typeof a, asset("x: b")] });
          make({}, { id: "three", outlets: [asset("x:a", { extra: { text: "x".repeat(20_000) } })] });
        }),
      ),
    ).toEqual([
      'DAG "d", schedule: onAssets(…): the uri of an asset is "no scheme": expected a scheme and what it names, without blanks, such as "s3://bucket/day.csv"',
      'DAG "d", schedule: onAssets(…): the uri of an asset is "": expected a scheme and what it names, without blanks, such as "s3://bucket/day.csv"',
      'DAG "d", node "one": outlets[0] is no asset: expected what asset("…") gave',
      'DAG "d", node "two": outlets[1] is x:a, which stands in the list already',
      'DAG "d", node "two": outlets[2] is no asset: expected what asset("…") gave',
      'DAG "d", node "two": outlets[3]: the uri of an asset is "x: b": expected a scheme and what it names, without blanks, such as "s3://bucket/day.csv"',
      'DAG "d", node "three": outlets[0]: the extra of x:a: it has 20011 characters as JSON: at most 16384 are allowed',
    ]);
    // @ts-expect-error a uri is no asset
    expect(mistakesOf(() => defineDag({ id: "d", schedule: onAssets("x:a") }, () => 1))).toEqual([
      'DAG "d", schedule: onAssets(…): expected an asset, or assets joined by .and(…) and .or(…)',
    ]);
  });

  it("gives its events to whatever takes them, without a cast", () => {
    const dag = defineDag({ id: "d", schedule: onAssets(a) }, ({ run }) => {
      const take = task("take", {
        input: z.object({
          first: z.string(),
          events: z.array(z.object({ uri: z.string(), extra: z.record(z.string(), z.json()) })),
        }),
        output: z.number(),
        run: ({ events }, ctx) => events.length + ctx.run.assetEvents.length,
      });
      take({ first: run.assetEvents[0].uri, events: run.assetEvents });
      return derive("rows", [run.assetEvents], (events) => events.map(({ extra }) => Number(extra["rows"])));
    });
    expect(dag.graph.nodes.length).toBe(2);
  });
});

describe("a DAG that waits for assets", () => {
  const dag = defineDag({ id: "d", schedule: onAssets(a) }, () => 1);
  const now = new Date("2026-11-27T10:00:00.123Z");

  it("has intervals that begin and end with the run", () => {
    expect(dataIntervalFor(dag.graph.schedule, now)).toEqual({ start: now, end: now });
    expect(lastCompleteInterval(dag.graph.schedule, now)).toEqual({ start: now, end: now });
    const { run } = planRun(dag, { params: {}, conf: {}, trigger: "manual", now });
    expect(run).toMatchObject({ id: "d/2026-11-27T10:00:00.123Z", logicalDate: "2026-11-27T10:00:00.123Z" });
    expect(run.dataInterval).toEqual({ start: run.logicalDate, end: run.logicalDate });
    expect(Object.keys(run)).not.toContain("assetEvents");
  });
});
