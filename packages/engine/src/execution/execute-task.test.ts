import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Dag, defineDag, derive, SkipTask, type TaskServices, task } from "../index.ts";
import { executeFunction, executeTask, MAX_OUTPUT_BYTES, type TaskExecution, type TaskOutcome } from "./index.ts";

const RUN = {
  id: "d/2026-01-01T00:00:00Z",
  logicalDate: "2026-01-01T00:00:00Z",
  dataInterval: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" },
  trigger: "manual",
  conf: {},
} as const;
const services: TaskServices = {
  mcp: () => {
    throw new Error("not asked");
  },
};

/** A DAG of one task that does what the test says. */
function dagOf(
  run: (input: { n: number }, ctx: Parameters<Parameters<typeof task>[1]["run"]>[1]) => unknown,
  output: z.ZodType = z.unknown(),
): Dag {
  const one = task("one", { input: z.object({ n: z.number().int() }), output, run });
  return defineDag({ id: "d" }, () => one({ n: 1 })) as unknown as Dag;
}
async function execute(dag: Dag, some: Partial<TaskExecution> = {}): Promise<TaskOutcome> {
  return await executeTask({ dag, nodeId: "one", input: { n: 1 }, attempt: 1, run: RUN, services, ...some });
}
const errorOf = (outcome: TaskOutcome) => (outcome.type === "failed" ? outcome.error : undefined);

describe("a task", () => {
  it("gives its output, checked and filled in by its schema", async () => {
    const dag = dagOf(({ n }) => ({ n, more: true }), z.object({ n: z.number(), unit: z.string().default("rows") }));
    expect(await execute(dag)).toEqual({ type: "success", output: { n: 1, unit: "rows" } });
  });

  it("skips itself", async () => {
    const dag = dagOf(() => {
      throw new SkipTask("no customers yet");
    });
    expect(await execute(dag)).toEqual({ type: "skipped", reason: "no customers yet" });
  });

  it("is not run on an input its schema does not take", async () => {
    const dag = dagOf(() => expect.unreachable());
    expect(errorOf(await execute(dag, { input: { n: "1" } }))).toEqual({
      code: "INVALID_INPUT",
      message: 'Input of task "one": "n" is "1": expected number',
      field: "n",
      retryable: false,
    });
  });

  it.each([
    ["a missing field", () => ({}), 'Output of task "one": "n" is missing: expected number'],
    ["NaN", () => ({ n: 1, extra: Number.NaN }), 'Output of task "one": "extra" is NaN'],
    ["a date", () => ({ n: 1, deep: [{ at: new Date(0) }] }), 'Output of task "one": "deep.0.at" is a Date'],
    ["a function", () => ({ n: 1, f: () => 1 }), 'Output of task "one": "f" is a function'],
    ["a bigint", () => ({ n: 1, f: 1n }), 'Output of task "one": "f" is a bigint'],
  ])("may not give %s", async (_what, run, message) => {
    const dag = dagOf(run, z.looseObject({ n: z.number() }));
    expect(errorOf(await execute(dag))).toMatchObject({ code: "INVALID_OUTPUT", message, retryable: false });
  });

  it("names ten of many problems and counts the rest", async () => {
    const dag = dagOf(() => Array.from({ length: 100_000 }, () => "x"), z.array(z.number()));
    const message = errorOf(await execute(dag))?.message ?? "";
    expect(message).toMatch(/^Output of task "one": "0" is "x".*; and 99990 more$/);
    expect(message.length).toBeLessThan(1_000);
  });

  it("gives null for nothing", async () => {
    expect(await execute(dagOf(() => undefined))).toEqual({ type: "success", output: null });
  });

  it("hands data on by reference when it is large", async () => {
    const ofBytes = (bytes: number) => dagOf(() => "é".repeat((bytes - 2) / 2));
    expect((await execute(ofBytes(MAX_OUTPUT_BYTES))).type).toBe("success");
    expect(errorOf(await execute(ofBytes(MAX_OUTPUT_BYTES + 2)))).toMatchObject({
      code: "OUTPUT_TOO_LARGE",
      hint: expect.stringContaining("by reference"),
      retryable: false,
    });
  });

  it("knows its run, and its key is the same for every attempt", async () => {
    const dag = dagOf((_input, { attempt, idempotencyKey, taskId, run }) => ({
      attempt,
      idempotencyKey,
      taskId,
      day: run.logicalDate,
    }));
    const first = await execute(dag);
    const second = await execute(dag, { attempt: 2 });
    expect(first).toMatchObject({
      output: { attempt: 1, idempotencyKey: "d/2026-01-01T00:00:00Z/one", taskId: "one", day: "2026-01-01T00:00:00Z" },
    });
    expect(second).toMatchObject({ output: { attempt: 2, idempotencyKey: "d/2026-01-01T00:00:00Z/one" } });
  });

  it("asks servers, logs and reports progress through its services", async () => {
    const said: unknown[] = [];
    const dag = dagOf(async (_input, ctx) => {
      ctx.log.info("at work", { rows: 3 });
      ctx.progress({ done: 1, total: 2 });
      return await ctx.mcp({ name: "clock", instructions: "", tools: {} }).call("now" as never, {} as never);
    });
    const outcome = await execute(dag, {
      onProgress: (progress) => said.push(progress),
      services: {
        log: ({ taskId, attempt }) => {
          const write = (message: string, fields?: unknown) => said.push([taskId, attempt, message, fields]);
          return { debug: write, info: write, warn: write, error: write };
        },
        mcp: (contract, { idempotencyKey, calls }) => ({
          call: async (tool) => ({ tool, server: contract.name, idempotencyKey, calls: calls.size }) as never,
        }),
      },
    });
    expect(said).toEqual([["one", 1, "at work", { rows: 3 }], { done: 1, total: 2 }]);
    expect(outcome).toMatchObject({ output: { tool: "now", server: "clock", calls: 0 } });
  });

  it("that this worker does not have may be tried elsewhere", async () => {
    expect(
      errorOf(
        await execute(
          dagOf(() => 1),
          { nodeId: "two" },
        ),
      ),
    ).toMatchObject({ code: "TASK_NOT_FOUND", retryable: true });
  });
});

describe("what a task throws", () => {
  const thrown = async (error: unknown) =>
    errorOf(
      await execute(
        dagOf(() => {
          throw error;
        }),
      ),
    );

  it("keeps code, message, field, hint and whether to retry", async () => {
    const error = Object.assign(new Error("The file is empty"), {
      code: "EMPTY_FILE",
      field: "source",
      hint: "Name another.",
      retryable: false,
    });
    expect(await thrown(error)).toEqual({
      code: "EMPTY_FILE",
      message: "The file is empty",
      field: "source",
      hint: "Name another.",
      retryable: false,
    });
  });

  it("is worth another attempt unless it says no", async () => {
    expect(await thrown(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }))).toEqual({
      code: "ECONNREFUSED",
      message: "refused",
      retryable: true,
    });
    expect(await thrown(new RangeError("too far"))).toMatchObject({
      code: "TASK_FAILED",
      message: "too far",
      retryable: true,
      stack: expect.stringContaining("RangeError"),
    });
  });

  it.each([
    ["text", "text"],
    [undefined, "undefined"],
    [null, "null"],
    [{}, "[object Object]"],
    [7, "7"],
  ])("may be anything: %j", async (value, message) => {
    expect(await thrown(value)).toEqual({ code: "TASK_FAILED", message, retryable: true });
  });

  it("is not worth another attempt when data does not fit a schema", async () => {
    const error = z.object({ n: z.number() }).safeParse({ n: "x" }).error;
    expect(await thrown(error)).toMatchObject({ code: "INVALID_DATA", field: "n", retryable: false });
  });
});

describe("a derive function", () => {
  const dag = defineDag({ id: "d" }, () => {
    derive("sum", [1, [2, 3]], (a, [b, c]) => a + b + c);
    derive("oops", [], () => {
      throw new Error("no");
    });
  }) as unknown as Dag;

  it("takes its arguments as a list", async () => {
    expect(await executeFunction(dag, "sum", [1, [2, 3]])).toEqual({ type: "success", output: 6 });
  });

  it("fails as a task does", async () => {
    expect(errorOf(await executeFunction(dag, "oops", []))).toMatchObject({ code: "TASK_FAILED", message: "no" });
    expect(errorOf(await executeFunction(dag, "nowhere", []))).toMatchObject({ code: "TASK_NOT_FOUND" });
  });
});
