import type { RunView } from "@dagwright/engine";
import pc from "picocolors";
import { z } from "zod";
import type { Stack } from "./stack.ts";

/** What the summary reads of the tasks' outputs; a task that did not run has none. */
const Outputs = {
  ingest: z.object({
    rowsIngested: z.number(),
    rowsInTable: z.number(),
    duplicateRows: z.number(),
    caughtUpRows: z.number(),
    newest: z.string().nullable(),
  }),
  quality: z.object({ verdict: z.string(), evaluated: z.number(), warnings: z.array(z.string()) }),
  train: z.object({
    algorithm: z.string(),
    cut: z.string(),
    positives: z.number(),
    rows: z.object({ train: z.number(), validation: z.number() }),
    metrics: z.record(z.string(), z.number()),
    featureImportance: z.array(z.object({ feature: z.string(), importance: z.number() })),
  }),
  register: z.object({
    name: z.string(),
    version: z.number(),
    champion: z.object({ version: z.number(), rocAuc: z.number() }).nullable(),
    rocAuc: z.number(),
  }),
  deploy: z.object({
    endpoint: z.string(),
    version: z.number(),
    archived: z.array(z.number()),
    example: z.object({ customerId: z.number() }),
  }),
};

function outputOf<K extends keyof typeof Outputs>(view: RunView, id: K): z.infer<(typeof Outputs)[K]> | null {
  const parsed = Outputs[id].safeParse(view.tasks[id]?.output);
  return parsed.success ? (parsed.data as z.infer<(typeof Outputs)[K]>) : null;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const count = (n: number) => n.toLocaleString("en-US");

/** Prints what a run of the daily pipeline made, and asks the served model for one real prediction. */
export async function printSummary(view: RunView, stack: Stack, seconds: number): Promise<void> {
  const lines: [string, string][] = [];
  const ingest = outputOf(view, "ingest");
  if (ingest) {
    const caughtUp =
      ingest.caughtUpRows > 0 ? `, ${count(ingest.caughtUpRows)} of them caught up from before the interval` : "";
    lines.push([
      "Rows ingested",
      `${count(ingest.rowsIngested)}${caughtUp}; ${count(ingest.duplicateRows)} exact duplicates kept`,
    ]);
    lines.push(["Table purchases", `${count(ingest.rowsInTable)} rows, newest ${ingest.newest ?? "–"}`]);
  }
  const quality = outputOf(view, "quality");
  if (quality) lines.push(["Quality", `${quality.verdict.replaceAll("_", " ")} (${quality.evaluated} expectations)`]);
  for (const warning of quality?.warnings ?? []) lines.push(["", pc.yellow(`warning: ${warning}`)]);
  const train = outputOf(view, "train");
  const register = outputOf(view, "register");
  if (train) {
    const { metrics } = train;
    const f = (name: string) => (metrics[name] ?? Number.NaN).toFixed(4);
    lines.push([
      "Model",
      `${train.algorithm}, features as of ${train.cut}, ${count(train.rows.train)} rows trained, ${count(train.rows.validation)} validated, ${percent(train.positives)} positive`,
    ]);
    lines.push(["Weighted F1", `${f("val_f1")}   (always the majority class: ${f("baseline_f1")})`]);
    const champion = register?.champion
      ? `champion version ${register.champion.version}: ${register.champion.rocAuc.toFixed(4)}`
      : "no champion to beat";
    lines.push(["ROC AUC", `${f("val_roc_auc")}   (${view.tasks["register"]?.reason ?? champion})`]);
    lines.push([
      "Accuracy",
      `${f("val_accuracy")}   precision ${f("val_precision")}, recall ${f("val_recall")}, on the training rows ${f("train_accuracy")}`,
    ]);
    lines.push([
      "What counts",
      train.featureImportance
        .slice(0, 3)
        .map(({ feature, importance }) => `${feature} ${percent(importance)}`)
        .join(", "),
    ]);
  }
  if (register) lines.push(["Registered", `${register.name} version ${register.version}`]);
  const deploy = outputOf(view, "deploy");
  if (deploy) {
    const archived = deploy.archived.length > 0 ? `, version ${deploy.archived.join(", ")} archived` : "";
    lines.push(["Served", `version ${deploy.version} in production at ${deploy.endpoint}${archived}`]);
    lines.push(["Prediction", await livePrediction(deploy.endpoint, view)]);
  }
  if (stack.uiUrl)
    lines.push(["Temporal UI", `${stack.uiUrl}/namespaces/default/workflows/${encodeURIComponent(view.runId)}`]);
  lines.push(["Schedules", "created, paused because the sample ends in 1998: npx dagwright schedules list"]);
  const sign = view.state === "success" ? pc.green("✔") : pc.red("✖");
  process.stdout.write(`\n${sign} ${pc.bold(view.runId)} ${view.state}, ${seconds.toFixed(1)} s in all\n\n`);
  for (const [title, text] of lines) process.stdout.write(`  ${pc.dim(title.padEnd(16))} ${text}\n`);
  if (view.error)
    process.stdout.write(`\n${pc.red(`${view.error.code}:`)} ${view.error.message}\n${view.error.hint ?? ""}\n`);
}

const Example = z.object({
  example: z.object({ customerId: z.number(), features: z.record(z.string(), z.number().nullable()) }),
});
const Prediction = z.object({
  prediction: z.number(),
  probabilities: z.record(z.string(), z.number()),
  version: z.number(),
  latencyMs: z.number(),
});

/** Sends the run's example customer to the endpoint, as any HTTP client would. */
async function livePrediction(endpoint: string, view: RunView): Promise<string> {
  const { example } = Example.parse(view.tasks["deploy"]?.output);
  try {
    const response = await fetch(new URL("/predict", endpoint), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ features: example.features }),
      signal: AbortSignal.timeout(5_000),
    });
    const answer = Prediction.parse(await response.json());
    const buys = answer.probabilities["1"] ?? Number.NaN;
    return `customer ${example.customerId} buys again within 30 days: ${percent(buys)} (POST ${endpoint}/predict, version ${answer.version}, ${answer.latencyMs.toFixed(2)} ms)`;
  } catch (error) {
    return pc.red(`the endpoint does not answer: ${error instanceof Error ? error.message : error}`);
  }
}
