import {
  extremeBetween,
  numberBetween,
  presentShareBetween,
  quantilesBetween,
  statisticBetween,
  uniqueCountBetween,
  uniqueShareBetween,
} from "./column-aggregates.ts";
import { distinctValues, klDivergence, mostCommon } from "./column-sets.ts";
import type { Column } from "./column-types.ts";
import {
  between,
  isJson,
  lengthBetween,
  matches,
  matchesFormat,
  matchesJsonSchema,
  monotonic,
  nulls,
  ofType,
  readsAsDate,
  unique,
  zScores,
} from "./column-values.ts";
import { maxWithinInterval, nearTrailingMean, needInterval, temporalColumn } from "./interval.ts";
import { columnMap, conditionOf, countIf, type IntervalMs, inSet, known, type Plan, type Probe } from "./plan.ts";
import { compoundUnique, pairCompare, pairInSet, sumEquals, uniqueWithinRecord } from "./records.ts";
import { join, sql } from "./sql.ts";
import type { Expectation } from "./vocabulary.ts";

/** Plans one expectation over the columns of the view. @throws NotEvaluableError when it cannot be asked. */
export function compile(
  expectation: Expectation,
  columns: readonly Column[],
  interval: IntervalMs | null,
): Plan | Probe {
  const { type, kwargs } = expectation;
  switch (type) {
    case "expect_column_values_to_not_be_null":
      return nulls(kwargs, columns, "null");
    case "expect_column_values_to_be_null":
      return nulls(kwargs, columns, "value");
    case "expect_column_values_to_be_unique":
      return unique(kwargs, columns);
    case "expect_column_values_to_be_between":
      return columnMap(kwargs, columns, (column) => between(column, kwargs));
    case "expect_column_values_to_be_in_set":
      return columnMap(kwargs, columns, (column) => inSet(column, kwargs.value_set));
    case "expect_column_values_to_not_be_in_set":
      return columnMap(kwargs, columns, (column) => sql`(NOT ${inSet(column, kwargs.value_set)})`);
    case "expect_column_values_to_be_of_type":
      return ofType(kwargs, [kwargs.type_], columns);
    case "expect_column_values_to_be_in_type_list":
      return ofType(kwargs, kwargs.type_list, columns);
    case "expect_column_values_to_match_regex":
      return columnMap(kwargs, columns, (column) => matches(column, kwargs.regex));
    case "expect_column_values_to_not_match_regex":
      return columnMap(kwargs, columns, (column) => sql`(NOT ${matches(column, kwargs.regex)})`);
    case "expect_column_values_to_match_regex_list":
      return columnMap(
        kwargs,
        columns,
        (column) => sql`(${matchesEach(column, kwargs.regex_list, kwargs.match_on === "all" ? " AND " : " OR ")})`,
      );
    case "expect_column_values_to_not_match_regex_list":
      return columnMap(kwargs, columns, (column) => sql`(NOT (${matchesEach(column, kwargs.regex_list, " OR ")}))`);
    case "expect_column_value_lengths_to_be_between":
      return columnMap(kwargs, columns, (column) => lengthBetween(column, kwargs));
    case "expect_column_value_lengths_to_equal":
      return columnMap(kwargs, columns, (column) => lengthBetween(column, exactly(kwargs.value)));
    case "expect_column_values_to_match_strftime_format":
      return columnMap(kwargs, columns, (column) => matchesFormat(column, kwargs.strftime_format));
    case "expect_column_values_to_be_dateutil_parseable":
      return columnMap(kwargs, columns, readsAsDate);
    case "expect_column_values_to_be_json_parseable":
      return columnMap(kwargs, columns, isJson);
    case "expect_column_values_to_match_json_schema":
      return matchesJsonSchema(kwargs, columns);
    case "expect_column_values_to_be_increasing":
      return monotonic(kwargs, columns, "increasing");
    case "expect_column_values_to_be_decreasing":
      return monotonic(kwargs, columns, "decreasing");
    case "expect_column_value_z_scores_to_be_less_than":
      return zScores(kwargs, columns);
    case "expect_column_mean_to_be_between":
      return statisticBetween("mean", kwargs, columns);
    case "expect_column_median_to_be_between":
      return statisticBetween("median", kwargs, columns);
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
      return pairCompare(kwargs, columns, "=");
    case "expect_column_pair_values_a_to_be_greater_than_b":
      return pairCompare(kwargs, columns, kwargs.or_equal === true ? ">=" : ">");
    case "expect_column_pair_values_to_be_in_set":
      return pairInSet(kwargs, columns);
    case "expect_compound_columns_to_be_unique":
      return compoundUnique(kwargs, columns);
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
      const missing = column_set.filter((name) => !names.includes(name));
      const unexpected = exact_match ? names.filter((name) => !column_set.includes(name)) : [];
      return known(missing.length === 0 && unexpected.length === 0, names.toSorted());
    }
    case "expect_table_columns_to_match_ordered_list": {
      const { column_list } = kwargs;
      const names = columns.map(({ name }) => name);
      const same = names.length === column_list.length && names.every((name, index) => name === column_list[index]);
      return known(same, names);
    }
    case "expect_table_row_count_to_be_between":
      return numberBetween([countIf(conditionOf(kwargs.row_condition, columns))], ([rows]) => rows ?? 0, kwargs);
    case "expect_table_row_count_to_equal": {
      const rows = countIf(conditionOf(kwargs.row_condition, columns));
      return numberBetween([rows], ([count]) => count ?? 0, exactly(kwargs.value));
    }
    case "expect_table_column_count_to_be_between":
      return numberBetween([], () => columns.length, kwargs);
    case "expect_table_column_count_to_equal":
      return known(columns.length === kwargs.value, columns.length);
    case "expect_column_max_to_be_within_interval":
      return maxWithinInterval(temporalColumn(columns, kwargs.column), needInterval(interval));
    case "expect_interval_row_count_to_be_near_trailing_mean":
      return nearTrailingMean(temporalColumn(columns, kwargs.column), needInterval(interval), kwargs);
  }
}

function matchesEach(column: Column, regexes: readonly string[], separator: " AND " | " OR ") {
  return join(
    regexes.map((regex) => matches(column, regex)),
    separator,
  );
}

function exactly(value: number) {
  return { min_value: value, max_value: value, strict_min: false, strict_max: false };
}
