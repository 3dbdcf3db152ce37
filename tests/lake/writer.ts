/**
 * A writer to be killed: appends, replaces and merges rows of its own, one step after the other, and prints each step
 * when it has been acknowledged. It begins after the steps that it is told are done, and with the one in doubt.
 */
import { setTimeout as delay } from "node:timers/promises";
import { openLake } from "@dagwright/lake";
import { z } from "zod";

const Task = z.object({
  root: z.string(),
  s3: z.object({ endpoint: z.string(), region: z.string() }).optional(),
  scratch: z.string(),
  writer: z.number(),
  from: z.number(),
});
/** What a writer does again. */
const BEATEN = ["TABLE_MOVED", "TABLE_CONTENDED"];
const { root, s3, scratch, writer, from } = Task.parse(JSON.parse(process.argv[2] ?? ""));
const lake = await openLake({ root, s3, scratch, sourceRoots: [], threads: 1, memoryLimit: "256MB" });
for (let step = from; ; step++) {
  const begun = performance.now();
  const rows = `SELECT ${writer} AS writer, ${step} * 10 + range AS n, 'p ' || (range % 2) AS p FROM range(4)`;
  const about = {
    table: "t",
    views: {},
    dialect: "duckdb",
    txn: { appId: `writer-${writer}`, version: step },
  } as const;
  try {
    if (step % 5 === 4) await lake.merge({ ...about, on: ["writer", "n"], sql: rows });
    else if (step % 5 === 3) {
      const mine = [
        { column: "writer", equals: writer },
        { column: "n", from: String(step * 10), until: String(step * 10 + 10) },
      ];
      await lake.write({ ...about, sql: rows, mode: "replace_where", replaceWhere: mine, partitionBy: ["p"] });
    } else await lake.write({ ...about, sql: rows, mode: "append", partitionBy: ["p"] });
  } catch (error) {
    // Statistics do not tell this writer's rows from another's: a step that was beaten is taken again.
    if (!(error instanceof Error) || !("code" in error) || !BEATEN.includes(String(error.code))) throw error;
    step--;
    continue;
  }
  process.stdout.write(`${step}\n`);
  // A writer without a pause would leave none to the other: a replacement loses to every commit that may hold its rows.
  await delay(1.5 * (performance.now() - begun));
}
