import { z } from "zod";

/** What a worker process tells the process that started it (over Node's IPC channel). */
export const WorkerMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), dags: z.array(z.string()), restored: z.array(z.string()) }),
  z.object({ type: z.literal("reloaded"), lines: z.array(z.string()) }),
  z.object({ type: z.literal("failed"), code: z.string(), message: z.string(), hint: z.string().optional() }),
]);
export type WorkerMessage = z.infer<typeof WorkerMessage>;

/** Says that the worker polls; on a terminal of its own it prints a line instead. */
export function reportReady(what: { dags: string[]; restored: string[] }): void {
  if (process.send) process.send({ type: "ready", ...what } satisfies WorkerMessage);
  else console.error(`Worker ${process.pid} is polling; DAGs: ${what.dags.join(", ")}`);
}

/** Says what became of DAG files that have changed, a line each. */
export function reportReload(lines: string[]): void {
  if (process.send) process.send({ type: "reloaded", lines } satisfies WorkerMessage);
  for (const line of lines) console.error(line);
}

const Failure = z.object({
  code: z.string().default("INTERNAL_ERROR"),
  message: z.string(),
  field: z.string().optional(),
  hint: z.string().optional(),
});

/** What is said of an error: its code and words, and what to do next. */
export function failureOf(error: unknown): z.infer<typeof Failure> {
  const parsed = Failure.safeParse(error);
  return parsed.success ? parsed.data : { code: "INTERNAL_ERROR", message: String(error) };
}

/** Says why the worker cannot run. */
export function reportFailure(error: unknown): void {
  const { code, message, hint } = failureOf(error);
  const failure: WorkerMessage = { type: "failed", code, message, ...(hint ? { hint } : {}) };
  if (process.send) process.send(failure);
  console.error(`${code}: ${message}${hint ? `\n${hint}` : ""}`);
  if (code === "INTERNAL_ERROR" && error instanceof Error) console.error(error.stack);
}
