export { type DataDocsSubject, renderDataDocs } from "./data-docs.ts";
export { InvalidIntervalError, InvalidSampleSizeError, InvalidSuiteError, type SuiteProblem } from "./errors.ts";
export { fromGreatExpectations, toGreatExpectations } from "./great-expectations.ts";
export type { Json, ValidationFacts } from "./plan.ts";
export { type ProfileOptions, proposeSuite } from "./profile.ts";
export { formatResult, type ResultFormat, type ResultFormatOptions } from "./result-format.ts";
export type { RowCondition } from "./row-condition.ts";
export type { Query } from "./run-plans.ts";
export type { Dialect, Scalar } from "./sql.ts";
export { defineSuite, type Suite, type SuiteDefinition } from "./suite.ts";
export {
  type ExpectationResult,
  type ValidateOptions,
  type ValidationReport,
  validate,
} from "./validate.ts";
export type { Expectation, Severity } from "./vocabulary.ts";
