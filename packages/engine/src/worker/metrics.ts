import { createServer } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { MetricsAddressError } from "./errors.ts";
import type { Observer } from "./observer.ts";

/** Where `/metrics` is served. */
export interface MetricsAddress {
  readonly port: number;
  /** @default "127.0.0.1" */
  readonly host?: string;
}

/** Upper bounds in seconds: of a step, from a light task to half an hour; and of a whole run, to a day. */
const TASK_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 7200];
const RUN_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600, 14_400, 86_400];
const QUEUE_BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800];

/**
 * Counts what a worker does and serves it to Prometheus at `http://<host>:<port>/metrics`, together with the metrics of
 * the process and those of Temporal's SDK. Names and labels: docs/operations.md.
 *
 * @param temporalUrl Where Temporal's own metrics are served in this process, if they are.
 * @throws MetricsAddressError
 */
export async function openMetrics(
  { port, host = "127.0.0.1" }: MetricsAddress,
  temporalUrl: string | null,
): Promise<{ readonly observer: Observer; readonly url: string }> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = metricsIn(registry);
  const server = createServer((request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404).end("There is /metrics\n");
      return;
    }
    Promise.all([registry.metrics(), temporalUrl === null ? "" : textAt(temporalUrl)]).then(
      (parts) => response.writeHead(200, { "content-type": registry.contentType }).end(parts.join("\n")),
      (error: unknown) => response.writeHead(500).end(`${error instanceof Error ? error.message : error}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(new MetricsAddressError(host, port, cause)));
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const at = bound !== null && typeof bound === "object" ? bound.port : port;
  return {
    url: `http://${host}:${at}/metrics`,
    observer: {
      ...metrics,
      close: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    },
  };
}

function metricsIn(registry: Registry): Pick<Observer, "attempt" | "runEnded"> {
  const registers = [registry];
  const runs = new Counter({
    name: "dagwright_runs_total",
    help: "Runs that ended, by how they did",
    labelNames: ["dag", "state"],
    registers,
  });
  const runSeconds = new Histogram({
    name: "dagwright_run_duration_seconds",
    help: "From the start of a run to its end",
    labelNames: ["dag", "state"],
    buckets: RUN_BUCKETS,
    registers,
  });
  const attempts = new Counter({
    name: "dagwright_task_attempts_total",
    help: "Attempts of tasks that ended, by how they did; looks of a sensor as not_yet",
    labelNames: ["dag", "task", "state"],
    registers,
  });
  const taskSeconds = new Histogram({
    name: "dagwright_task_duration_seconds",
    help: "How long attempts took",
    labelNames: ["dag", "task", "state"],
    buckets: TASK_BUCKETS,
    registers,
  });
  const queueSeconds = new Histogram({
    name: "dagwright_task_queue_seconds",
    help: "From when an attempt was put on the task queue to when a worker took it",
    labelNames: ["dag", "task"],
    buckets: QUEUE_BUCKETS,
    registers,
  });
  const running = new Gauge({
    name: "dagwright_tasks_running",
    help: "Attempts that this worker runs now",
    labelNames: ["dag", "task"],
    registers,
  });
  const calls = new Counter({
    name: "dagwright_mcp_calls_total",
    help: "Calls of tasks to MCP servers; code is that of the error, or empty",
    labelNames: ["server", "tool", "code"],
    registers,
  });
  return {
    attempt: ({ dagId: dag, nodeId: task, scheduledAt }) => {
      const since = Date.now();
      queueSeconds.observe({ dag, task }, Math.max(0, since - scheduledAt) / 1000);
      running.inc({ dag, task });
      return {
        within: (work) => work(),
        call: (server, tool) => ({
          ended: (error) => calls.inc({ server, tool, code: error?.code ?? "" }),
        }),
        ended: ({ state }) => {
          running.dec({ dag, task });
          attempts.inc({ dag, task, state });
          if (state !== "not_yet") taskSeconds.observe({ dag, task, state }, (Date.now() - since) / 1000);
        },
      };
    },
    runEnded: ({ dagId: dag, state, startedAt, endedAt }) => {
      runs.inc({ dag, state });
      if (startedAt !== undefined && endedAt !== undefined)
        runSeconds.observe({ dag, state }, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
    },
  };
}

/** Temporal's metrics are worth less than ours: without them, ours are still served. */
async function textAt(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? await response.text() : "";
  } catch {
    return "";
  }
}
