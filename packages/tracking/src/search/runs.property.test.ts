/** A search finds what a look at every run finds, whatever is compared; and what is no filter is refused, never worse. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SqliteTrackingDatabase } from "../database/sqlite-database.ts";
import { TrackingError } from "../errors.ts";
import { createExperiment } from "../store/experiments.ts";
import { logBatch } from "../store/log.ts";
import { createRun, searchRuns } from "../store/runs.ts";

/** What a run has; a key that is missing here is missing there. */
interface Known {
  readonly metrics: Readonly<Record<string, number>>;
  readonly params: Readonly<Record<string, string>>;
}

const KEYS = ["a", "b c", "d/e"] as const;
const WORDS = ["", "x", "X", "xy", "%", "a_b", "it's", "ä"] as const;
const NUMBERS = [-1.5, 0, 1, 1e300, Number.NaN, Number.POSITIVE_INFINITY] as const;

const someOf = <T>(values: readonly T[]) =>
  fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...values), { noNullPrototype: true });
const Run = fc.record({ metrics: someOf<number>(NUMBERS), params: someOf<string>(WORDS) });

interface Clause {
  readonly text: string;
  readonly holds: (run: Known) => boolean;
}

const quote = (word: string) => (word.includes("'") ? `"${word}"` : `'${word}'`);
const MetricClause = fc
  .record({
    key: fc.constantFrom(...KEYS),
    comparator: fc.constantFrom("<", "<=", "=", "!=", ">=", ">"),
    value: fc.constantFrom(-1.5, 0, 1, 2, 1e300),
  })
  .map(
    ({ key, comparator, value }): Clause => ({
      text: `metrics.\`${key}\` ${comparator} ${value}`,
      holds: ({ metrics }) => {
        const found = metrics[key];
        if (found === undefined) return false;
        const order = {
          "<": found < value,
          "<=": found <= value,
          "=": found === value,
          ">=": found >= value,
          ">": found > value,
        };
        return comparator === "!=" ? found !== value : order[comparator as keyof typeof order];
      },
    }),
  );

/** SQL's LIKE as a regular expression. */
function like(pattern: string, flags: string): RegExp {
  const escaped = [...pattern].map(
    (char) => ({ "%": ".*", _: "." })[char] ?? char.replace(/[.*+?^${}()|[\]\\]/, "\\$&"),
  );
  return new RegExp(`^${escaped.join("")}$`, `s${flags}`);
}

const ParamClause = fc
  .record({
    key: fc.constantFrom(...KEYS),
    comparator: fc.constantFrom("=", "!=", "LIKE", "ilike", "IS NULL", "is not null"),
    value: fc.constantFrom(...WORDS),
  })
  .map(
    ({ key, comparator, value }): Clause => ({
      text: `params."${key}" ${comparator}${/null/i.test(comparator) ? "" : ` ${quote(value)}`}`,
      holds: ({ params }) => {
        const found = params[key];
        if (/null/i.test(comparator)) return (found === undefined) === /^is null$/i.test(comparator);
        if (found === undefined) return false;
        if (comparator === "=" || comparator === "!=") return (found === value) === (comparator === "=");
        return like(value, comparator === "ilike" ? "i" : "").test(found);
      },
    }),
  );

let root: string;
let database: SqliteTrackingDatabase;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tracking-search-"));
  database = new SqliteTrackingDatabase(join(root, "tracking.db"));
});
afterAll(async () => {
  await database.close();
  await rm(root, { recursive: true });
});

let serial = 0;
async function found(experimentId: string, filter: string, orderBy: readonly string[] = []): Promise<string[]> {
  const search = {
    experimentIds: [experimentId],
    filter,
    orderBy,
    view: "ACTIVE_ONLY",
    maxResults: 1_000,
    pageToken: "",
  } as const;
  return (await database.read(() => searchRuns(search))).items.map(({ info }) => info.name);
}

it("a filter finds the runs that it holds for", async () => {
  const Case = fc.record({
    runs: fc.array(Run, { minLength: 1, maxLength: 8 }),
    clauses: fc.array(fc.oneof(MetricClause, ParamClause), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(Case, async ({ runs, clauses }) => {
      const experimentId = String(await database.write(() => createExperiment(`e${serial++}`, "", [])));
      await database.write(function* () {
        for (const [at, { metrics, params }] of runs.entries()) {
          const { info } = yield* createRun({ experimentId, userId: "", name: `${at}`, startTime: at, tags: [] });
          yield* logBatch(info.run_id, {
            metrics: Object.entries(metrics).map(([key, value]) => ({ key, value, timestamp: 1, step: 0 })),
            params: Object.entries(params).map(([key, value]) => ({ key, value })),
            tags: [],
          });
        }
      });
      const expected = runs.flatMap((run, at) => (clauses.every(({ holds }) => holds(run)) ? [`${at}`] : []));
      const filter = clauses.map(({ text }) => text).join(" AND ");
      expect((await found(experimentId, filter)).sort(), filter).toEqual(expected.sort());
      // Numbers in order, then NaN, then the runs without the metric.
      const ordered = await found(experimentId, "", ["metrics.a ASC"]);
      const rank = (name: string) => {
        const value = runs[Number(name)]?.metrics["a"];
        return value === undefined ? [2, 0] : Number.isNaN(value) ? [1, 0] : [0, value];
      };
      const ranks = ordered.map(rank);
      expect(ranks).toEqual([...ranks].sort(([a = 0, x = 0], [b = 0, y = 0]) => a - b || (x === y ? 0 : x - y)));
    }),
    { numRuns: 60 },
  );
});

it("any text is a filter, or is refused as none", async () => {
  const piece = fc.constantFrom(
    ...[
      "metrics.a",
      "params.`b c`",
      'tags."x',
      "attributes.status",
      "run_id",
      "IN",
      "NOT IN",
      "(",
      ")",
      "'a'",
      "1",
      "-1e3",
    ],
    ...[
      ">",
      "=",
      "!=",
      "LIKE",
      "and",
      "OR",
      ",",
      ";",
      "--",
      "?",
      "IS NULL",
      "dataset.name",
      "``",
      "'",
      '"',
      "$1",
      "\\",
    ],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.array(piece, { maxLength: 7 }).map((all) => all.join(" ")),
        fc.string(),
      ),
      async (filter) => {
        const answer = await found("0", filter).catch((error: unknown) => error);
        if (answer instanceof Error) expect([filter, answer]).toEqual([filter, expect.any(TrackingError)]);
        if (answer instanceof TrackingError) expect(answer.code).toBe("INVALID_ARGUMENT");
      },
    ),
    { numRuns: 300 },
  );
});
