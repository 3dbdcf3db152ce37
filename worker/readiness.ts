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

const Failure = z.object({ code: z.string().optional(), message: z.string(), hint: z.string().optional() });

/** Says why the worker cannot run. */
export function reportFailure(error: unknown): void {
  const parsed = Failure.safeParse(error);
  const { code, message, hint } = parsed.success
    ? parsed.data
    : { code: undefined, message: String(error), hint: undefined };
  const failure: WorkerMessage = { type: "failed", code: code ?? "WORKER_FAILED", message, ...(hint ? { hint } : {}) };
  if (process.send) process.send(failure);
  console.error(`${failure.code}: ${message}${hint ? `\n${hint}` : ""}`);
  if (code === undefined && error instanceof Error) console.error(error.stack);
}
