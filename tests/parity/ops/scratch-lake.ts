import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";

/** A value of a fixture's table. */
export type Cell = string | number | boolean | null;

let opened: Promise<{ lake: Lake; folder: string }> | undefined;

/** A lake in a temporary folder that lives as long as this process; `folder` has room for other files too. */
export function scratch(): Promise<{ lake: Lake; folder: string }> {
  opened ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), "dagwright-parity-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    return { lake: await openLake({ root: join(folder, "lake"), sourceRoots: [], threads: 1 }), folder };
  })();
  return opened;
}

/**
 * Puts rows into a table of the scratch lake and gives its name; the same rows are written once.
 *
 * @param types DuckDB type of every column, in order.
 */
export async function scratchTable(
  types: Readonly<Record<string, string>>,
  rows: readonly Readonly<Record<string, Cell | undefined>>[],
): Promise<string> {
  const names = Object.keys(types);
  const cells = rows.map((row) => names.map((name) => row[name] ?? null));
  const hash = createHash("sha256")
    .update(JSON.stringify([types, cells]))
    .digest("hex");
  const table = `t_${hash.slice(0, 24)}`;
  const casts = names.map((name, index) => `CAST(c${index} AS ${types[name]}) AS "${name.replaceAll('"', '""')}"`);
  // Every cell is text on the way in; one row of nulls, filtered out again, gives an empty table its columns.
  const lines = [...cells, names.map(() => null)].map((row, index) => `(${[index, ...row.map(literal)].join(", ")})`);
  const columns = ["n", ...names.map((_, index) => `c${index}`)].join(", ");
  const sql = `SELECT ${casts.join(", ")} FROM (VALUES ${lines.join(", ")}) AS t(${columns}) WHERE n < ${cells.length} ORDER BY n`;
  const { lake } = await scratch();
  await lake.write({ table, sql, dialect: "duckdb", views: {}, mode: "overwrite", txn: { appId: hash, version: 1 } });
  return table;
}

function literal(cell: Cell): string {
  return cell === null ? "CAST(NULL AS VARCHAR)" : `'${String(cell).replaceAll("'", "''")}'`;
}
