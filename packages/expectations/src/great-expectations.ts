import { z } from "zod";
import { InvalidSuiteError } from "./errors.ts";
import { defineSuite, type Suite, type SuiteDefinition } from "./suite.ts";

/** What Great Expectations adds to arguments that says nothing about the data. */
const NOT_ABOUT_DATA = ["batch_id", "catch_exceptions", "condition_parser", "include_config", "result_format"];

const Exported = z.object({
  name: z.string().optional(),
  /** The name's key before 1.0. */
  expectation_suite_name: z.string().optional(),
  expectations: z.array(
    z.object({
      type: z.string().optional(),
      /** The type's key before 1.0. */
      expectation_type: z.string().optional(),
      kwargs: z.record(z.string(), z.unknown()),
      severity: z.enum(["critical", "warning", "info"]).nullish(),
    }),
  ),
});

/**
 * Reads a suite that Great Expectations exported as JSON (1.x, and the keys of 0.18). Severity `critical` becomes
 * `error`, `warning` and `info` become `warn`; notes, ids and settings of a run are left out.
 *
 * @throws InvalidSuiteError that names the expectation when it is not one of ours, or its row condition is neither a
 * comparison nor a test for null.
 */
export function fromGreatExpectations(exported: unknown): Suite {
  const parsed = Exported.safeParse(exported);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InvalidSuiteError("Great Expectations", issue?.path.join(".") ?? "", issue?.message ?? "not a suite");
  }
  const { data } = parsed;
  const name = data.name ?? data.expectation_suite_name ?? "";
  const expectations = data.expectations.map(({ type, expectation_type, kwargs, severity }) => {
    const about = Object.entries(kwargs).filter(([key, value]) => !NOT_ABOUT_DATA.includes(key) && value !== null);
    return { type: type ?? expectation_type, kwargs: Object.fromEntries(about), severity: severity ?? "critical" };
  });
  // Types and arguments are checked by defineSuite, which takes nothing for granted.
  return defineSuite({ name, expectations } as unknown as SuiteDefinition);
}
