/** Log files: lines of JSON, rotated by size, removed by age. */
export { LogLevel, logText } from "./log-line.ts";
export { guardOutput, logProcessAsJson, logProcessAsText, printedLine } from "./process-log.ts";
export { type LogLimits, RotatingFile } from "./rotating-file.ts";
