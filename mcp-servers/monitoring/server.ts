import type { Lake, ObjectStore } from "@dagwright/lake";
import { implement } from "@dagwright/mcp-kit";
import { historyPage, type Report, type Snapshot, snapshotOf } from "evidently-lite";
import { monitoring } from "./contract.ts";
import { detectDrift } from "./monitoring.ts";
import { measurePerformance } from "./performance.ts";
import { keepSnapshot, readSnapshots, snapshotMoment, writePage, writeReport } from "./reports.ts";
import type { ReadAnswered } from "./rows.ts";

/** What the monitoring server stands on. */
export interface MonitoringDeps {
  readonly lake: Lake;
  /** Where reports, pages and snapshots lie. */
  readonly reports: ObjectStore;
  /** What served models have answered. @default no model is served */
  readonly answered?: ReadAnswered | undefined;
}

/** The monitoring server over a lake and what served models have answered; reports go to `reports`. */
export function createMonitoringServer({ lake, reports, answered = undefined }: MonitoringDeps) {
  /** The moment of a call; of one that is made again, the moment that was kept. */
  const momentOf = async ({ monitor, at }: { monitor?: string | undefined; at?: string | undefined }, key?: string) => {
    const kept = monitor === undefined || key === undefined ? null : await snapshotMoment(reports, monitor, key);
    return new Date(at ?? kept ?? Date.now());
  };
  /** Without an idempotency key the same question has the same report, and a snapshot each time that it is asked. */
  const keep = async (
    kind: string,
    request: { readonly monitor?: string | undefined },
    idempotencyKey: string | undefined,
    report: Report,
    found: object,
  ) => {
    const key = idempotencyKey ?? JSON.stringify(request);
    const pageUri = await writePage(reports, kind, key, report.html());
    if (request.monitor !== undefined) {
      const snapshotKey = idempotencyKey ?? `${kind} ${report.timestamp} ${key}`;
      await keepSnapshot(reports, request.monitor, snapshotKey, snapshotOf(report));
    }
    return { pageUri, reportUri: await writeReport(reports, kind, key, { request, ...found }) };
  };
  return implement(monitoring, {
    detect_model_drift: async (request, { idempotencyKey, signal }) => {
      const title = `Drift of ${request.monitor ?? "a model"}`;
      const about = { title, timestamp: await momentOf(request, idempotencyKey) };
      const { drift, report } = await detectDrift({ lake, answered: answered ?? null }, request, about);
      signal.throwIfAborted();
      return { ...drift, ...(await keep("drift", request, idempotencyKey, report, drift)) };
    },
    monitor_model_performance: async (request, { idempotencyKey, signal }) => {
      const title = `Performance of ${request.monitor ?? "a model"}`;
      const about = { title, timestamp: await momentOf(request, idempotencyKey) };
      const { performance, report } = await measurePerformance(lake, request, about);
      signal.throwIfAborted();
      return { ...performance, ...(await keep("performance", request, idempotencyKey, report, performance)) };
    },
    generate_monitoring_dashboard: async ({ monitor, since, title = monitor }) => {
      const from = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since);
      const snapshots = (await readSnapshots(reports, monitor))
        .filter(({ timestamp }) => Date.parse(timestamp) >= from)
        .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
      const pageUri = await writePage(reports, "dashboard", monitor, historyPage(snapshots, { title }));
      return { pageUri, snapshots: snapshots.length, ...lastOf(snapshots) };
    },
  });
}

function lastOf(snapshots: readonly Snapshot[]) {
  return {
    from: snapshots[0]?.timestamp ?? null,
    until: snapshots.at(-1)?.timestamp ?? null,
    drifted: snapshots.findLast(({ drift }) => drift !== null)?.drift?.datasetDrift ?? null,
    metrics: { ...snapshots.findLast(({ metrics }) => Object.keys(metrics).length > 0)?.metrics },
  };
}
