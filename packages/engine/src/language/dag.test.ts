import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  branch,
  cron,
  type Dag,
  DagDefinitionError,
  defineDag,
  derive,
  every,
  group,
  isDag,
  shortCircuit,
  task,
} from "../index.ts";
import { features, ingest, pipeline, quality, register, train } from "./fixtures/stages.ts";

const add = task("add", {
  input: z.object({ a: z.number(), b: z.number() }),
  output: z.number(),
  run: ({ a, b }) => a + b,
});
const ping = task("ping", {
  input: z.object({}),
  output: z.object({ ok: z.boolean(), mood: z.enum(["good", "bad"]) }),
  run: () => ({ ok: true, mood: "good" as const }),
});
const edges = (dag: Dag) => dag.graph.nodes.map(({ id, upstream }) => `${id} <- ${upstream.join(" ")}`.trim());

function mistakesOf(define: () => unknown): readonly string[] {
  try {
    define();
  } catch (error) {
    if (error instanceof DagDefinitionError) return error.mistakes;
    throw error;
  }
  return [];
}

describe("a DAG", () => {
  it("has the edges that data, `after` and `when` make", () => {
    expect(edges(pipeline)).toEqual([
      "ingest <-",
      "quality <- ingest",
      "features <- ingest quality",
      "train <- features",
      "good_enough <- train",
      "register <- good_enough train",
    ]);
  });

  it("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(pipeline.graph))).toEqual(pipeline.graph);
    expect(pipeline.graph).toMatchSnapshot();
  });

  it("has a version that hangs on its content alone", () => {
    const define = (retries: number) => defineDag({ id: "v" }, () => ping({}, { retries }));
    expect(define(1).graph.version).toBe(define(1).graph.version);
    expect(define(1).graph.version).not.toBe(define(2).graph.version);
    expect(define(1).graph.version).toMatch(/^[0-9a-f]{12}$/);
  });

  it("merges policy node over task over defaults; pure functions get none of the defaults", () => {
    const dag = defineDag({ id: "policy", defaults: { retries: 5, retryDelay: "1m", timeout: "1h" } }, () => {
      const model = train({ table: "t", algorithm: "random_forest" }, { retryDelay: "2m" });
      derive("pure", [model.runId], (id) => id);
    });
    const [node, pure] = dag.graph.nodes;
    expect(node?.policy).toMatchObject({
      retries: 1,
      retryDelayMs: 120_000,
      timeoutMs: 3_600_000,
      heartbeatMs: 15_000,
    });
    expect(pure?.policy).toMatchObject({ retries: 0, timeoutMs: 86_400_000 });
    expect(pure?.light).toBe(true);
  });

  it("is told from other values", () => {
    expect(isDag(pipeline)).toBe(true);
    expect(isDag({ ...pipeline })).toBe(false);
    expect(isDag(null)).toBe(false);
  });

  it("knows the task and function behind each node", () => {
    expect(pipeline.tasks.get("train")).toBe(train.definition);
    expect(pipeline.functions.get("good_enough")).toBeTypeOf("function");
  });
});

describe("refs", () => {
  it("index and dot into a value, and are no promises", async () => {
    const dag = defineDag({ id: "refs" }, () => {
      const feats = features({ table: "t", asOf: "x" });
      expect((feats as { then?: unknown }).then).toBeUndefined();
      return { first: feats.views[0].name, seventh: feats.views[6].name };
    });
    expect(dag.graph.output).toEqual({
      kind: "object",
      fields: {
        first: { kind: "node", node: "features", path: ["views", 0, "name"] },
        seventh: { kind: "node", node: "features", path: ["views", 6, "name"] },
      },
    });
  });

  it("refuse to be spread, since that would give nothing without a word", () => {
    const mistakes = mistakesOf(() =>
      defineDag({ id: "spread" }, () => ping({ ...(quality({ table: "t", suite: "s" }) as object) })),
    );
    expect(mistakes).toEqual([expect.stringContaining("A Ref cannot be spread")]);
  });

  it("refuse to be computed with, and say where to do that", () => {
    const uses: ((ref: object) => unknown)[] = [
      (ref) => `${ref}`,
      (ref) => Number(ref) > 1,
      (ref) => `s3://${ref}`.length,
    ];
    for (const use of uses) {
      const mistakes = mistakesOf(() => defineDag({ id: "computed" }, () => use(quality({ table: "t", suite: "s" }))));
      expect(mistakes).toEqual([expect.stringContaining("A Ref cannot be computed with")]);
    }
  });
});

describe("branches, groups and short circuits", () => {
  it("refuse a branch without arms", () => {
    const mistakes = mistakesOf(() => defineDag({ id: "armless" }, () => branch("mood", ping({}).mood, {} as never)));
    expect(mistakes).toEqual(['DAG "armless", node "mood": it has no arms: expected at least one, { key: () => … }']);
  });

  const dag = defineDag({ id: "forks" }, () => {
    const asked = ping({});
    const { arms } = branch("mood", asked.mood, {
      good: () => {
        const first = add({ a: 1, b: 2 }, { id: "first" });
        return add({ a: first, b: 3 }, { id: "second" });
      },
      bad: () => group("repair", () => group("deep", () => add({ a: 1, b: 1 }, { id: "repair" }))),
    });
    const gate = shortCircuit("gate", asked.ok);
    return add(
      { a: arms.good, b: arms.bad },
      { id: "join", after: [gate], triggerRule: "none_failed_min_one_success" },
    );
  });
  const node = (id: string) => dag.graph.nodes.find((one) => one.id === id);

  it("join the branch to the first nodes of its arms only", () => {
    expect(edges(dag)).toEqual([
      "ping <-",
      "mood <- ping",
      "first <- mood",
      "second <- first",
      "repair <- mood",
      "gate <- ping",
      "join <- gate repair second",
    ]);
    expect(node("mood")?.keys).toEqual(["good", "bad"]);
    expect(node("second")?.arms).toEqual([{ branch: "mood", key: "good" }]);
    expect(node("join")?.arms).toBeUndefined();
  });

  it("name the box a node is drawn in", () => {
    expect(node("repair")?.group).toBe("repair.deep");
  });
});

describe("mistakes", () => {
  it("are all found at once, each with DAG and node", () => {
    const mistakes = mistakesOf(() =>
      defineDag(
        {
          id: "bad dag",
          schedule: cron(["61 * * * *", "0 0 1 * 1", "0 0 L * *"], {
            timezone: "Mars/Olympus",
            jitter: "soon" as "1s",
            start: "whenever",
          }),
          maxActiveRuns: 0,
          manualLogicalDate: "1998-02-30",
          paused: { note: " " },
          defaults: { retries: -1 },
        },
        ({ params }) => {
          const one = ping({});
          ping({}, { retryDelay: "5 minutes" as "5m", retries: 1.5, backoff: 0.5 });
          add({ a: 1, b: Number.NaN }, { id: "no spaces", after: [params] });
          add(
            { a: 1, b: new Date() as unknown as number },
            { triggerRule: "most" as "always", when: "yes" as unknown as boolean },
          );
          derive("ping", [one.ok], (ok) => ok, { after: [pipeline as never] });
          return () => 1;
        },
      ),
    );
    expect(mistakes).toEqual([
      'DAG "bad dag", id: expected 1 to 200 letters, digits, "_", "-" and ".", beginning with none of the last two',
      'DAG "bad dag", maxActiveRuns is 0: expected a whole number of at least 1',
      'DAG "bad dag", paused.note is empty: say why the schedule is paused',
      'DAG "bad dag", manualLogicalDate is "1998-02-30": expected a day such as 1998-01-31 or an ISO-8601 moment',
      'DAG "bad dag", schedule: cron timezone is "Mars/Olympus": expected an IANA name such as "Europe/Berlin"',
      expect.stringContaining('DAG "bad dag", schedule: cron expression "61 * * * *": '),
      'DAG "bad dag", schedule: cron expression "0 0 1 * 1": day and weekday together mean different things to different crons: give one expression for each',
      'DAG "bad dag", schedule: cron expression "0 0 L * *": "L" is not understood: expected *, numbers, ranges, steps, lists, names',
      'DAG "bad dag", schedule: cron jitter is "soon": expected a duration such as "30s"',
      'DAG "bad dag", schedule: cron start is "whenever": expected an ISO-8601 date',
      'DAG "bad dag", defaults: retries is -1: expected a whole number of at least 0',
      'DAG "bad dag", node "ping": the id is taken by an earlier node; give this one its own, such as ping(input, { id: "ping_2" })',
      'DAG "bad dag", node "ping": retries is 1.5: expected a whole number of at least 0',
      'DAG "bad dag", node "ping": backoff is 0.5: expected a number of at least 1',
      'DAG "bad dag", node "ping": retryDelay is "5 minutes": expected milliseconds or a duration such as "5m"',
      'DAG "bad dag", node "no spaces": its id must be 1 to 200 letters, digits, "_", "-" and ".", and begin with none of the last two',
      'DAG "bad dag", node "no spaces": its input.b is a number (NaN): expected JSON (text, finite numbers, true, false, null, lists, plain objects) or a Ref',
      'DAG "bad dag", node "no spaces": after[0] is of params, which is there from the start: expected a node',
      'DAG "bad dag", node "add": its input.b is a Date: expected JSON (text, finite numbers, true, false, null, lists, plain objects) or a Ref',
      'DAG "bad dag", node "add": when is "yes": expected true, false or a Ref of them',
      expect.stringContaining('DAG "bad dag", node "add": triggerRule is "most": expected one of all_success, '),
      'DAG "bad dag", node "ping": the id is taken by an earlier node; give this one its own, such as derive("ping_2", …)',
      'DAG "bad dag", node "ping": after[0] is no node: expected what wiring a task gave back',
      'DAG "bad dag", its result is a function (() => 1): expected JSON (text, finite numbers, true, false, null, lists, plain objects) or a Ref',
    ]);
  });

  it("name what nobody reads, by Airflow's names too, where DAG files run without a compiler", () => {
    const untyped: Readonly<Record<string, object>> = {
      dag: { id: "untyped", max_active_runs: 1, schedule: "@daily", deadline: { after: "1h", on_missed: 1 } },
      task: { input: z.object({}), output: z.number(), retrys: 2, run: () => 1 },
      node: { trigger_rule: "all_done" },
      cron: { tz: "Europe/Berlin", frobnicate: 1 },
    };
    const odd = task("odd", untyped["task"] as Parameters<typeof task>[1]);
    const mistakes = mistakesOf(() =>
      defineDag(untyped["dag"] as { id: string }, () => {
        const one = odd({}, untyped["node"]);
        ping({}, { after: one as never });
      }),
    );
    expect(mistakes).toEqual([
      'DAG "untyped", there is no option "max_active_runs"; did you mean "maxActiveRuns"?',
      expect.stringContaining('DAG "untyped", schedule: it is "@daily": expected cron("@daily")'),
      'DAG "untyped", deadline: there is no option "on_missed"; did you mean "onMissed"?',
      'DAG "untyped", node "odd": there is no option "trigger_rule"; did you mean "triggerRule"?',
      'DAG "untyped", node "odd": there is no option "retrys"; did you mean "retries"?',
      'DAG "untyped", node "ping": after: expected a list of nodes, [node]',
    ]);
    expect(
      mistakesOf(() => defineDag({ id: "zone", schedule: cron("@daily", untyped["cron"]) }, () => undefined)),
    ).toEqual([
      expect.stringContaining('schedule: there is no option "tz"; there are jitter'),
      expect.stringContaining('schedule: there is no option "frobnicate"'),
    ]);
  });

  it("name a Ref that came from another DAG", () => {
    let foreign: ReturnType<typeof quality> | undefined;
    defineDag({ id: "one" }, () => {
      foreign = quality({ table: "t", suite: "s" });
    });
    const mistakes = mistakesOf(() =>
      defineDag({ id: "two" }, () => {
        if (foreign === undefined) return;
        derive("read", [foreign.success], (success) => success);
        ping({}, { after: [foreign], when: foreign.success });
      }),
    );
    expect(mistakes).toEqual([
      'DAG "two", node "read": its input[0] is a Ref of another DAG: only values of this DAG can be wired',
      'DAG "two", node "ping": when is a Ref of another DAG: only values of this DAG can be wired',
      'DAG "two", node "ping": after[0] is a node of another DAG',
    ]);
  });

  it("say when a body waits, throws, or is not there", () => {
    expect(mistakesOf(() => defineDag({ id: "later" }, async () => {}))).toEqual([
      'DAG "later", its body is asynchronous: wiring must be done when the function returns',
    ]);
    expect(
      mistakesOf(() =>
        defineDag({ id: "oops" }, () => {
          throw new RangeError("too far");
        }),
      ),
    ).toEqual(['DAG "oops", its body threw RangeError: too far']);
    expect(() => ping({})).toThrow('task "ping" was called outside a DAG body');
  });

  it("find bounds that contradict each other, and intervals too short", () => {
    const dag = () =>
      defineDag(
        {
          id: "b",
          schedule: every("10ms", {
            ...{ offset: "x" as "1s", overlap: "never" as "skip" },
            ...{ start: "2026-02-01", end: "2026-01-01" },
          }),
          catchup: { window: "long" as "1s", limit: 0 },
        },
        () => ping({}, { retryDelay: "1h", maxRetryDelay: "1m", timeout: 0, light: true, queue: "gpu" }),
      );
    expect(mistakesOf(dag)).toEqual([
      'DAG "b", catchup.window is "long": expected a duration such as "3d"',
      'DAG "b", catchup.limit is 0: expected a whole number of at least 1',
      'DAG "b", schedule: every("10ms"): expected a duration of at least "1s"',
      'DAG "b", schedule: every(…, { offset: "x" }): expected a duration such as "5m"',
      'DAG "b", schedule: every overlap is "never": expected one of skip, buffer_one, buffer_all, allow_all, cancel_other, terminate_other',
      'DAG "b", schedule: every end is "2026-01-01": expected a moment after its start, "2026-02-01"',
      'DAG "b", node "ping": timeout is 0: expected more than no time, milliseconds or a duration such as "5m"',
      'DAG "b", node "ping": a light task runs inside the scheduler\'s own step: it cannot have a queue',
      'DAG "b", node "ping": maxRetryDelay (1m) cannot be less than retryDelay (1h)',
    ]);
  });
});

it("what must not compile does not", () => {
  // Never called: the compiler is the test.
  const body = () =>
    defineDag(
      { id: "types", params: z.object({ source: z.string(), n: z.number(), on: z.boolean() }) },
      ({ params, run }) => {
        const raw = ingest({ source: params.source, interval: run.dataInterval });
        // @ts-expect-error a number where a table's name is wanted
        quality({ table: raw.rows, suite: "s" });
        // @ts-expect-error a literal of the wrong type
        quality({ table: 7, suite: "s" });
        // @ts-expect-error no such field of the output
        quality({ table: raw.tabel, suite: "s" });
        // @ts-expect-error the input lacks `suite`
        quality({ table: raw.table });
        // @ts-expect-error no such field of the input
        quality({ table: raw.table, suite: "s", strict: true });
        // @ts-expect-error not one of the enum
        train({ table: "t", algorithm: "neural_network" });
        // @ts-expect-error any text where an enum is wanted
        train({ table: "t", algorithm: params.source });
        // @ts-expect-error one item is a number
        train({ table: "t", algorithm: "random_forest", tags: [raw.table, raw.rows] });
        // @ts-expect-error `when` is no boolean
        register({ runId: "r" }, { when: params.n });
        // @ts-expect-error no such trigger rule
        register({ runId: "r" }, { triggerRule: "all" });
        // @ts-expect-error no unit of time
        register({ runId: "r" }, { retryDelay: "5 minutes" });
        // @ts-expect-error a task's options, not a node
        register({ runId: "r" }, { after: ["ingest"] });
        // @ts-expect-error no such param
        quality({ table: params.table, suite: "s" });
        // @ts-expect-error the arm for "bad" is missing
        branch("b", ping({}).mood, { good: () => 1 });
        // @ts-expect-error f1 is a number
        derive("d", [raw.rows], (rows) => rows.toUpperCase());
        // @ts-expect-error a field of something that may be null
        derive("e", [train({ table: "t", algorithm: "random_forest" }).note.length], (length) => length);
        // @ts-expect-error task schemas give the type of what `run` returns
        task("t", { input: z.object({}), output: z.object({ n: z.number() }), run: () => ({ n: "1" }) });

        // And what must compile does.
        train(
          { table: raw.table, algorithm: "random_forest", tags: [raw.table, "x"] },
          { when: params.on, after: [raw, raw.rows] },
        );
        const text: string = derive.name;
        features({ table: text, asOf: run.logicalDate });
        const both = derive("both", [{ a: raw.rows, b: 2 }, [params.n]], (one, list) => one.a + one.b + list[0]);
        add({ a: both, b: raw.rows });
      },
    );
  expect(body).toBeTypeOf("function");
});
