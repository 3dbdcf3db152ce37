import type { Suite } from "@dagwright/expectations";
import type { Lake, ObjectStore } from "@dagwright/lake";
import { implement } from "@dagwright/mcp-kit";
import { dataQuality } from "./contract.ts";
import { profileTable, validateTable } from "./data-quality.ts";

/** The data-quality server over a lake and the suites it knows; reports go to `reports`. */
export function createDataQualityServer(o: { lake: Lake; suites: readonly Suite[]; reports: ObjectStore }) {
  const { lake, suites, reports } = o;
  return implement(dataQuality, {
    validate_data_quality: async (request, { idempotencyKey, signal }) => {
      const keeping = { reports, key: idempotencyKey, signal };
      const { facts: _, ...report } = await validateTable(lake, suites, request, keeping);
      return {
        ...report,
        results: report.results.map(({ unexpectedValues, missingValues, ...result }) => ({
          ...result,
          sample: [...result.sample],
          ...(unexpectedValues && { unexpectedValues: [...unexpectedValues] }),
          ...(missingValues && { missingValues: [...missingValues] }),
        })),
      };
    },
    profile_data: async (request, { signal }) => {
      const { table, version, suite } = await profileTable(lake, request, signal);
      return { table, version, suite: { name: suite.name, expectations: [...suite.expectations] } };
    },
    list_expectation_suites: () => ({
      suites: suites.map(({ name, expectations, table }) => ({
        name,
        expectations: expectations.length,
        ...(table === undefined ? {} : { table }),
      })),
    }),
  });
}
