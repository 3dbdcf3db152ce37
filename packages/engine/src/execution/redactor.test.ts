import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type ConnectionValue,
  defineDag,
  type Json,
  SkipTask,
  type TaskContext,
  type TaskLog,
  task,
} from "../index.ts";
import { executeTask } from "./index.ts";
import { Redactor } from "./redactor.ts";

/** Secrets as they come: keys, pass phrases, multi-line keys, with all that has to be escaped somewhere. */
const secret = fc
  .oneof(
    fc.string({ minLength: 4, maxLength: 40 }),
    fc.string({ minLength: 4, maxLength: 40, unit: "grapheme" }),
    fc
      .array(fc.string({ minLength: 8, maxLength: 30 }), { minLength: 2, maxLength: 4 })
      .map((lines) => lines.join("\n")),
    fc.stringMatching(/^[A-Za-z0-9+/=_-]{4,60}$/),
  )
  // What is short without its white space is no secret; nor is one that a mask itself would hold.
  .filter((one) => one.trim().length >= 4 && !["true", "false", "null", "localhost", "127.0.0.1"].includes(one));

/** The ways in which code passes a secret on. */
const PLACES: readonly ((secret: string) => unknown)[] = [
  (one) => one,
  (one) => `postgres://app:${encodeURIComponent(one)}@db/shop`,
  (one) => `Authorization: Basic ${Buffer.from(`app:${one}`).toString("base64")}`,
  (one) => Buffer.from(one).toString("base64url"),
  (one) => ({ deep: [{ [one]: 1, at: `before ${one}${one} after` }] }),
  (one) => JSON.stringify({ password: one }),
  (one) => JSON.stringify({ body: JSON.stringify({ password: one }) }),
  (one) => new URLSearchParams({ password: one }).toString(),
];

/** What stands in a text as base64. */
function decodedIn(text: string): string {
  const runs = text.match(/[A-Za-z0-9+/_-]{5,}/g) ?? [];
  return runs.map((run) => Buffer.from(run, "base64").toString("utf8")).join("\n");
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [key, ...textsIn(one)]);
}

const RUN = {
  id: "d/2026-01-01T00:00:00Z",
  logicalDate: "2026-01-01T00:00:00Z",
  dataInterval: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" },
  trigger: "manual",
  conf: {},
} as const;

/** Runs a task that is given `connection`; gives all that came out of it, of every kind. */
async function allThatComesOut(
  connection: unknown,
  run: (value: ConnectionValue, ctx: TaskContext) => unknown,
  output: z.ZodType = z.unknown(),
): Promise<unknown[]> {
  const told: unknown[] = [];
  const log = Object.fromEntries(
    ["debug", "info", "warn", "error"].map((level) => [level, (...line: unknown[]) => told.push(line)]),
  ) as unknown as TaskLog;
  const one = task("one", {
    input: z.object({}),
    output,
    run: async (_, ctx) => run(await ctx.connection("warehouse"), ctx),
  });
  const dag = defineDag({ id: "d" }, () => one({}));
  const outcome = await executeTask({
    dag,
    ...{ nodeId: "one", input: {}, attempt: 1, run: RUN },
    services: { mcp: () => expect.unreachable(), log: () => log, connection: async () => connection },
    onProgress: (progress) => told.push(progress),
  });
  return [...told, outcome];
}

describe("a secret never comes out", () => {
  it("in whatever form, out of any place", async () => {
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom(...PLACES), fc.nat(6), async (password, place, way) => {
        const given = { login: { password } };
        const out = await allThatComesOut(given, ({ login }, ctx) => {
          const { password: known } = z.object({ password: z.string() }).parse(login);
          const value = place(known);
          const text = typeof value === "string" ? value : JSON.stringify(value);
          if (way === 0) return value;
          if (way === 1) throw new SkipTask(text);
          if (way === 2) throw new Error(`${"x".repeat(3_990)}${text}`);
          if (way === 3) throw Object.assign(new Error(text), { code: text, field: text, hint: text });
          if (way === 4) ctx.log.info(text, { value, error: new Error(text) });
          if (way === 5) ctx.progress({ done: 1, note: text });
          if (way === 6) ctx.log.error("nothing", { [text]: [value] });
          return null;
        });
        for (const text of textsIn(out)) expect(text).not.toContain(password);
        for (const text of textsIn(out)) expect(decodedIn(text)).not.toContain(password);
        const forms = [encodeURIComponent(password), Buffer.from(password).toString("base64url")];
        for (const text of textsIn(out)) for (const form of forms) expect(text).not.toContain(form);
      }),
      { numRuns: 300 },
    );
  });

  it("half: what is cut is cut after it was replaced", async () => {
    const password = "correct-horse-battery-staple";
    for (const filler of Array.from({ length: 40 }, (_, n) => 190 + n)) {
      const returned = `${"x".repeat(filler - 25)}${password}`;
      const [outcome] = await allThatComesOut({ password }, () => returned, z.number());
      expect(JSON.stringify(outcome)).not.toMatch(/correct-|horse/);
    }
  });

  it("beside another that overlaps it", () => {
    const redactor = new Redactor();
    redactor.learnAll(["abcdef", "defghi", "*** x"]);
    expect(redactor.text("1 abcdefghi 2 abcdef x")).toBe("1 *** 2 ***");
  });

  it("as a number, or from another attempt of the same process", async () => {
    const redactor = new Redactor();
    redactor.learnAll({ pin: "4711471147", port: "5432" });
    expect(redactor.json({ pin: 4711471147, port: 5432 })).toEqual({ pin: "***", port: 5432 });
    const leak = task("leak", { input: z.object({}), output: z.string(), run: () => "pin 4711471147" });
    const outcome = await executeTask({
      dag: defineDag({ id: "d" }, () => leak({})),
      ...{ nodeId: "leak", input: {}, attempt: 1, run: RUN, redactor },
      services: { mcp: () => expect.unreachable() },
    });
    expect(outcome).toEqual({ type: "success", output: "pin ***" });
  });
});

describe("what is no secret stays", () => {
  it("short texts, common words, fields in $public", async () => {
    const connection = { type: "postgres", ssl: "true", user: "ada", password: "hunter22", $public: ["type"] };
    const out = await allThatComesOut(connection, (value): Json => ({ ...value }));
    expect(out.at(-1)).toEqual({
      type: "success",
      output: { type: "postgres", ssl: "true", user: "ada", password: "***" },
    });
    expect(out[0]).toEqual([expect.stringContaining("held a secret"), undefined]);
  });

  it("scheme, host, port and short path of a URL", async () => {
    const url = "postgres://app:p%40ss-word@db.internal:5432/shop?sslmode=require";
    const out = await allThatComesOut(url, (value): Json => ({ ...value, again: "p@ss-word p%40ss-word" }));
    expect(out.at(-1)).toEqual({
      type: "success",
      output: {
        url: "***",
        scheme: "postgres",
        host: "db.internal",
        port: 5432,
        user: "app",
        password: "***",
        path: "shop",
        query: { sslmode: "require" },
        again: "*** ***",
      },
    });
  });
});

it("as HTML and XML write it", () => {
  const redactor = new Redactor();
  redactor.learn(`a<b & 'c"d`);
  for (const quotes of [
    ["'", '"'],
    ["&#39;", "&quot;"],
    ["&apos;", "&quot;"],
  ])
    expect(redactor.text(`<p>a&lt;b &amp; ${quotes[0]}c${quotes[1]}d</p>`)).toBe("<p>***</p>");
});
