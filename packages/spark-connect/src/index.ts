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
export {
  connect,
  type DataSource,
  type SessionOptions,
  type SparkSession,
  type SqlOptions,
  type WriteTarget,
} from "./session.ts";
export { inlineParameters, quoteIdentifier, quoteString, type SqlPiece, sqlPieces } from "./sql-text.ts";
