/** Log files: lines of JSON, rotated by size, removed by age. */
export { isAtLeast, LogLevel, type LogLine, logText } from "./log-line.ts";
export { logProcessAsJson, printedLine } from "./process-log.ts";
export { type LogLimits, RotatingFile } from "./rotating-file.ts";
