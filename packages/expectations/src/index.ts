export type { Json } from "./compile.ts";
export { InvalidIntervalError, InvalidSuiteError } from "./errors.ts";
export type { Scalar } from "./sql.ts";
export { defineSuite, type Expectation, type Suite, type SuiteDefinition } from "./suite.ts";
export {
  type ExpectationResult,
  type Query,
  type ValidateOptions,
  type ValidationReport,
  validate,
} from "./validate.ts";
