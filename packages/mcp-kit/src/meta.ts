/** Keys of `_meta` that our servers and callers share. */

/** On a request: the same for every attempt of one call. */
export const IDEMPOTENCY_KEY_META = "dagwright/idempotencyKey";
/** On a request: names the call in the log lines the server sends back. */
export const CALL_ID_META = "dagwright/callId";
/** On an `isError` answer: the error as data. */
export const ERROR_META = "dagwright/error";
/** On a request, of MCP itself: the least level of log lines the caller wants. */
export const LOG_LEVEL_META = "io.modelcontextprotocol/logLevel";
/** On a request, of MCP itself: the trace that the call belongs to, as in W3C Trace Context. */
export const TRACEPARENT_META = "traceparent";
