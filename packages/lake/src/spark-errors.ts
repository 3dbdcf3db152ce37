import { SparkConnectError } from "@dagwright/spark-connect/sql-text";
import { LakeError } from "./errors.ts";

/** Runs `work`; errors of the Spark client come out as the lake's. */
export function lakeErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asLakeError(error);
  }
}

/** An error of the client or of the server as one of the lake. */
export function asLakeError(error: unknown): unknown {
  if (!(error instanceof SparkConnectError)) return error;
  const detail = { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  switch (error.code) {
    case "SPARK_UNAVAILABLE":
      return new LakeError("ENGINE_UNAVAILABLE", error.message, { ...detail, retryable: true });
    case "SPARK_ADDRESS":
      return new LakeError("ENGINE_ADDRESS", error.message, { ...detail, field: "SPARK_REMOTE" });
    case "SPARK_PARAMETER":
      return new LakeError("PARAM_TYPE", error.message, { ...detail, field: error.field ?? "params" });
    case "SPARK_CLOSED":
      return new LakeError("LAKE_CLOSED", "The lake is closed.", detail);
    default:
      return new LakeError(
        error.errorClass?.startsWith("PARSE_SYNTAX_ERROR") ? "SQL_SYNTAX" : "SQL_FAILED",
        error.message,
        hinted(error, detail),
      );
  }
}

function hinted(error: SparkConnectError, detail: { cause: unknown; hint?: string }) {
  if (error.errorClass === "DATA_SOURCE_NOT_FOUND")
    return { ...detail, hint: "The Spark server lacks Delta Lake: start it with the io.delta packages." };
  if (error.errorClass === "PATH_NOT_FOUND" || /DELTA_PATH_DOES_NOT_EXIST|No such file/.test(error.message))
    return { ...detail, hint: "The Spark server must see the lake's folder at the same path as this process." };
  return detail;
}
