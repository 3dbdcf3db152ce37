/** DuckDB's own delta extension, from its wheel on PyPI: another reader of what we write. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { PROJECT } from "../product.ts";
import { installing } from "./installing.ts";

const run = promisify(execFile);
/** Of the same DuckDB that we use: an extension fits one version alone. */
const VERSION = "1.5.5";
const FOLDER = join(PROJECT, ".dagwright", `duckdb-extensions-${VERSION}`);
const EXTENSION = join(FOLDER, "delta.duckdb_extension");

/** Fetches the extension by pip, once. Says why not; with `CI=true` it throws instead. */
export async function installDuckDelta(): Promise<string | undefined> {
  return await installing(
    "duckdb-delta",
    (why) => `DuckDB's delta extension ${VERSION} cannot be fetched (${why}): Python and pip are needed`,
    async () => {
      if (existsSync(EXTENSION)) return;
      const draft = `${FOLDER}.${process.pid}`;
      try {
        await mkdir(draft, { recursive: true });
        await mkdir(FOLDER, { recursive: true });
        const wheel = `duckdb-extension-delta==${VERSION}`;
        await run("python3", ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", draft, wheel], {
          timeout: 300_000,
        });
        await run("python3", ["-c", UNPACK, draft]);
        await rename(join(draft, "delta.duckdb_extension"), EXTENSION);
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
    },
  );
}

const UNPACK = `
import glob, sys, zipfile, os
[wheel] = glob.glob(sys.argv[1] + "/*.whl")
with zipfile.ZipFile(wheel) as z:
  [name] = [n for n in z.namelist() if n.endswith("delta.duckdb_extension")]
  with open(os.path.join(sys.argv[1], "delta.duckdb_extension"), "wb") as f:
    f.write(z.read(name))
`;

/** What delta_scan reads: how many rows, how many of a condition, and i, s and p of each by i. */
export async function readByDuckDelta(folder: string, condition: string) {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await connection.run(`LOAD '${EXTENSION}'`);
    const rows = async (sql: string) => (await connection.run(sql)).getRowsJson();
    const [[count] = []] = await rows(`SELECT count(*) FROM delta_scan('${folder}')`);
    const [[filtered] = []] = await rows(`SELECT count(*) FROM delta_scan('${folder}') WHERE ${condition}`);
    return {
      count: Number(count),
      filtered: Number(filtered),
      rows: await rows(`SELECT i, s, p FROM delta_scan('${folder}') ORDER BY i`),
    };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
