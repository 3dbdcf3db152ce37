import { fits } from "./cells.ts";
import {
  extremeBetween,
  numberBetween,
  presentShareBetween,
  statisticBetween,
  uniqueCountBetween,
  uniqueShareBetween,
} from "./column-aggregates.ts";
import { distinctValues, mostCommon } from "./column-sets.ts";
import type { Column } from "./column-types.ts";
import { between, membership, monotonic, nulls, unique, zScores } from "./column-values.ts";
import { conditionOf } from "./conditions.ts";
import { NotEvaluableError } from "./errors.ts";
import { columnsOfEarlier, newerThanEarlier, recent, rowCountNearEarlier } from "./history.ts";
import { maxWithinInterval, nearTrailingMean, needInterval, temporalColumn } from "./interval.ts";
import { klDivergence } from "./kl-divergence.ts";
import { columnType, ofType, ofTypes } from "./pandas-types.ts";
import { type Ask, countOf, type IntervalMs, known, number, type Plan, table, type ValidationFacts } from "./plan.ts";
import { medianBetween, notOutliers, quantilesBetween } from "./quantiles.ts";
import {
  allEqual,
  compoundUnique,
  pairEqual,
  pairGreater,
  pairInSet,
  sumEquals,
  uniqueWithinRecord,
} from "./records.ts";
import {
  areJson,
  lengthBetween,
  matchesFormat,
  matchesLike,
  matchesRegex,
  matchJsonSchema,
  readAsDates,
} from "./text-values.ts";
import { durationMs, type Expectation } from "./vocabulary.ts";

/** What a plan may need besides the rows. */
export interface Surroundings {
  readonly interval: IntervalMs | null;
  /** What earlier validations saw, the latest first. */
  readonly earlier: readonly ValidationFacts[];
  /** Rows of another table, where the validation can look at others. */
  readonly otherRows?: ((table: string) => Promise<number | undefined>) | undefined;
}

/** Plans one expectation over the columns of the view. @throws NotEvaluableError when it cannot be asked. */
export function compile(
  expectation: Expectation,
  columns: readonly Column[],
  { interval, otherRows, earlier }: Surroundings,
): Plan | Promise<Plan> {
  const { type, kwargs } = expectation;
  switch (type) {
    case "expect_column_values_to_not_be_null":
      return nulls(kwargs, columns, "null");
    case "expect_column_values_to_be_null":
      return nulls(kwargs, columns, "value");
    case "expect_column_values_to_be_unique":
      return unique(kwargs, columns);
    case "expect_column_values_to_be_between":
      return between(kwargs, columns);
    case "expect_column_values_to_be_in_set":
      return membership(kwargs, columns, "in");
    case "expect_column_values_to_not_be_in_set":
      return membership(kwargs, columns, "out");
    case "expect_column_values_to_be_of_type":
      return ofType(kwargs, [kwargs.type_], columns);
    case "expect_column_values_to_be_in_type_list":
      return ofTypes(kwargs, kwargs.type_list, columns);
    case "expect_column_values_to_match_regex":
      return matchesRegex(kwargs, columns, [kwargs.regex], "all");
    case "expect_column_values_to_not_match_regex":
      return matchesRegex(kwargs, columns, [kwargs.regex], "none");
    case "expect_column_values_to_match_regex_list":
      return matchesRegex(kwargs, columns, kwargs.regex_list, kwargs.match_on);
    case "expect_column_values_to_not_match_regex_list":
      return matchesRegex(kwargs, columns, kwargs.regex_list, "none");
    case "expect_column_values_to_match_like_pattern":
      return matchesLike(kwargs, columns, [kwargs.like_pattern], "all");
    case "expect_column_values_to_not_match_like_pattern":
      return matchesLike(kwargs, columns, [kwargs.like_pattern], "none");
    case "expect_column_values_to_match_like_pattern_list":
      return matchesLike(kwargs, columns, kwargs.like_pattern_list, kwargs.match_on);
    case "expect_column_values_to_not_match_like_pattern_list":
      return matchesLike(kwargs, columns, kwargs.like_pattern_list, "none");
    case "expect_column_value_lengths_to_be_between":
      return lengthBetween(kwargs, columns);
    case "expect_column_value_lengths_to_equal":
      return lengthBetween({ ...kwargs, ...exactly(kwargs.value) }, columns);
    case "expect_column_values_to_match_strftime_format":
      return matchesFormat(kwargs, columns);
    case "expect_column_values_to_be_dateutil_parseable":
      return readAsDates(kwargs, columns);
    case "expect_column_values_to_be_json_parseable":
      return areJson(kwargs, columns);
    case "expect_column_values_to_match_json_schema":
      return matchJsonSchema(kwargs, columns);
    case "expect_column_values_to_be_increasing":
      return monotonic(kwargs, columns, "increasing");
    case "expect_column_values_to_be_decreasing":
      return monotonic(kwargs, columns, "decreasing");
    case "expect_column_value_z_scores_to_be_less_than":
      return zScores(kwargs, columns);
    case "expect_column_values_to_not_be_outliers":
      return notOutliers(kwargs, columns);
    case "expect_column_mean_to_be_between":
      return statisticBetween("mean", kwargs, columns);
    case "expect_column_median_to_be_between":
      return medianBetween(kwargs, columns);
    case "expect_column_stdev_to_be_between":
      return statisticBetween("stdev", kwargs, columns);
    case "expect_column_sum_to_be_between":
      return statisticBetween("sum", kwargs, columns);
    case "expect_column_min_to_be_between":
      return extremeBetween("min", kwargs, columns);
    case "expect_column_max_to_be_between":
      return extremeBetween("max", kwargs, columns);
    case "expect_column_unique_value_count_to_be_between":
      return uniqueCountBetween(kwargs, columns);
    case "expect_column_proportion_of_unique_values_to_be_between":
      return uniqueShareBetween(kwargs, columns);
    case "expect_column_proportion_of_non_null_values_to_be_between":
      return presentShareBetween(kwargs, columns);
    case "expect_column_quantile_values_to_be_between":
      return quantilesBetween(kwargs, columns);
    case "expect_column_distinct_values_to_be_in_set":
      return distinctValues(kwargs, columns, "in");
    case "expect_column_distinct_values_to_contain_set":
      return distinctValues(kwargs, columns, "contain");
    case "expect_column_distinct_values_to_equal_set":
      return distinctValues(kwargs, columns, "equal");
    case "expect_column_most_common_value_to_be_in_set":
      return mostCommon(kwargs, columns);
    case "expect_column_kl_divergence_to_be_less_than":
      return klDivergence(kwargs, columns);
    case "expect_column_pair_values_to_be_equal":
      return pairEqual(kwargs, columns);
    case "expect_column_pair_values_a_to_be_greater_than_b":
      return pairGreater(kwargs, columns);
    case "expect_column_pair_values_to_be_in_set":
      return pairInSet(kwargs, columns);
    case "expect_compound_columns_to_be_unique":
      return compoundUnique(kwargs, columns);
    case "expect_multicolumn_values_to_be_equal":
      return allEqual(kwargs, columns);
    case "expect_multicolumn_values_to_be_unique":
    case "expect_select_column_values_to_be_unique_within_record":
      return uniqueWithinRecord(kwargs, columns);
    case "expect_multicolumn_sum_to_equal":
      return sumEquals(kwargs, columns);
    case "expect_column_to_exist": {
      const index = columns.findIndex(({ name }) => name === kwargs.column);
      // Index 0 is not looked at, as in Great Expectations 1.24.
      return known(index >= 0 && (!kwargs.column_index || index === kwargs.column_index), null);
    }
    case "expect_table_columns_to_match_set": {
      const { column_set, exact_match } = kwargs;
      const names = columns.map(({ name }) => name);
      const wanted = column_set ?? [];
      const missing = wanted.filter((name) => !names.includes(name));
      const unexpected = exact_match ? names.filter((name) => !wanted.includes(name)) : [];
      return known(missing.length === 0 && unexpected.length === 0, names.toSorted());
    }
    case "expect_table_columns_to_match_ordered_list": {
      const { column_list } = kwargs;
      const names = columns.map(({ name }) => name);
      if (column_list === null) return known(true, names);
      const same = names.length === column_list.length && names.every((name, index) => name === column_list[index]);
      return known(same, names);
    }
    case "expect_column_type_to_be":
      return columnType(kwargs, columns);
    case "expect_table_row_count_to_be_between":
      return numberBetween([countOf(conditionOf(kwargs.row_condition, columns))], ([rows]) => number(rows), kwargs);
    case "expect_table_row_count_to_equal": {
      const rows = countOf(conditionOf(kwargs.row_condition, columns));
      return numberBetween([rows], ([count]) => number(count), exactly(kwargs.value));
    }
    case "expect_table_row_count_to_equal_other_table":
      return sameRows(countOf(conditionOf(kwargs.row_condition, columns)), kwargs.other_table_name, otherRows);
    case "expect_table_column_count_to_be_between":
      return known(fits(columns.length, kwargs), columns.length);
    case "expect_table_column_count_to_equal":
      return known(columns.length === kwargs.value, columns.length);
    case "expect_column_max_to_be_recent": {
      const at = interval?.end ?? Date.now();
      return recent(temporalColumn(columns, kwargs.column), durationMs(kwargs.maxAge), at);
    }
    case "expect_column_max_to_exceed_earlier_run":
      return newerThanEarlier(temporalColumn(columns, kwargs.column), kwargs.or_equal, earlier);
    case "expect_table_row_count_to_be_near_earlier_runs":
      return rowCountNearEarlier(kwargs, earlier);
    case "expect_table_columns_to_match_earlier_run":
      return columnsOfEarlier(columns, kwargs.allow, earlier);
    case "expect_column_max_to_be_within_interval":
      return maxWithinInterval(temporalColumn(columns, kwargs.column), needInterval(interval));
    case "expect_interval_row_count_to_be_near_trailing_mean":
      return nearTrailingMean(temporalColumn(columns, kwargs.column), needInterval(interval), kwargs);
  }
}

async function sameRows(rows: Ask, other: string, otherRows: Surroundings["otherRows"]): Promise<Plan> {
  if (otherRows === undefined) throw new NotEvaluableError(`Table "${other}" cannot be looked at by this validation`);
  const expected = await otherRows(other);
  if (expected === undefined) throw new NotEvaluableError(`There is no table ${JSON.stringify(other)} to compare with`);
  return {
    asks: [rows],
    judge: ({ values: [count] }) => table(number(count) === expected, { self: number(count), other: expected }),
  };
}

function exactly(value: number) {
  return { min_value: value, max_value: value, strict_min: false, strict_max: false };
}
