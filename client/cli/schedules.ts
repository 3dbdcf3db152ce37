import type { SyncResult } from "@dagwright/engine/client";
import type { Command } from "commander";
import { show, table } from "./output.ts";
import { knownDags, settingsOf, withEngine } from "./session.ts";

export function describeSync(diff: SyncResult): string {
  const parts = (["created", "updated", "removed"] as const).flatMap((what) =>
    diff[what].length > 0 ? [`${what} ${diff[what].join(", ")}`] : [],
  );
  return parts.length > 0 ? `Schedules: ${parts.join("; ")}` : `Schedules: ${diff.unchanged.length} unchanged`;
}

export function addSchedules(program: Command): void {
  const schedules = program.command("schedules").description("the DAGs' schedules on the Temporal server");
  schedules
    .command("sync")
    .description("bring the server's schedules in line with the code; paused ones stay paused")
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText("after", "\nExample:\n  $ dagwright schedules sync\n")
    .action(async (options: { json: boolean; dags: string[] }) => {
      const settings = settingsOf();
      const { dags } = await knownDags(settings, options.dags);
      show(await withEngine(settings, (engine) => engine.syncSchedules(dags)), options.json, describeSync);
    });
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
    .description("the next times a schedule fires")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright schedules next weekly_model_retraining\n")
    .action(async (dagId: string, options: { json: boolean }) => {
      const found = await withEngine(settingsOf(), (engine) => engine.describeSchedule(dagId));
      show({ dagId, paused: found?.paused ?? null, next: found?.next ?? [] }, options.json, ({ next, paused }) =>
        next.length === 0
          ? `${dagId} has no schedule on the server (dagwright schedules sync)`
          : `${next.join("\n")}${paused ? "\n(paused: none of these fires)" : ""}`,
      );
    });
}
