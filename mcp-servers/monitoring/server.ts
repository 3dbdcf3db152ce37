import type { Lake } from "@dagwright/lake";
import { implement } from "@dagwright/mcp-kit";
import { monitoring } from "./contract.ts";
import { detectDrift } from "./monitoring.ts";
import { writeReport } from "./reports.ts";

/** The monitoring server over a lake; reports go to files under `reportsRoot`. */
export function createMonitoringServer({ lake, reportsRoot }: { lake: Lake; reportsRoot: string }) {
  return implement(monitoring, {
    detect_model_drift: async (request, { idempotencyKey, signal }) => {
      const report = await detectDrift(lake, request);
      signal.throwIfAborted();
      // Without a key, the same question has the same file.
      const key = idempotencyKey ?? JSON.stringify(request);
      const reportUri = await writeReport(reportsRoot, "drift", key, { request, ...report });
      return { ...report, reportUri };
    },
  });
}
