import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { z } from "zod";
import { PROJECT } from "./session.ts";
import { sourceArguments } from "./worker-process.ts";

/** Hands this terminal to a program of `worker/` and ends with its exit code: the client itself runs no stage. */
export async function handOver(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, argumentsOf(program, args), { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  process.on("SIGINT", () => {}); // the terminal sends it to the child as well
  return (await exitOf(child)) ?? 1;
}

/** Hands one question to a program of `worker/`; gives its answer, or throws its error. What it says besides goes to stderr. */
export async function askWorker<T>(program: string, question: unknown, answer: z.ZodType<T>): Promise<T> {
  const child = spawn(process.execPath, argumentsOf(program, [JSON.stringify(question)]), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  const [words, code] = await Promise.all([text(child.stdout), exitOf(child)]);
  if (words.trim() === "") throw new Error(`${program} ended with ${code ?? "a signal"} and no answer`);
  const said = z.object({ answer: z.unknown(), error: z.unknown() }).partial().parse(JSON.parse(words));
  if (said.error !== undefined) throw said.error;
  return answer.parse(said.answer);
}

function argumentsOf(program: string, args: readonly string[]): string[] {
  return [...sourceArguments(), join(PROJECT, "worker", program), ...args];
}

/** The exit code; null when a signal ended it. */
async function exitOf(child: ChildProcess): Promise<number | null> {
  return await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
}

export function addWorker(program: Command): void {
  program
    .command("worker")
    .description("run a worker in the foreground, against TEMPORAL_ADDRESS or the embedded server")
    .option("--dags <path...>", "further DAG files or folders", [])
    .option("--watch", "for development: follow changes of DAG files, and sync the schedules after each", false)
    .option("--json", "log lines as JSON", false)
    .addHelpText("after", "\nExample:\n  $ TEMPORAL_ADDRESS=temporal.internal:7233 dagwright worker\n")
    .action(async (options: { dags: string[]; watch: boolean; json: boolean }) => {
      if (options.json) process.env["DAGWRIGHT_LOG_FORMAT"] = "json";
      process.exitCode = await handOver("main.ts", [
        ...options.dags.flatMap((path) => ["--dags", path]),
        ...(options.watch ? ["--watch"] : []),
      ]);
    });
}
