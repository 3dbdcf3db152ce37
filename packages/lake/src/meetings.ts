import type { Bindings, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import type { Meeting } from "./spark-sql.ts";

/** Types that both engines bring to the same one; a FLOAT beside another number than a DOUBLE is a DOUBLE to Spark alone. */
const KINDS = [
  /^((BIG|SMALL|TINY|HUGE)INT|INTEGER|DECIMAL.*|DOUBLE)$/,
  /^(DOUBLE|FLOAT)$/,
  /^(DATE|TIMESTAMP.*)$/,
  /^VARCHAR$/,
  /^BOOLEAN$/,
  /^BLOB$/,
];

/**
 * Refuses set operations whose columns are of two kinds: Spark casts one to the other's, DuckDB otherwise. The views have
 * to be there.
 * @throws LakeError UNSUPPORTED_SQL, which names the operation, the column and both types
 */
export async function checkMeetings(session: Session, meetings: readonly Meeting[], bindings: Bindings): Promise<void> {
  for (const { operation, sides } of meetings) {
    const [left, right] = [await typesOf(session, sides[0], bindings), await typesOf(session, sides[1], bindings)];
    for (const [i, ours] of left.entries()) {
      const theirs = right[i];
      if (theirs === undefined || [ours, theirs].some((type) => /NULL/.test(type))) continue;
      if (KINDS.some((kind) => kind.test(ours) && kind.test(theirs))) continue;
      throw new LakeError(
        "UNSUPPORTED_SQL",
        `Not in the Spark SQL subset that runs here: ${operation} of a ${ours} and a ${theirs} in column ${i + 1}.`,
        { field: "sql", hint: "Cast one of them to the other's type, or run on Spark (SPARK_REMOTE)." },
      );
    }
  }
}

/** As `typeof` says them: that a column is nothing but null is not seen in a result. */
async function typesOf(session: Session, sql: string, bindings: Bindings): Promise<string[]> {
  const none = `SELECT typeof(COLUMNS(s.*)) FROM (SELECT 1) LEFT JOIN (SELECT * FROM (${sql}) LIMIT 0) s ON true`;
  return (await session.rows(none, bindings))[0]?.map(String) ?? [];
}
