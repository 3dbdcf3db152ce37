export { parseAddress, type SparkAddress } from "./address.ts";
export {
  SparkConnectError,
  type SparkConnectErrorCode,
  type SparkConnectErrorDetail,
  SparkInterruptedError,
  SparkSqlError,
  SparkUnavailableError,
} from "./errors.ts";
export type { SparkValue } from "./parameters.ts";
export { connect, type SessionOptions, type SparkSession, type SqlOptions } from "./session.ts";
