import { createInterface } from "node:readline/promises";
import { intervalsToCome, normalMoment, scheduleText } from "@dagwright/engine";
import type { ScheduleChange, SyncPlan, SyncResult } from "@dagwright/engine/client";
import type { Command } from "commander";
import pc from "picocolors";
import { z } from "zod";
import { show, table, UsageError } from "./output.ts";
import { knownDags, settingsOf, withEngine } from "./session.ts";

export function describeSync(diff: SyncResult): string {
  const parts = (["created", "updated", "removed"] as const).flatMap((what) =>
    diff[what].length > 0 ? [`${what} ${diff[what].join(", ")}`] : [],
  );
  return parts.length > 0 ? `Schedules: ${parts.join("; ")}` : `Schedules: ${diff.unchanged.length} unchanged`;
}

interface SyncOptions {
  json: boolean;
  dags: string[];
  dryRun: boolean;
  yes: boolean;
  prune: boolean;
}

export function addSchedules(program: Command): void {
  const schedules = program.command("schedules").description("the DAGs' schedules on the Temporal server");
  schedules
    .command("sync")
    .description("bring the server's schedules in line with the code; paused ones stay paused")
    .option("--dry-run", "show what would change and change nothing", false)
    .option("--yes", "do not ask; without a terminal nobody is asked", false)
    .option("--prune", "remove schedules of DAGs that came from other files, too", false)
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText("after", "\nExample:\n  $ dagwright schedules sync --dry-run\n")
    .action(sync);
  schedules
    .command("list")
    .description("every schedule: paused or not, its note, its next times")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright schedules list\n")
    .action(async (options: { json: boolean }) => {
      const all = await withEngine(settingsOf(), (engine) => engine.listSchedules());
      show(all, options.json, (rows) =>
        table(
          ["DAG", "PAUSED", "NEXT", "NOTE"],
          rows.map((row) => [row.dagId, String(row.paused), row.next[0] ?? "", row.note]),
        ),
      );
    });
  schedules
    .command("next <dag>")
    .description("when a schedule fires next, and for which data; from the code, without a server")
    .option("--count <n>", "how many times", "5")
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText("after", "\nExample:\n  $ dagwright schedules next weekly_model_retraining --count 3\n")
    .action(next);
}

async function next(dagId: string, options: { count: string; json: boolean; dags: string[] }): Promise<void> {
  const count = z.coerce.number().int().min(1).max(1000).safeParse(options.count);
  if (!count.success) throw new UsageError(`--count is "${options.count}": expected a whole number from 1 to 1000`);
  const { registry } = await knownDags(settingsOf(), options.dags);
  const { schedule } = registry.get(dagId).graph;
  const times = schedule === null || schedule.kind === "assets" ? null : schedule;
  const fires = times === null ? [] : intervalsToCome(times, new Date(), count.data);
  const rows = fires.map(({ start, end }) => ({
    at: normalMoment(end),
    logicalDate: normalMoment(start),
    dataInterval: { start: normalMoment(start), end: normalMoment(end) },
  }));
  const told = { dagId, schedule: schedule === null ? null : scheduleText(schedule), next: rows };
  show(told, options.json, () => {
    if (schedule === null) return `${dagId} has no schedule`;
    if (rows.length === 0) return `${dagId} (${scheduleText(schedule)}) fires no more`;
    return table(
      ["FIRES AT", "LOGICAL DATE", "DATA INTERVAL"],
      rows.map(({ at, logicalDate, dataInterval }) => [at, logicalDate, `${dataInterval.start} – ${dataInterval.end}`]),
    );
  });
}

async function sync(options: SyncOptions): Promise<void> {
  const settings = settingsOf();
  const { dags, scope } = await knownDags(settings, options.dags);
  const whole = { ...scope, prune: options.prune };
  await withEngine(settings, async (engine) => {
    const plan = await engine.planSchedules(dags, whole);
    const changes = plan.create.length + plan.update.length + plan.remove.length;
    const asks = !options.json && !options.yes && !options.dryRun && changes > 0 && process.stdin.isTTY;
    // Before anything is changed, and whether or not that works.
    const first = !options.json && changes > 0;
    if (first) process.stdout.write(`${planText(plan)}\n`);
    const applied = !options.dryRun && (!asks || (await agreed()));
    if (applied) await engine.applySchedules(plan, dags, whole);
    show({ ...plan, applied }, options.json, () => {
      if (!first) return planText(plan);
      return applied ? "All of it is done" : `Nothing was changed${options.dryRun ? " (--dry-run)" : ""}`;
    });
  });
}

async function agreed(): Promise<boolean> {
  const ask = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^(y|yes)$/i.test((await ask.question("Change the schedules so? [y/N] ")).trim());
  } finally {
    ask.close();
  }
}

/** A plan as people read it: one line a schedule, one a field. */
export function planText({ create, update, remove, unchanged, kept }: SyncPlan): string {
  const lines = (sign: string, color: (text: string) => string, all: readonly ScheduleChange[]) =>
    all.flatMap(({ dagId, changes, paused, why }) => [
      color(`${sign} ${dagId}${paused ? " (paused)" : ""}${why === undefined ? "" : `: ${why}`}`),
      ...(sign === "-" ? [] : changes.map(({ field, from, to }) => `    ${field}: ${changeText(from, to)}`)),
    ]);
  return [
    ...lines("+", pc.green, create),
    ...lines("~", pc.yellow, update),
    ...lines("-", pc.red, remove),
    ...kept.map(({ dagId, source }) => pc.dim(`  ${dagId}: left alone, from ${source ?? "elsewhere"} (--prune)`)),
    `Schedules: ${create.length} to create, ${update.length} to update, ${remove.length} to remove, ${unchanged.length} unchanged`,
  ].join("\n");
}

function changeText(from: string | null, to: string | null): string {
  if (from === null) return to ?? "";
  return `${from} → ${to ?? "not set"}`;
}
