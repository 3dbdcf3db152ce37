import { epochMicros } from "./column-aggregates.ts";
import type { Column } from "./column-types.ts";
import { type Ask, countOf, isoOf, known, type Plan, ROWS, table, type ValidationFacts } from "./plan.ts";
import { ALWAYS, identifier, type Scalar, sql } from "./sql.ts";

/** Mean of the rows of earlier validations, and a share of it that the rows may fall to or rise to. */
export function rowCountNearEarlier(
  kwargs: { runs: number; minRuns: number; minFactor: number; maxFactor: number },
  earlier: readonly ValidationFacts[],
): Plan {
  const counts = earlier.slice(0, kwargs.runs).map(({ rowCount }) => rowCount);
  return {
    asks: [countOf(ALWAYS)],
    judge: ({ values: [found] }) => {
      const rows = Number(found ?? 0);
      const enough = counts.length >= Math.max(1, kwargs.minRuns);
      if (!enough) return table(true, { rows, earlierRuns: counts.length, meanOfEarlierRuns: null });
      const mean = counts.reduce((total, count) => total + count, 0) / counts.length;
      const near = rows >= kwargs.minFactor * mean && rows <= kwargs.maxFactor * mean;
      return table(near, { rows, earlierRuns: counts.length, meanOfEarlierRuns: mean });
    },
  };
}

/** The newest value is newer than at the validation before (or as new, where that is enough). */
export function newerThanEarlier(column: Column, orEqual: boolean, [before]: readonly ValidationFacts[]): Plan {
  return {
    asks: [newestOf(column)],
    judge: ({ values: [found] }) => {
      const newest = momentOf(found ?? null);
      const then = before?.newest[column.name] ?? null;
      const observed = { newest, newestOfEarlierRun: then };
      if (newest === null || then === null) return table(newest !== null || then === null, observed);
      return table(orEqual ? newest >= then : newest > then, observed);
    },
  };
}

/** The newest value is at most so old at a moment. */
export function recent(column: Column, maxAgeMs: number, at: number): Plan {
  return {
    asks: [newestOf(column)],
    judge: ({ values: [found] }) => {
      const newest = momentOf(found ?? null);
      const age = newest === null ? null : at - Date.parse(newest);
      return table(age !== null && age <= maxAgeMs, { newest, ageSeconds: age === null ? null : age / 1000 });
    },
  };
}

/** The columns are those of the validation before, with their types; new ones where that is allowed. */
export function columnsOfEarlier(
  columns: readonly Column[],
  allow: "nothing" | "added",
  [before]: readonly ValidationFacts[],
): Plan {
  if (before === undefined) return known(true, { added: [], removed: [], changed: [] });
  const typeOf = (list: ValidationFacts["columns"], name: string) => list.find((column) => column.name === name)?.type;
  const added = columns.filter(({ name }) => typeOf(before.columns, name) === undefined).map(({ name }) => name);
  const removed = before.columns.filter(({ name }) => typeOf(columns, name) === undefined).map(({ name }) => name);
  const changed = columns.flatMap(({ name, type }) => {
    const then = typeOf(before.columns, name);
    return then === undefined || then === type ? [] : [{ column: name, from: then, to: type }];
  });
  const same = removed.length === 0 && changed.length === 0 && (allow === "added" || added.length === 0);
  return known(same, { added, removed, changed });
}

/** What this validation leaves for those after it. */
export function factsOf(columns: readonly Column[], compared: readonly Column[]): Plan {
  return {
    asks: [countOf(ALWAYS), ...compared.map(newestOf)],
    judge: ({ values: [rows, ...newest] }) => {
      const facts: ValidationFacts = {
        rowCount: Number(rows ?? 0),
        columns: columns.map(({ name, type }) => ({ name, type })),
        newest: Object.fromEntries(compared.map(({ name }, index) => [name, momentOf(newest[index] ?? null)])),
      };
      return { ...table(true, null), facts };
    },
  };
}

function newestOf(column: Column): Ask {
  return { over: ROWS, value: epochMicros(sql`max(${identifier(column.name)})`) };
}

function momentOf(micros: Scalar): string | null {
  return micros === null ? null : isoOf(Math.floor(Number(micros) / 1000));
}
