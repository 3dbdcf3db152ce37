import { createServer } from "node:net";
import type { Redactor } from "../execution/redactor.ts";
import type { MetricsAddress } from "./metrics.ts";
import { allOf, type Observer } from "./observer.ts";

/** What of a worker is observed. */
export interface ObservedOptions {
  /** Serves `/metrics` to Prometheus. @default no metrics */
  readonly metrics?: MetricsAddress | undefined;
  /** Exports traces, as OpenTelemetry's own variables say. @default "none" */
  readonly traces?: "otlp" | "console" | "none" | undefined;
}

/** What observes a worker, opened; and where its metrics are. */
export interface Observers {
  readonly observer: Observer;
  readonly metricsUrl: string | null;
}

/** Opens what is asked for. What is not is not even loaded. @param temporalUrl See `openMetrics`. */
export async function openObservers(
  { metrics, traces = "none" }: ObservedOptions,
  redactor: Redactor,
  temporalUrl: string | null,
): Promise<Observers> {
  const observers: Observer[] = [];
  let metricsUrl: string | null = null;
  if (traces !== "none") observers.push((await import("./traces.ts")).openTraces(traces, redactor));
  if (metrics !== undefined) {
    const opened = await (await import("./metrics.ts")).openMetrics(metrics, temporalUrl);
    observers.push(opened.observer);
    metricsUrl = opened.url;
  }
  return { observer: allOf(observers), metricsUrl };
}

/** A port of loopback that nobody listens on. */
export async function unusedPort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0));
    });
  });
}
