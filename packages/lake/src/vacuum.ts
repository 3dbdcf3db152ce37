import type { VacuumOptions, VacuumResult } from "./api.ts";
import type { DeltaLog } from "./delta-log.ts";
import { LakeError } from "./errors.ts";
import { dataKey } from "./table-files.ts";
import { checkWritable } from "./table-protocol.ts";

const HOUR = 3_600_000;
/** Delta's default, and the least without asking: shorter, files of a running write or read could go. */
const DEFAULT_HOURS = 168;
/** `interval 1 week`, `interval 30 days`: as tables write it. */
const UNITS: Readonly<Record<string, number>> = { hour: 1, day: 24, week: 168 };

/** Removes files that no version of the retention needs; see `Lake.vacuum`. */
export async function vacuumTable(log: DeltaLog, o: VacuumOptions): Promise<VacuumResult> {
  const snapshot = await log.get(o.table);
  checkWritable(o.table, snapshot.protocol, snapshot.metaData, snapshot.fields);
  const own = hoursOf(snapshot.metaData.configuration?.["delta.deletedFileRetentionDuration"]);
  const hours = o.retentionHours ?? own ?? DEFAULT_HOURS;
  const least = Math.min(own ?? DEFAULT_HOURS, DEFAULT_HOURS);
  if (!(hours >= 0) || (hours < least && o.allowShortRetention !== true)) {
    throw new LakeError(
      "WRITE_ARGUMENT",
      `retentionHours ${hours} must be at least ${least}: a shorter one may remove files that are being written or read.`,
      { field: "retentionHours", hint: "If nothing reads or writes the table now, pass allowShortRetention: true." },
    );
  }
  const since = Date.now() - hours * HOUR;
  const needed = new Set(snapshot.files.map((f) => dataKey(o.table, f.path)));
  const removedAt = new Map<string, number>();
  for (const r of snapshot.tombstones) removedAt.set(r.path, r.deletionTimestamp ?? 0);
  // Checkpoints forget removals after a week; the commits themselves do not.
  const commits = await log.commits(o.table);
  for (const { version, modified } of commits) {
    if (modified < since || version > snapshot.version) continue;
    for (const { remove } of await log.commit(o.table, version))
      if (remove) removedAt.set(remove.path, Math.max(removedAt.get(remove.path) ?? 0, modified));
  }
  for (const [path, at] of removedAt) if (at >= since) needed.add(dataKey(o.table, path));
  const prefix = `${o.table}/`;
  const hidden = (key: string) =>
    key
      .slice(prefix.length)
      .split("/")
      .some((part) => /^[._]/.test(part) && !part.includes("="));
  const gone = (await log.store.list(prefix)).filter(
    ({ key, modified }) => !needed.has(key) && !hidden(key) && modified < since,
  );
  if (o.dryRun !== true) await log.store.remove(gone.map(({ key }) => key));
  return {
    files: gone.map(({ key }) => key.slice(prefix.length)),
    bytes: gone.reduce((sum, { size }) => sum + size, 0),
    dryRun: o.dryRun === true,
  };
}

function hoursOf(interval: string | null | undefined): number | undefined {
  const parts = /^(?:interval\s+)?(\d+)\s+(hour|day|week)s?$/i.exec(interval?.trim() ?? "");
  return parts ? Number(parts[1]) * UNITS[parts[2]!.toLowerCase()]! : undefined;
}
