import { inSet, numberOf, numeric, type Value } from "./cells.ts";
import { type AggregateArguments, presentRows } from "./column-aggregates.ts";
import { type Column, columnOf } from "./column-types.ts";
import { NotEvaluableError } from "./errors.ts";
import { and, countOf, number, type Plan, table, type Verdict, valuesOf } from "./plan.ts";
import { type Scalar, sql, text } from "./sql.ts";

/** An expected distribution: of values, or of numbers in bins (each from its edge on, the last one with its end). */
export type Partition =
  | { readonly values: readonly Value[]; readonly weights: readonly number[] }
  | {
      readonly bins: readonly number[];
      readonly weights: readonly number[];
      /** Expected shares below the first and above the last edge. */
      readonly tail_weights?: readonly [number, number] | undefined;
    };

interface Divergence extends AggregateArguments {
  readonly partition_object: Partition;
  readonly threshold?: number | null | undefined;
  readonly tail_weight_holdout: number;
  readonly internal_weight_holdout: number;
}

/** Kullback-Leibler divergence of the column's distribution from an expected one (scipy's entropy, natural log). */
export function klDivergence(kwargs: Divergence, columns: readonly Column[]): Plan {
  const { partition_object: partition } = kwargs;
  const parts = "bins" in partition ? partition.bins.length - 1 : partition.values.length;
  const tails = "bins" in partition ? (partition.tail_weights ?? []) : [];
  const total = sum([...partition.weights, ...tails]);
  if (parts !== partition.weights.length || Math.abs(total - 1) > 1e-5) {
    throw new NotEvaluableError(
      `partition_object of "${kwargs.column}" must have one weight for each part, with sum 1; it has ${partition.weights.length} weights for ${parts} parts, with sum ${total}`,
    );
  }
  return "bins" in partition ? ofBins(kwargs, partition, columns) : ofValues(kwargs, partition, columns);
}

function ofValues(
  kwargs: Divergence,
  partition: Extract<Partition, { values: unknown }>,
  columns: readonly Column[],
): Plan {
  if (kwargs.internal_weight_holdout > 0) {
    throw new NotEvaluableError("internal_weight_holdout is for bins; a partition of values has none");
  }
  const column = columnOf(columns, kwargs.column);
  const over = valuesOf(column, presentRows(kwargs, columns));
  const value = { ...column, name: "k0" };
  const outside = sql`NOT ${inSet(value, partition.values)}`;
  const ask = (aggregate: string, where = outside) => ({
    over,
    value: sql`coalesce(${text(aggregate)} FILTER (WHERE ${where}), 0)`,
  });
  return {
    asks: [
      ask("count(*)"),
      ask("sum(n)"),
      ask("sum(n * ln(n))"),
      ...partition.values.map((expected) => ask("sum(n)", inSet(value, [expected]))),
    ],
    judge: ({ values: [others, otherRows, otherLogs, ...counts] }) => {
      const kept = number(others) > 0 ? 1 - kwargs.tail_weight_holdout : 1;
      const expected = partition.weights.map((weight) => weight * kept);
      const observed = counts.map(number);
      const rows = sum(observed) + number(otherRows);
      const scale = sum(expected) + (number(others) > 0 ? kwargs.tail_weight_holdout : 0);
      let divergence = entropyTerms(observed, expected, rows, scale);
      if (number(others) > 0) {
        // Each value that was not expected has the same share of what was held out.
        const each = kwargs.tail_weight_holdout / number(others) / scale;
        divergence += number(otherLogs) / rows - (number(otherRows) / rows) * (Math.log(rows) + Math.log(each));
      }
      return verdict(rows === 0 ? Number.NaN : divergence, kwargs.threshold);
    },
  };
}

function ofBins(
  kwargs: Divergence,
  partition: Extract<Partition, { bins: unknown }>,
  columns: readonly Column[],
): Plan {
  const { bins, weights, tail_weights } = partition;
  const { tail_weight_holdout: tail, internal_weight_holdout: internal } = kwargs;
  if (tail > 0 && tail_weights !== undefined) {
    throw new NotEvaluableError("tail_weight_holdout must be 0 where partition_object has tail_weights");
  }
  if (bins.some((edge, index) => index > 0 && edge <= (bins[index - 1] ?? 0))) {
    throw new NotEvaluableError(`bins of "${kwargs.column}" must increase; they are ${bins.join(", ")}`);
  }
  const column = numeric(columnOf(columns, kwargs.column));
  const present = presentRows(kwargs, columns);
  const value = numberOf(column);
  const scaled = weights.map((weight) => weight * (1 - tail - internal));
  const empty = scaled.filter((weight) => weight === 0).length;
  const expected = scaled.map((weight) => (weight === 0 && empty > 0 ? internal / empty : weight));
  const [first = 0, last = 0] = [bins[0], bins.at(-1)];
  const inside = weights.map((_, index) => {
    const [low = 0, high = 0] = [bins[index], bins[index + 1]];
    const below = text(index === weights.length - 1 ? "<=" : "<");
    return sql`(${value} >= ${low} AND ${value} ${below} ${high})`;
  });
  const conditions = [sql`${value} < ${first}`, ...inside, sql`${value} > ${last}`];
  const [left, right] = tail_weights ?? [tail / 2, tail / 2];
  return {
    asks: conditions.map((condition) => countOf(and(present, condition))),
    judge: ({ values }) => {
      const observed = values.map(number);
      const all = [left, ...expected, right];
      const rows = sum(observed);
      return verdict(rows === 0 ? Number.NaN : entropyTerms(observed, all, rows, sum(all)), kwargs.threshold);
    },
  };
}

function verdict(divergence: number, threshold: number | null | undefined): Verdict {
  const small = threshold === null || threshold === undefined || divergence <= threshold;
  return table(small, Number.isFinite(divergence) ? divergence : null);
}

const sum = (list: readonly (number | Scalar)[]) => list.reduce<number>((total, value) => total + Number(value), 0);

/** Sum of p ln(p / q), both scaled to sum 1: infinite where q is 0 and p is not. */
function entropyTerms(observed: readonly number[], expected: readonly number[], rows: number, scale: number): number {
  return sum(
    observed.map((count, index) => {
      if (count === 0) return 0;
      const p = count / rows;
      return p * Math.log(p / ((expected[index] ?? 0) / scale));
    }),
  );
}
