import type { Command } from "commander";
import pc from "picocolors";
import { show } from "./output.ts";
import { describeSync } from "./schedules.ts";
import { knownDags, settingsOf, withEngine } from "./session.ts";
import { openStack, type Stack } from "./stack.ts";
import { recordUp } from "./up-record.ts";

/** Starts the stack and brings the schedules in line with the code; with `watch` also when that changes. */
export async function bringUp(dagPaths: readonly string[], log: (line: string) => void, watch = false): Promise<Stack> {
  const settings = settingsOf();
  let refused = false;
  // Both take a second or two, most of it waiting: one need not wait for the other.
  const [known, opened] = await Promise.allSettled([
    knownDags(settings, dagPaths).catch((error: unknown) => {
      refused = true;
      throw error;
    }),
    // The worker would say once more what is wrong with the files.
    openStack({ settings, dags: dagPaths, watch, log: (line) => refused || log(line) }),
  ]);
  if (known.status === "rejected") {
    if (opened.status === "fulfilled") await opened.value.close();
    throw known.reason;
  }
  if (opened.status === "rejected") throw opened.reason;
  const stack = opened.value;
  try {
    const { dags, scope } = known.value;
    const diff = await withEngine(settings, (engine) => engine.syncSchedules(dags, scope));
    log(describeSync(diff));
    const forget = recordUp(settings.home, dagPaths);
    return {
      ...stack,
      close: async () => {
        forget();
        await stack.close();
      },
    };
  } catch (error) {
    await stack.close();
    throw error;
  }
}

/** Resolves when the person (Ctrl-C) or the system asks this process to end. */
export function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

export function addUp(program: Command): void {
  program
    .command("up")
    .description(
      "start what is missing (Temporal, a worker), sync the schedules, follow changes of DAG files, stay until Ctrl-C",
    )
    .option("--no-watch", "DAG files stay as they were at the start")
    .option("--dags <path...>", "further DAG files or folders", [])
    .option("--json", "print one JSON line when ready", false)
    .addHelpText("after", "\nExample:\n  $ dagwright up --dags ./my-dags\n")
    .action(async (options: { dags: string[]; json: boolean; watch: boolean }) => {
      const stopped = untilAskedToStop();
      const stack = await bringUp(options.dags, (line) => process.stderr.write(`${pc.dim(line)}\n`), options.watch);
      show(
        { address: stack.address, uiUrl: stack.uiUrl, workerPid: stack.worker.pid ?? null },
        options.json,
        ({ address, uiUrl }) =>
          `Ready. Temporal at ${address}${uiUrl ? `, its UI at ${uiUrl}` : ""}. Ctrl-C stops everything.`,
      );
      await stopped;
      process.stderr.write("Stopping …\n");
      await stack.close();
    });
}
