import type { RunList, RunRow } from "@dagwright/engine/client";
import { z } from "zod";
import { duration } from "./live.ts";
import { oneOf, table, UsageError } from "./output.ts";

export const RunState = z.enum(["queued", "running", "paused", "success", "failed", "cancelled"]);

/** Options that say which runs are meant. */
export interface RunFilterOptions {
  dag?: string;
  state?: string;
  since?: string;
  limit?: string;
}

/** @throws UsageError naming the option and what it takes. */
export function runFilter({ dag, state, since, limit }: RunFilterOptions): RunList {
  return {
    ...(dag === undefined ? {} : { dagId: dag }),
    ...(state === undefined ? {} : { state: oneOf("--state", state, RunState) }),
    ...(since === undefined ? {} : { since: momentOf("--since", since) }),
    ...(limit === undefined ? {} : { limit: limitOf(limit) }),
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A date, a moment, or so long ago.
 * @throws UsageError naming the option
 */
export function momentOf(option: string, text: string): string {
  const [, count, unit = ""] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const moment = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS[unit] ?? 0);
  if (Number.isNaN(moment) || (count === undefined && !/^\d{4}-\d\d/.test(text)))
    throw new UsageError(
      `${option} is "${text}": expected a date (1998-01-31), a moment, or a time span (30m, 2h, 7d)`,
    );
  return new Date(moment).toISOString();
}

function limitOf(text: string): number {
  const parsed = z.coerce.number().int().min(1).max(1000).safeParse(text);
  if (!parsed.success) throw new UsageError(`--limit is "${text}": expected a whole number from 1 to 1000`);
  return parsed.data;
}

/** Runs as a table. */
export function runsText(rows: readonly RunRow[]): string {
  return table(
    ["RUN", "STATE", "TRIGGER", "STARTED", "TOOK"],
    rows.map((row) => [
      row.runId,
      row.state,
      row.trigger,
      row.startedAt === null ? "" : `${row.startedAt.slice(0, 19).replace("T", " ")}Z (${ago(row.startedAt)})`,
      duration(row),
    ]),
  );
}

/** How long ago a moment is, in its largest unit. */
function ago(moment: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(moment)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}
