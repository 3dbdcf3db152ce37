import { NotEvaluableError } from "./errors.ts";
import { inTime } from "./in-time.ts";
import type { Answers, Plan, TextCheck, TextVerdict, Verdict } from "./plan.ts";
import { ROWS } from "./plan.ts";
import { type Dialect, type Fragment, identifier, join, keyOf, render, type Scalar, sql, text } from "./sql.ts";

/**
 * Runs SQL of the validation's dialect with named parameters (`$name` in DuckDB's, `:name` in Spark's): all that is
 * asked of an engine. Types may be DuckDB's or Spark SQL's names; the columns of a result are needed even when it has
 * no rows.
 */
export type Query = (
  sql: string,
  params?: Record<string, Scalar>,
) => Promise<{
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}>;

/** Different texts that are fetched at a time. */
const PAGE = 200_000;
/** Characters that are judged in one go: milliseconds of work for a pattern that ends. */
const TOGETHER = 100_000;
/** Texts that were not accepted and are kept, to find their rows. */
const KEPT_TEXTS = 1000;

/** The rows under validation, and how they are asked. */
export class Rows {
  readonly #query: Query;
  readonly #dialect: Dialect;
  readonly #source: Fragment;

  /** @param source selects the rows. */
  constructor(query: Query, dialect: Dialect, source: Fragment) {
    this.#query = query;
    this.#dialect = dialect;
    this.#source = source;
  }

  async select(fragment: Fragment): ReturnType<Query> {
    const { sql: statement, params } = render(sql`WITH ${ROWS} AS (${this.#source}) ${fragment}`, this.#dialect);
    return this.#query(statement, params);
  }

  /**
   * Carries out plans together, round by round: all that a round asks of one relation is one query, and what several
   * plans ask is asked once. A plan that the engine refuses, or that cannot be judged, fails alone.
   */
  async run(plans: readonly (Plan | Error)[]): Promise<(Verdict | Error)[]> {
    const done: (Verdict | Error)[] = [];
    let open = new Map<number, Plan>();
    for (const [index, plan] of plans.entries()) {
      if (plan instanceof Error) done[index] = plan;
      else open.set(index, plan);
    }
    while (open.size > 0) {
      const values = await this.#ask([...open.values()]);
      const next = new Map<number, Plan>();
      for (const [index, plan] of open) {
        const step = await this.#judge(plan, values.get(plan) ?? []);
        if (step instanceof Error || "outcome" in step) done[index] = step;
        else next.set(index, step);
      }
      open = next;
    }
    return done;
  }

  async #judge(plan: Plan, values: readonly Scalar[] | Error): Promise<Verdict | Plan | Error> {
    if (values instanceof Error) return values;
    try {
      const lists: Answers["lists"][number][] = [];
      for (const list of plan.lists ?? []) lists.push((await this.select(list)).rows.map(({ v }) => scalar(v)));
      const texts = plan.texts === undefined ? { rows: 0, values: [] } : await this.#check(plan.texts);
      return plan.judge({ values, lists, texts });
    } catch (error) {
      return asError(error);
    }
  }

  /** The values of every plan's aggregates; or why there are none. */
  async #ask(plans: readonly Plan[]): Promise<Map<Plan, Scalar[] | Error>> {
    const relations = new Map<string, { over: Fragment; asked: Map<string, Fragment> }>();
    for (const { over, value } of plans.flatMap(({ asks }) => asks)) {
      const relation = relations.get(keyOf(over)) ?? { over, asked: new Map<string, Fragment>() };
      relations.set(keyOf(over), relation);
      relation.asked.set(keyOf(value), value);
    }
    const found = new Map<string, Map<string, Scalar> | Error>();
    for (const [key, { over, asked }] of relations) {
      found.set(key, await this.#aggregate(over, asked).catch(asError));
    }
    // The engine refused one of several: a table that cannot be read is the caller's error, else the guilty is found.
    const refused = [...found.values()].some((values) => values instanceof Error);
    if (refused) await this.select(sql`SELECT count(*) AS n FROM ${ROWS}`);
    const answers = new Map<Plan, Scalar[] | Error>();
    for (const plan of plans) answers.set(plan, await this.#answersOf(plan, found));
    return answers;
  }

  async #answersOf(plan: Plan, found: ReadonlyMap<string, Map<string, Scalar> | Error>): Promise<Scalar[] | Error> {
    const values: Scalar[] = [];
    for (const { over, value } of plan.asks) {
      const key = keyOf(value);
      const together = found.get(keyOf(over));
      const alone =
        together instanceof Error ? await this.#aggregate(over, new Map([[key, value]])).catch(asError) : together;
      if (alone instanceof Error) return alone;
      values.push(alone?.get(key) ?? null);
    }
    return values;
  }

  async #aggregate(over: Fragment, asked: ReadonlyMap<string, Fragment>): Promise<Map<string, Scalar>> {
    const list = [...asked.values()].map((value, index) => sql`${value} AS ${text(`a${index}`)}`);
    const { rows } = await this.select(sql`SELECT ${join(list, ", ")} FROM ${over}`);
    return new Map([...asked.keys()].map((key, index) => [key, scalar(rows[0]?.[`a${index}`])]));
  }

  /** Judges every different text once, some at a time. */
  async #check({ value, where, accepts }: TextCheck): Promise<TextVerdict> {
    let rows = 0;
    const values: string[] = [];
    let last: string | undefined;
    for (;;) {
      const after = last === undefined ? sql`` : sql` AND ${value} > ${last}`;
      const page = await this.select(
        sql`SELECT ${value} AS v, count(*) AS n FROM ${ROWS} WHERE ${where}${after} GROUP BY 1 ORDER BY 1 LIMIT ${text(String(PAGE))}`,
      );
      for (let at = 0; at < page.rows.length; ) {
        at = inTime(() => {
          let [next, characters] = [at, 0];
          for (; next < page.rows.length && characters < TOGETHER; next += 1) {
            last = String(page.rows[next]?.["v"]);
            characters += last.length + 100;
            if (accepts(last)) continue;
            rows += Number(page.rows[next]?.["n"]);
            if (values.length < KEPT_TEXTS) values.push(last);
          }
          return next;
        });
      }
      if (page.rows.length < PAGE) return { rows, values };
    }
  }
}

/** All rows of a view, or so many. */
export function allOf(view: string, limit?: number): Fragment {
  const all = sql`SELECT * FROM ${identifier(view)}`;
  return limit === undefined ? all : sql`${all} LIMIT ${text(String(limit))}`;
}

function asError(error: unknown): Error {
  if (error instanceof NotEvaluableError) return error;
  return error instanceof Error ? error : new Error(String(error));
}

/** An engine's value; 64 bit integers come as bigint, text or number, and no count of ours exceeds 2^53. */
function scalar(value: unknown): Scalar {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isNaN(value) ? null : value;
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" || typeof value === "boolean" ? value : null;
}
