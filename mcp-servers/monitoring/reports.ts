import { keepText, type ObjectStore, objectNameOf, readText } from "@dagwright/lake";
import { ToolError } from "@dagwright/mcp-kit";
import { readSnapshot, type Snapshot } from "evidently-lite";

const SNAPSHOTS = "snapshots/";

/**
 * Writes a report to `kind/<key>.json`, whole or not at all; the same key replaces the same one.
 * @param key Any text; kept readable where it fits a name, and made unique by its hash.
 * @returns Its URL.
 */
export async function writeReport(reports: ObjectStore, kind: string, key: string, report: unknown): Promise<string> {
  return await keepText(reports, `${kind}/${objectNameOf(key)}.json`, `${JSON.stringify(report, null, 2)}\n`);
}

/** Writes a page to `pages/<kind>-<key>.html`, as `writeReport` does. */
export async function writePage(reports: ObjectStore, kind: string, key: string, html: string): Promise<string> {
  return await keepText(reports, `pages/${kind}-${objectNameOf(key)}.html`, html);
}

/** Keeps a snapshot of a monitor; the same key replaces the same one. */
export async function keepSnapshot(
  reports: ObjectStore,
  monitor: string,
  key: string,
  snapshot: Snapshot,
): Promise<void> {
  await keepText(reports, snapshotKey(monitor, key), `${JSON.stringify(snapshot)}\n`);
}

/** The moment of a snapshot that was kept under this key; null where there is none. */
export async function snapshotMoment(reports: ObjectStore, monitor: string, key: string): Promise<string | null> {
  const text = await readText(reports, snapshotKey(monitor, key));
  try {
    return text === undefined ? null : readSnapshot(text).timestamp;
  } catch {
    return null;
  }
}

/** The snapshots of a monitor in any order. @throws ToolError MONITOR_NOT_FOUND */
export async function readSnapshots(reports: ObjectStore, monitor: string): Promise<Snapshot[]> {
  const folder = `${SNAPSHOTS}${monitor}/`;
  const keys = (await reports.keys(folder)).filter((key) => key.endsWith(".json"));
  if (keys.length === 0) throw await monitorNotFound(reports, monitor);
  const texts = await Promise.all(keys.map((key) => readText(reports, key)));
  // One that has been removed since it was listed is none.
  return texts.flatMap((text) => (text === undefined ? [] : [readSnapshot(text)]));
}

async function monitorNotFound(reports: ObjectStore, monitor: string): Promise<ToolError> {
  const names = (await reports.keys(SNAPSHOTS)).map((key) => key.slice(SNAPSHOTS.length).split("/")[0] ?? "");
  const monitors = [...new Set(names)].sort();
  return new ToolError("MONITOR_NOT_FOUND", `Monitor "${monitor}" has no snapshot.`, {
    field: "monitor",
    hint:
      monitors.length === 0
        ? "Call detect_model_drift or monitor_model_performance with `monitor` first."
        : `There are: ${monitors.join(", ")}.`,
  });
}

function snapshotKey(monitor: string, key: string): string {
  return `${SNAPSHOTS}${monitor}/${objectNameOf(key)}.json`;
}
