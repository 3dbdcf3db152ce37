import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  createRegistry,
  cron,
  type Dag,
  dagsOfModule,
  defineDag,
  planRun,
  type RunRequest,
  workflowIdFor,
} from "../index.ts";
import { pipeline } from "./fixtures/stages.ts";

const plan = (dag: Dag, some: Partial<RunRequest> = {}) =>
  planRun(dag, { runId: "r", params: {}, conf: {}, trigger: "manual", now: new Date("2026-05-04T10:00:00Z"), ...some });
function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("planRun", () => {
  it("fills in defaults and takes the last complete interval", () => {
    expect(plan(pipeline, { conf: { why: "test" } })).toEqual({
      graph: pipeline.graph,
      params: { source: "purchases.csv", model: "random_forest", minF1: 0.85 },
      run: {
        id: "r",
        logicalDate: "2026-05-03T00:00:00Z",
        dataInterval: { start: "2026-05-03T00:00:00Z", end: "2026-05-04T00:00:00Z" },
        trigger: "manual",
        conf: { why: "test" },
      },
    });
  });

  it.each([
    ["1998-01-31", "1998-01-31T00:00:00Z"],
    ["1998-01-31T00:00:00Z", "1998-01-31T00:00:00Z"],
    ["1998-01-31T00:00:00.000Z", "1998-01-31T00:00:00Z"],
    ["1998-01-31T02:30:00.250+02:00", "1998-01-31T00:30:00.250Z"],
    ["1998-01-31 00:30", "1998-01-31T00:30:00Z"],
  ])("reads the logical date %s as %s", (given, normal) => {
    const { run } = plan(pipeline, { logicalDate: given });
    expect(run.logicalDate).toBe(normal);
    expect(run.dataInterval).toEqual({ start: "1998-01-31T00:00:00Z", end: "1998-02-01T00:00:00Z" });
    expect(workflowIdFor("pipeline", given)).toBe(`pipeline/${normal}`);
  });

  it.each(["yesterday", "1998-02-30", "1998-13-01", "31.01.1998", "", "1998-01-31T25:00", "9999-12-31", "0001-01-01"])(
    "refuses the logical date %j",
    (given) => {
      expect(thrown(() => plan(pipeline, { logicalDate: given }))).toMatchObject({
        code: "INVALID_LOGICAL_DATE",
        field: "logicalDate",
        retryable: false,
      });
    },
  );

  it("takes the interval that ends when the schedule fires", () => {
    const { run } = plan(pipeline, { trigger: "schedule", scheduledFor: new Date("2026-05-04T00:00:03Z") });
    expect(run).toMatchObject({ logicalDate: "2026-05-03T00:00:00Z", dataInterval: { end: "2026-05-04T00:00:00Z" } });
  });

  it("takes the DAG's own date for a manual run that names none", () => {
    const dag = defineDag({ id: "d", schedule: cron("@daily"), manualLogicalDate: "1998-01-31" }, () => null);
    expect(plan(dag).run.logicalDate).toBe("1998-01-31T00:00:00Z");
    expect(plan(dag, { logicalDate: "1998-02-01" }).run.logicalDate).toBe("1998-02-01T00:00:00Z");
    expect(plan(dag, { scheduledFor: new Date("2026-05-04T00:00:00Z") }).run.logicalDate).toBe("2026-05-03T00:00:00Z");
  });

  it("without a schedule, gives an interval of no length", () => {
    const dag = defineDag({ id: "d" }, () => null);
    const now = "2026-05-04T10:00:00Z";
    expect(plan(dag).run).toMatchObject({ logicalDate: now, dataInterval: { start: now, end: now } });
  });

  it("refuses params with their name, value and what was expected", () => {
    expect(thrown(() => plan(pipeline, { params: { minF1: "high" } }))).toMatchObject({
      code: "INVALID_PARAMS",
      field: "minF1",
      message: 'Params of pipeline: "minF1" is "high": expected number',
      hint: "pipeline takes: source, model, minF1",
      retryable: false,
    });
    expect(thrown(() => plan(pipeline, { params: { modle: "x", model: "svm" } }))).toMatchObject({
      field: "modle",
      message: expect.stringContaining('there is no param "modle"; did you mean "model"?; "model" is "svm": '),
    });
    const needy = defineDag({ id: "needy", params: z.strictObject({ rows: z.object({ n: z.number() }) }) }, () => null);
    expect(thrown(() => plan(needy))).toMatchObject({ message: 'Params of needy: "rows" is missing: expected object' });
    expect(thrown(() => plan(needy, { params: { rows: { n: "1" } } }))).toMatchObject({
      field: "rows.n",
      message: 'Params of needy: "rows.n" is "1": expected number',
    });
  });
});

describe("a registry", () => {
  const other = defineDag({ id: "other" }, () => null);

  it("finds DAGs, and suggests the nearest", () => {
    const registry = createRegistry([pipeline, other]);
    expect(registry.get("pipeline")).toBe(pipeline);
    expect(registry.list().map(({ id }) => id)).toEqual(["other", "pipeline"]);
    expect(thrown(() => registry.get("pipelin"))).toMatchObject({
      code: "DAG_NOT_FOUND",
      message: 'There is no DAG "pipelin"; did you mean "pipeline"?',
      hint: "Known DAGs: other, pipeline. One of another file is known by --dags FILE.",
    });
  });

  it("refuses two DAGs of one id, but not the same one twice", () => {
    expect(thrown(() => createRegistry([other, defineDag({ id: "other" }, () => null)]))).toMatchObject({
      code: "DUPLICATE_DAG",
    });
    expect(createRegistry([other, other]).list()).toEqual([other]);
  });

  it("takes DAGs out of modules: named, or in an array", () => {
    expect(dagsOfModule({ pipeline, default: [other, pipeline], text: "x", nothing: null })).toEqual([pipeline, other]);
  });
});
