import { userInfo } from "node:os";
import type { AssetEvent, AssetSource } from "@dagwright/engine";
import type { Command } from "commander";
import { parseJsonObject, show, table } from "./output.ts";
import { settingsOf, withEngine } from "./session.ts";

export function addAssets(program: Command): void {
  const assets = program.command("assets").description("what tasks update and DAGs wait for");
  assets
    .command("list")
    .description("every asset that has had events or is waited for")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright assets list\n")
    .action(async (options: { json: boolean }) => {
      const all = await withEngine(settingsOf(), (engine) => engine.listAssets());
      show(all, options.json, (rows) =>
        table(
          ["ASSET", "NAME", "EVENTS", "LAST", "WAITED FOR BY"],
          rows.map((row) => [
            row.uri,
            row.name ?? "",
            row.events === null ? "?" : String(row.events),
            row.last ?? "",
            row.waiting.join(", "),
          ]),
        ),
      );
    });
  assets
    .command("show <uri>")
    .description("an asset with its last events, the newest first")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright assets show lake://purchases\n")
    .action(async (uri: string, options: { json: boolean }) => {
      const found = await withEngine(settingsOf(), (engine) => engine.getAsset(uri));
      show(found, options.json, ({ name, count, events, subscribers }) =>
        [
          `${uri}${name === undefined ? "" : ` (${name})`}: ${count} events`,
          `waited for by: ${subscribers.map(({ dagId }) => dagId).join(", ") || "none"}`,
          "",
          table(
            ["AT", "FROM", "EXTRA"],
            events.map(({ at, source, extra }) => [at, sourceText(source), JSON.stringify(extra)]),
          ),
        ].join("\n"),
      );
    });
  assets
    .command("explain <dag>")
    .description("what a DAG that waits for assets still waits for")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright assets explain weekly_report\n")
    .action(async (dagId: string, options: { json: boolean }) => {
      const found = await withEngine(settingsOf(), (engine) => engine.explainAssets(dagId));
      show(found, options.json, ({ why }) => why);
    });
  assets
    .command("emit <uri>")
    .description("say that an asset has been updated: DAGs that wait for it run")
    .option("--extra <json>", "what the runs read of the update, as a JSON object", "{}")
    .option("--by <name>", "who says so", userInfo().username)
    .option("--id <id>", "the same id again is the same event; a new one by default")
    .option("--json", "print JSON", false)
    .addHelpText("after", `\nExample:\n  $ dagwright assets emit lake://purchases --extra '{"rows":1200}'\n`)
    .action(async (uri: string, options: { extra: string; by: string; id?: string; json: boolean }) => {
      const extra = parseJsonObject("--extra", options.extra);
      const { by, id } = options;
      const emitted: AssetEvent = await withEngine(settingsOf(), (engine) =>
        engine.emitAsset(uri, { extra, by, ...(id === undefined ? {} : { id }) }),
      );
      show(emitted, options.json, (event) => `${event.uri}: event ${event.id}`);
    });
}

function sourceText(source: AssetSource): string {
  if ("by" in source) return source.by;
  return `${source.runId} ${source.taskId}${source.index === undefined ? "" : `[${source.index}]`}`;
}
