/** Python's deltalake (delta-rs), to read what we write and to write what we read. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PROJECT } from "../product.ts";
import { installing } from "./installing.ts";

const run = promisify(execFile);
const VERSION = "1.6.6";
const PYARROW = "26.0.1";
const FOLDER = join(PROJECT, ".dagwright", `deltalake-${VERSION}`);
const PYTHON = join(FOLDER, "bin", "python");
const MARKER = join(FOLDER, "ready");

/** Installs deltalake from PyPI into an environment of its own, once. Says why not; with `CI=true` it throws instead. */
export async function installDeltalake(): Promise<string | undefined> {
  return await installing(
    "deltalake",
    (why) =>
      `no deltalake ${VERSION} here, and it cannot be installed (${why}): Python 3.10 or newer and pip are needed`,
    async () => {
      if (existsSync(MARKER)) return;
      await rm(FOLDER, { recursive: true, force: true });
      await run("python3", ["-m", "venv", FOLDER]);
      const packages = [`deltalake==${VERSION}`, `pyarrow==${PYARROW}`];
      await run(PYTHON, ["-m", "pip", "install", "--quiet", ...packages], { timeout: 300_000 });
      await run("touch", [`${MARKER}.new`]);
      await rename(`${MARKER}.new`, MARKER);
    },
  );
}

/** Runs a Python script and gives back the JSON that it prints. */
export async function python(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  // Threads of its libraries abort now and then while the interpreter shuts down: it ends without that.
  const whole = `${script}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n`;
  const { stdout } = await run(PYTHON, ["-c", whole, ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout);
}

/** What deltalake reads: the rows sorted by all of their columns, dates and times as ISO texts. */
export async function readByDeltalake(
  uri: string,
  o: { readonly version?: number; readonly storage?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly version: number; readonly rows: readonly Readonly<Record<string, unknown>>[] }> {
  const answer = await python(READ, [uri, JSON.stringify(o.version ?? null), JSON.stringify(o.storage ?? {})]);
  return answer as { version: number; rows: Record<string, unknown>[] };
}

const READ = `
import json, sys
from deltalake import DeltaTable
uri, version, storage = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
table = DeltaTable(uri, version=version, storage_options=storage)
rows = table.to_pyarrow_table().to_pylist()
text = lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v)
rows = [json.loads(json.dumps(row, default=text)) for row in rows]
rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
print(json.dumps({"version": table.version(), "rows": rows}))
`;
