import { z } from "zod";
import type { Batch, FinalRunStatus, Lineage, MetricPoint, StartRun, TrackingRun } from "../api.ts";
import { checkBatch, risingClock } from "../batch.ts";
import { checkedStart } from "../beginnings.ts";
import { invalid, TrackingError } from "../errors.ts";
import { lineageTags, tableInputs } from "../lineage.ts";
import { checkMetric, keptParam, keptTag, type MetricValue } from "../store/checks.ts";
import { KEY_TAG, type RunRecord } from "../store/runs.ts";
import { isoTime, record, runView } from "../views.ts";
import { type MlflowHttp, type MlflowRefusal, meaning, quoted } from "./mlflow-http.ts";
import { Experiment, Metric, Run } from "./mlflow-records.ts";

/** What MLflow takes in one batch. */
const MOST_PER_BATCH = { metrics: 800, params: 100, tags: 100 } as const;
const PAGE = 1_000;

/** Runs and what is logged to them, on an MLflow server. */
export class MlflowRuns {
  readonly #http: MlflowHttp;
  readonly #now = risingClock();
  readonly #experimentNames = new Map<number, string>();

  constructor(http: MlflowHttp) {
    this.#http = http;
  }

  async start(asked: StartRun): Promise<TrackingRun> {
    const { experiment, name, key } = asked;
    const { tags: kept, inputs } = checkedStart(asked);
    const experimentId = await this.#experimentNamed(experiment);
    const known = key === undefined ? undefined : await this.#ofKey(experimentId, key);
    if (known !== undefined) return await this.#view(await this.#reopened(known));
    const { run } = await this.#http.ask(
      "POST",
      "/runs/create",
      {
        experiment_id: experimentId,
        start_time: this.#now(),
        ...(name === undefined ? {} : { run_name: name }),
        tags: key === undefined ? kept : [...kept, { key: KEY_TAG, value: key }],
      },
      z.object({ run: Run }),
    );
    const own = key === undefined ? run : await this.#first(experimentId, key, run);
    if (own.info.run_id !== run.info.run_id) return await this.#view(await this.#reopened(own));
    if (name === undefined) await this.#call(own.info.run_id, own.info.run_id.slice(0, 8));
    await this.#logInputs(own.info.run_id, inputs);
    return await this.get(own.info.run_id);
  }

  /** Of several processes that started a run of one key the first wins; the others' runs are deleted. */
  async #first(experimentId: string, key: string, ours: RunRecord): Promise<RunRecord> {
    const first = await this.#ofKey(experimentId, key);
    if (first === undefined || first.info.run_id === ours.info.run_id) return ours;
    await this.#http.tell("POST", "/runs/delete", { run_id: ours.info.run_id });
    return first;
  }

  async #ofKey(experimentId: string, key: string): Promise<RunRecord | undefined> {
    const { runs } = await this.#http.ask(
      "POST",
      "/runs/search",
      {
        experiment_ids: [experimentId],
        filter: `tags.\`${KEY_TAG}\` = ${quoted(key)}`,
        order_by: ["attributes.start_time ASC"],
        max_results: 1,
      },
      z.object({ runs: z.array(Run).default([]) }),
    );
    return runs[0];
  }

  async #reopened(run: RunRecord): Promise<RunRecord> {
    if (!["FAILED", "KILLED"].includes(run.info.status)) return run;
    await this.#http.tell("POST", "/runs/update", { run_id: run.info.run_id, status: "RUNNING" });
    return { ...run, info: { ...run.info, status: "RUNNING", end_ms: null } };
  }

  async #call(runId: string, name: string): Promise<void> {
    await this.#http.tell("POST", "/runs/update", { run_id: runId, run_name: name });
  }

  async #experimentNamed(name: string): Promise<string> {
    const known = await this.#experiment(name);
    if (known !== undefined) return known;
    try {
      const Made = z.object({ experiment_id: z.string() });
      return (await this.#http.ask("POST", "/experiments/create", { name }, Made)).experiment_id;
    } catch (error) {
      // Somebody else made it in the meantime.
      const theirs = await this.#experiment(name);
      if (theirs === undefined) throw error;
      return theirs;
    }
  }

  /** @throws EXPERIMENT_DELETED */
  async #experiment(name: string): Promise<string | undefined> {
    const found = await this.#found(
      this.#http.ask(
        "GET",
        "/experiments/get-by-name",
        { experiment_name: name },
        z.object({ experiment: Experiment }),
      ),
    );
    if (found === undefined) return undefined;
    const { experiment_id: id, lifecycle_stage: stage } = found.experiment;
    if (stage === "deleted")
      throw new TrackingError("EXPERIMENT_DELETED", `The experiment "${name}" (${id}) was deleted.`, {
        field: "experiment",
        hint: "Restore it, or use another name.",
      });
    this.#experimentNames.set(Number(id), name);
    return id;
  }

  async #found<T>(asked: Promise<T>): Promise<T | undefined> {
    const none = new Error("none");
    try {
      return await meaning(asked, ({ errorCode }) => (errorCode === "RESOURCE_DOES_NOT_EXIST" ? none : undefined));
    } catch (error) {
      if (error === none) return undefined;
      throw error;
    }
  }

  async log(runId: string, batch: Batch): Promise<void> {
    checkBatch(batch);
    const { step = 0 } = batch;
    const params = Object.entries(batch.params ?? {}).map(([key, value]) =>
      keptParam({ key, value: String(value) }, `params.${key}`),
    );
    const tags = Object.entries(batch.tags ?? {}).map(([key, value]) => keptTag({ key, value }, `tags.${key}`));
    const timestamp = this.#now();
    const points = Object.entries(batch.metrics ?? {}).map(([key, value]) => ({ key, value, step, timestamp }));
    for (const point of points) checkMetric(point, `metrics.${point.key}`);
    const run = await this.record(runId);
    checkParams(runId, record(run.params), params);
    const metrics = await this.#newsAmong(run, points);
    for (let at = 0; at === 0 || at < Math.max(params.length / 100, tags.length / 100, metrics.length / 800); at++) {
      const some = <T>(items: readonly T[], most: number) => items.slice(at * most, (at + 1) * most);
      await meaning(
        this.#http.tell("POST", "/runs/log-batch", {
          run_id: runId,
          params: some(params, MOST_PER_BATCH.params),
          tags: some(tags, MOST_PER_BATCH.tags),
          metrics: some(metrics, MOST_PER_BATCH.metrics),
        }),
        (refusal) => refusedParam(runId, refusal),
      );
    }
  }

  /** Of these points those that differ from the last one of their metric and step. */
  async #newsAmong({ info, metrics }: RunRecord, points: readonly MetricValue[]): Promise<MetricValue[]> {
    const latest = new Map(metrics.map((metric) => [metric.key, metric]));
    const news: MetricValue[] = [];
    for (const point of points) {
      const last = latest.get(point.key);
      if (last === undefined || last.step < point.step) news.push(point);
      else if (last.step === point.step) {
        if (!Object.is(last.value, point.value)) news.push(point);
      } else {
        const former = (await this.history(info.run_id, point.key)).findLast(({ step }) => step === point.step);
        if (former === undefined || !Object.is(former.value, point.value)) news.push(point);
      }
    }
    return news;
  }

  async history(runId: string, metric: string): Promise<MetricPoint[]> {
    const points: { value: number; step: number; timestamp: number }[] = [];
    const fields = { run_id: runId, metric_key: metric, max_results: PAGE };
    const pages = this.#http.pages("GET", "/metrics/get-history", fields, "metrics", Metric);
    await meaning(
      (async () => {
        for await (const page of pages) points.push(...page);
      })(),
      (refusal) => noRun(runId, refusal),
    );
    return points
      .sort((a, b) => a.step - b.step || a.timestamp - b.timestamp || a.value - b.value)
      .map(({ value, step, timestamp }) => ({ value, step, timestamp: isoTime(timestamp) }));
  }

  async finish(runId: string, status: FinalRunStatus): Promise<TrackingRun> {
    if (!["FINISHED", "FAILED", "KILLED"].includes(status))
      throw invalid("status", status, "FINISHED, FAILED or KILLED");
    const { info } = await this.record(runId);
    if (info.status !== status)
      await this.#http.tell("POST", "/runs/update", { run_id: runId, status, end_time: Date.now() });
    return await this.get(runId);
  }

  /** @throws RUN_NOT_FOUND */
  async record(runId: string): Promise<RunRecord> {
    const asked = this.#http.ask("GET", "/runs/get", { run_id: runId }, z.object({ run: Run }));
    return (await meaning(asked, (refusal) => noRun(runId, refusal))).run;
  }

  async get(runId: string): Promise<TrackingRun> {
    return await this.#view(await this.record(runId));
  }

  async search(experiment: string, limit: number): Promise<TrackingRun[]> {
    if (!Number.isSafeInteger(limit) || limit < 1) throw invalid("limit", limit, "a positive integer");
    const id = await this.#experiment(experiment);
    if (id === undefined) return [];
    const found: TrackingRun[] = [];
    const fields = { experiment_ids: [id], max_results: Math.min(limit, PAGE) };
    for await (const page of this.#http.pages("POST", "/runs/search", fields, "runs", Run)) {
      found.push(...page.map((run) => runView(run, experiment)));
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  async logLineage(runId: string, lineage: Lineage): Promise<void> {
    const inputs = tableInputs(lineage.tables ?? []);
    await this.log(runId, { tags: lineageTags(lineage) });
    await this.#logInputs(runId, inputs);
  }

  async #logInputs(runId: string, inputs: ReturnType<typeof tableInputs>): Promise<void> {
    if (inputs.length === 0) return;
    await this.#http.tell("POST", "/runs/log-inputs", {
      run_id: runId,
      datasets: inputs.map(({ tags, dataset: { sourceType, ...dataset } }) => ({
        tags,
        dataset: { ...dataset, source_type: sourceType },
      })),
    });
  }

  /** Runs that read a table, of all experiments. */
  async readersOf(table: string, version: number | undefined): Promise<RunRecord[]> {
    const filter = `dataset.name = ${quoted(table)}${version === undefined ? "" : ` AND dataset.digest = '${version}'`}`;
    const found: RunRecord[] = [];
    const all = this.#http.pages(
      "POST",
      "/experiments/search",
      { max_results: PAGE, view_type: "ALL" },
      "experiments",
      Experiment,
    );
    for await (const experiments of all) {
      const fields = {
        experiment_ids: experiments.map(({ experiment_id: id }) => id),
        filter,
        run_view_type: "ALL",
        max_results: PAGE,
      };
      for await (const page of this.#http.pages("POST", "/runs/search", fields, "runs", Run)) found.push(...page);
    }
    return found;
  }

  async #view(run: RunRecord): Promise<TrackingRun> {
    const id = run.info.experiment_id;
    let name = this.#experimentNames.get(id);
    if (name === undefined) {
      const asked = { experiment_id: String(id) };
      ({
        experiment: { name },
      } = await this.#http.ask("GET", "/experiments/get", asked, z.object({ experiment: Experiment })));
      this.#experimentNames.set(id, name);
    }
    return runView(run, name);
  }

  /** A run as programs see it. */
  view(run: RunRecord): Promise<TrackingRun> {
    return this.#view(run);
  }
}

/** What a refusal about a run means. */
export function noRun(runId: string, { errorCode }: MlflowRefusal): TrackingError | undefined {
  // An id that none could have is refused as such.
  if (errorCode !== "RESOURCE_DOES_NOT_EXIST") return undefined;
  return new TrackingError("RUN_NOT_FOUND", `There is no run "${runId}".`, {
    field: "runId",
    hint: "A run id is what startRun returned; train_model answers it as runId.",
  });
}

/** @throws PARAM_ALREADY_LOGGED */
function checkParams(
  runId: string,
  there: Readonly<Record<string, string>>,
  params: readonly { readonly key: string; readonly value: string }[],
): void {
  for (const { key, value } of params) {
    const old = there[key];
    if (old !== undefined && old !== value)
      throw otherParam(runId, key, `is ${JSON.stringify(old)} already: it cannot become ${JSON.stringify(value)}`);
  }
}

function otherParam(runId: string, key: string, why: string): TrackingError {
  return new TrackingError("PARAM_ALREADY_LOGGED", `params.${key} of run ${runId} ${why}.`, {
    field: `params.${key}`,
    hint: "Params are written once; log what changes as a metric or a tag.",
  });
}

/** Somebody logged another value in the meantime. */
function refusedParam(runId: string, refusal: MlflowRefusal): TrackingError | undefined {
  const [, key] = /Changing param values is not allowed.*?key'?[=:] ?'([^']*)'/.exec(refusal.message) ?? [];
  return key === undefined ? noRun(runId, refusal) : otherParam(runId, key, "has another value already");
}
