import { backfillDates, isToRun, planRun, workflowIdFor } from "@dagwright/engine";
import { ASSET_EVENTS, type BackfillView, type CreateBackfill, REPROCESS } from "@dagwright/engine/client";
import type { Command } from "commander";
import { z } from "zod";
import { parseJsonObject, show, table, UsageError } from "./output.ts";
import { knownDags, settingsOf, withEngine, withStore } from "./session.ts";

interface CreateOptions {
  from: string;
  to: string;
  order: string;
  concurrency: string;
  reprocess: string;
  params: string;
  assetEvents: string;
  stopOnFailure: boolean;
  id?: string;
  dryRun: boolean;
  json: boolean;
  dags: string[];
}

const ORDERS = ["forward", "backward"] as const;

export function addBackfill(program: Command): void {
  const backfill = program.command("backfill").description("runs of a DAG for a range of logical dates");
  backfill
    .command("create <dag>")
    .description("run a DAG for every logical date of a range, by its schedule; goes on without this command")
    .requiredOption("--from <date>", "first logical date: a day or an ISO-8601 moment")
    .requiredOption("--to <date>", "last logical date, included")
    .option("--order <order>", ORDERS.join(" or "), "forward")
    .option("--concurrency <n>", "how many runs go on at once; 1: one after another", "16")
    .option("--reprocess <which>", `dates without a run, also failed ones, or all: ${REPROCESS.join(", ")}`, "missing")
    .option("--params <json>", "parameters of every run, as a JSON object", "{}")
    .option("--asset-events <which>", `which runs tell assets of what they make: ${ASSET_EVENTS.join(", ")}`, "each")
    .option("--stop-on-failure", "start no further runs once one has failed", false)
    .option("--id <id>", "a name of its own: the same twice is refused (default: the moment)")
    .option("--dry-run", "show the dates and start nothing; needs no server", false)
    .option("--json", "print JSON", false)
    .option("--dags <path...>", "further DAG files or folders", [])
    .addHelpText(
      "after",
      "\nExample:\n  $ dagwright backfill create daily_ml_pipeline --from 1998-01-01 --to 1998-01-31 --concurrency 4\n",
    )
    .action(create);
  backfill
    .command("show <backfill>")
    .description("a backfill and how far it is")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright backfill show backfill/daily_ml_pipeline/january\n")
    .action(async (backfillId: string, options: { json: boolean }) => {
      show(await withEngine(settingsOf(), (engine) => engine.getBackfill(backfillId)), options.json, backfillText);
    });
  backfill
    .command("list")
    .description("the newest backfills first")
    .option("--dag <id>", "only of this DAG")
    .option("--limit <n>", "how many", "20")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright backfill list --dag daily_ml_pipeline\n")
    .action(async (options: { dag?: string; limit: string; json: boolean }) => {
      const limit = wholeNumber("--limit", options.limit, 1000);
      const dag = options.dag === undefined ? {} : { dagId: options.dag };
      const all = await withEngine(settingsOf(), (engine) => engine.listBackfills({ limit, ...dag }));
      show(all, options.json, (rows) =>
        table(
          ["BACKFILL", "STATE", "FROM", "TO", "SUCCEEDED", "FAILED", "OF"],
          rows.map((one) => [
            ...[one.backfillId, one.state, one.from, one.to],
            ...[String(one.succeeded), String(one.failed), one.total === null ? "?" : String(one.total)],
          ]),
        ),
      );
    });
  backfill
    .command("cancel <backfill>")
    .description("start no further runs of a backfill; those that go on end by themselves")
    .option("--runs", "cancel those that go on as well", false)
    .option("--reason <text>", "why, kept with the backfill")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright backfill cancel backfill/daily_ml_pipeline/january --runs\n")
    .action(async (backfillId: string, options: { runs: boolean; reason?: string; json: boolean }) => {
      const { runs, reason } = options;
      await withEngine(settingsOf(), (engine) => engine.cancelBackfill(backfillId, { runs, reason }));
      show({ backfillId, requested: "cancel", runs }, options.json, () => `${backfillId}: cancel requested`);
    });
}

async function create(dagId: string, options: CreateOptions): Promise<void> {
  const settings = settingsOf();
  const { registry } = await knownDags(settings, options.dags);
  const dag = registry.get(dagId);
  const { from, to } = options;
  const order = oneOf("--order", options.order, ORDERS);
  const reprocess = oneOf("--reprocess", options.reprocess, REPROCESS);
  const dates = backfillDates(dag.graph, { from, to, order, now: new Date() });
  if (dates.length === 0)
    throw new UsageError(
      `No interval of ${dagId} begins from ${from} to ${to} and is over`,
      "dagwright schedules next shows its intervals; --from and --to are logical dates, both included.",
    );
  if (options.dryRun) {
    const planned = await withStore(settings, (store) =>
      Promise.all(
        dates.map(async (logicalDate) => {
          const runId = workflowIdFor(dagId, logicalDate);
          const state = (await store.getRun(runId))?.view.state ?? null;
          return { logicalDate, runId, state, runs: isToRun(reprocess, state) };
        }),
      ),
    );
    show({ dagId, dryRun: true, dates: planned }, options.json, (plan) =>
      table(
        ["LOGICAL DATE", "RUN", ""],
        plan.dates.map(({ logicalDate, runId, state, runs }) => [
          ...[logicalDate, runId],
          runs ? (state === null ? "runs" : `runs again (${state})`) : `left alone (${state})`,
        ]),
      ),
    );
    return;
  }
  const params = parseJsonObject("--params", options.params);
  // A mistake in the params is told here, not by each run.
  planRun(dag, { params, conf: {}, logicalDate: dates[0], trigger: "backfill", now: new Date() });
  const config: CreateBackfill = {
    ...{ dagId, params, from, to, order, reprocess, stopOnFailure: options.stopOnFailure },
    concurrency: wholeNumber("--concurrency", options.concurrency, 500),
    assetEvents: oneOf("--asset-events", options.assetEvents, ASSET_EVENTS),
    ...(options.id === undefined ? {} : { id: options.id }),
  };
  const view = await withEngine(settings, (engine) => engine.createBackfill(config));
  show({ ...view, total: dates.length }, options.json, ({ backfillId, total }) =>
    [
      `${backfillId}: ${total} logical ${total === 1 ? "date" : "dates"}`,
      `See how far it is: dagwright backfill show ${backfillId}`,
    ].join("\n"),
  );
}

function backfillText(view: BackfillView): string {
  const { backfillId, state, dagId, from, to, order, concurrency, reprocess, total, running, failedRuns } = view;
  const count = view.succeeded + view.failed + view.cancelled + view.skipped;
  return [
    `${backfillId}  ${state}  (${dagId}, ${from} – ${to}, ${order}, ${concurrency} at once, ${reprocess})`,
    `  ${count} of ${total ?? "?"} dates: ${view.succeeded} succeeded, ${view.failed} failed, ${view.cancelled} cancelled, ${view.skipped} had a run`,
    ...(running.length === 0 ? [] : [`  running: ${running.slice(0, 5).join(", ")}${running.length > 5 ? ", …" : ""}`]),
    ...failedRuns.slice(0, 10).map((runId) => `  failed: ${runId}`),
    ...failedRuns.slice(0, 1).map((runId) => `  → dagwright runs explain ${runId}`),
    ...(view.reason === undefined ? [] : [`  stopped: ${view.reason}`]),
    ...(view.error === undefined ? [] : [`  ${view.error.code}: ${view.error.message}`]),
  ].join("\n");
}

function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw new UsageError(`${option} is "${text}": expected one of ${allowed.join(", ")}`);
  return found;
}

function wholeNumber(option: string, text: string, most: number): number {
  const parsed = z.coerce.number().int().min(1).max(most).safeParse(text);
  if (!parsed.success) throw new UsageError(`${option} is "${text}": expected a whole number from 1 to ${most}`);
  return parsed.data;
}
