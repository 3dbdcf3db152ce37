import type { ValidationFacts } from "@dagwright/expectations";
import { keepText, type Lake, LakeError, type ObjectStore, objectNameOf } from "@dagwright/lake";
import { z } from "zod";

/** The table that remembers what validations saw: where the lake is, there is its history. */
const TABLE = "validation_history";
/** Earlier validations that are read back. */
const READ = 200;

/** One validation in the history. */
export interface PastValidation {
  /** Who validated: the same key is remembered once, however often it is tried. */
  readonly key: string;
  readonly suite: string;
  readonly table: string;
  /** End of the data interval, ISO-8601; empty where there was none. */
  readonly intervalEnd: string;
  /** ISO-8601. */
  readonly at: string;
  readonly success: boolean;
  readonly facts: ValidationFacts;
}

const Facts = z.object({
  rowCount: z.number(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  newest: z.record(z.string(), z.string().nullable()),
});

/** Remembers a validation, once for its key. */
export async function remember(lake: Lake, validation: PastValidation): Promise<void> {
  const { key, suite, table, intervalEnd, at, success, facts } = validation;
  await lake.write({
    table: TABLE,
    sql: `SELECT :key AS validation_key, :suite AS suite, :validated AS validated_table, :interval_end AS interval_end,
      :at AS validated_at, :success AS success, :facts AS facts`,
    views: {},
    params: {
      ...{ key, suite, validated: table, at, success },
      interval_end: intervalEnd,
      facts: JSON.stringify(facts),
    },
    mode: "append",
    txn: { appId: `validation/${key}`, version: 1 },
  });
}

/**
 * What earlier validations of a table against a suite saw, the latest first: only those that succeeded, of each data
 * interval the last of them, and only intervals before this one's end. A validation of the same key is this one, tried
 * again.
 */
export async function earlierThan(
  lake: Lake,
  now: Pick<PastValidation, "key" | "suite" | "table" | "intervalEnd">,
): Promise<ValidationFacts[]> {
  let rows: readonly Readonly<Record<string, unknown>>[];
  try {
    const found = await lake.query(
      `SELECT validation_key, interval_end, facts FROM history
        WHERE suite = :suite AND validated_table = :validated AND validation_key <> :key AND success
          AND (interval_end = '' OR :until = '' OR interval_end < :until)
        ORDER BY interval_end DESC, validated_at DESC LIMIT ${READ}`,
      {
        views: { history: { table: TABLE } },
        params: { suite: now.suite, validated: now.table, key: now.key, until: now.intervalEnd },
      },
    );
    rows = found.rows;
  } catch (error) {
    if (error instanceof LakeError && error.code === "TABLE_NOT_FOUND") return [];
    throw error;
  }
  const seen = new Set<string>();
  return rows.flatMap(({ interval_end, facts }) => {
    const end = String(interval_end ?? "");
    if (end !== "" && seen.has(end)) return [];
    seen.add(end);
    return [Facts.parse(JSON.parse(String(facts)))];
  });
}

/**
 * Writes a report to `quality/<key>.html`, whole or not at all; the same key replaces the same one.
 * @param key Any text; kept readable where it fits a name, and made unique by its hash.
 * @returns Its URL.
 */
export async function writeReport(reports: ObjectStore, key: string, html: string): Promise<string> {
  return await keepText(reports, `quality/${objectNameOf(key)}.html`, html);
}
