/** What both servers are asked, by MLflow's REST API over connections that stay open. */
import { z } from "zod";

/** Metrics of each run. */
export const METRICS = 100;

export interface Server {
  readonly url: string;
}

/** Seconds by workload; searches are medians of several. */
export interface Measures {
  readonly seconds: Readonly<Record<string, number>>;
}

async function ask<Schema extends z.ZodType>(
  { url }: Server,
  path: string,
  body: object,
  schema: Schema,
): Promise<z.output<Schema>> {
  const response = await fetch(`${url}/api/2.0/mlflow${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return schema.parse(await response.json());
}

const Experiment = z.object({ experiment_id: z.string() });
const Created = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });
const Found = z.object({ runs: z.array(z.unknown()).default([]), next_page_token: z.string().optional() });

interface LogRuns {
  readonly experiment: string;
  readonly runs: number;
  /** How many log at once. */
  readonly clients: number;
}

/** Logs runs as a training does: start, a batch of metrics and params, end. Returns the experiment's id. */
export async function logRuns(server: Server, { experiment, runs, clients }: LogRuns): Promise<string> {
  const { experiment_id: id } = await ask(server, "/experiments/create", { name: experiment }, Experiment);
  let next = 0;
  const client = async () => {
    while (next < runs) {
      const run = next++;
      const now = Date.now();
      const { info } = (
        await ask(server, "/runs/create", { experiment_id: id, run_name: `run ${run}`, start_time: now }, Created)
      ).run;
      const metrics = Array.from({ length: METRICS }, (_, at) => ({
        key: `m${at}`,
        value: ((run * 31 + at * 17) % 1000) / 1000,
        timestamp: now,
        step: 0,
      }));
      const params = [
        { key: "model", value: run % 2 === 0 ? "forest" : "boosting" },
        { key: "run", value: String(run) },
      ];
      await ask(server, "/runs/log-batch", { run_id: info.run_id, metrics, params }, z.unknown());
      await ask(server, "/runs/update", { run_id: info.run_id, status: "FINISHED", end_time: Date.now() }, z.unknown());
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return id;
}

/** All workloads on one server. */
export async function measure(server: Server, runs: number): Promise<Measures> {
  const seconds: Record<string, number> = {};
  let id = "";
  seconds["log"] = await timed(async () => {
    id = await logRuns(server, { experiment: "one client", runs, clients: 1 });
  });
  seconds["log, 4 clients"] = await timed(() => logRuns(server, { experiment: "four clients", runs, clients: 4 }));
  const search = (more: object) => ask(server, "/runs/search", { experiment_ids: [id], ...more }, Found);
  const filtered = {
    filter: "metrics.m7 > 0.9 AND params.model = 'forest'",
    order_by: ["metrics.m3 DESC"],
    max_results: 50,
  };
  const expected = Array.from({ length: runs }, (_, run) => run).filter(
    (run) => run % 2 === 0 && (run * 31 + 7 * 17) % 1000 > 900,
  );
  seconds["search, filter and order"] = await median(9, async () => {
    const { runs: found } = await search(filtered);
    if (found.length !== Math.min(50, expected.length))
      throw new Error(`found ${found.length}, not ${expected.length}`);
  });
  seconds["search, all of them"] = await median(3, async () => {
    const { runs: found } = await search({ max_results: runs });
    if (found.length !== runs) throw new Error(`found ${found.length}, not ${runs}`);
  });
  seconds["search, pages of 100"] = await median(3, async () => {
    let count = 0;
    for (let token: string | undefined = ""; token !== undefined; ) {
      const page: z.output<typeof Found> = await search({
        max_results: 100,
        ...(token === "" ? {} : { page_token: token }),
      });
      count += page.runs.length;
      token = page.next_page_token;
    }
    if (count !== runs) throw new Error(`paged ${count}, not ${runs}`);
  });
  return { seconds };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}

async function median(times: number, work: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let at = 0; at < times; at++) all.push(await timed(work));
  return all.sort((a, b) => a - b)[Math.floor(times / 2)] ?? Number.NaN;
}
