/** A real PostgreSQL for tests and benchmarks: on a free port, with its data in a temporary folder. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../product.ts";
import { installing } from "./installing.ts";

const run = promisify(execFile);

/** Where Debian and its descendants keep their versions. */
const VERSIONS = "/usr/lib/postgresql";

const USER = "dagwright";
const PASSWORD = "s3cret-of-tests";

export interface PostgresServer {
  /** Of the database `postgres`, with the password. */
  readonly url: string;
  readonly port: number;
  /** Makes an empty database, and gives its URL. */
  database(name: string): Promise<string>;
  /** What `psql` prints for these statements, without headers. */
  sql(url: string, statements: string): Promise<string>;
  /** Starts it again after `stop` or `kill`: on the same port, with the same data. */
  start(): Promise<void>;
  /** Ends all connections and stops. */
  stop(): Promise<void>;
  /** SIGKILL to it and all its processes. */
  kill(): Promise<void>;
  /** Lets it hang (SIGSTOP to it and its processes) while `work` goes on. */
  hanging<T>(work: () => Promise<T>): Promise<T>;
  /** Stops it and removes its data. */
  close(): Promise<void>;
}

/**
 * Installs PostgreSQL where it is missing and can be installed (as root, with apt). Says why not, and what to do; with
 * `CI=true` it throws instead.
 */
export async function installPostgres(): Promise<string | undefined> {
  return await installing(
    "postgres",
    (why) => `no PostgreSQL here, and it cannot be installed (${why}): apt-get install postgresql`,
    async () => {
      if (newestBin() !== undefined) return;
      if (process.getuid?.() !== 0) throw new Error("not root");
      const install = () => run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], APT);
      await install().catch(async () => {
        await run("apt-get", ["update", "-qq"], APT);
        await install();
      });
      if (newestBin() === undefined) throw new Error(`nothing came to ${VERSIONS}`);
    },
  );
}

const APT = { timeout: 110_000, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };

/** Starts a server that listens on 127.0.0.1 alone. Its texts are ordered as English orders them, not byte by byte. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = newestBin();
  if (bin === undefined) throw new Error("PostgreSQL is not installed: call installPostgres first");
  const owner = await ownerOfServer();
  const folder = await mkdtemp(join(tmpdir(), "postgres-"));
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, PASSWORD);
  for (const path of [folder, passwordFile]) await chown(path, owner.uid, owner.gid);
  const locale = ["--locale=C.UTF-8", ...(bin.version >= 15 ? ["--locale-provider=icu", "--icu-locale=en"] : [])];
  const access = ["-U", USER, "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  await run(join(bin.path, "initdb"), ["-D", data, "-E", "UTF8", "--no-sync", ...locale, ...access], {
    ...owner,
    cwd: folder,
  });
  const port = await freePort();
  const urlOf = (database: string) => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const url = urlOf("postgres");
  const sql = async (at: string, statements: string) =>
    (await run(join(bin.path, "psql"), ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", statements, at])).stdout;
  let server: ChildProcess | undefined;
  let exited = Promise.resolve();
  const end = async (signal: NodeJS.Signals) => {
    server?.kill(signal);
    await exited;
    server = undefined;
  };
  const lastResort = () => {
    server?.kill("SIGQUIT");
  };
  process.once("exit", lastResort);
  const start = async () => {
    const settings = ["listen_addresses=127.0.0.1", `port=${port}`, `unix_socket_directories=${folder}`, "fsync=off"];
    const started = spawn(join(bin.path, "postgres"), ["-D", data, ...settings.flatMap((one) => ["-c", one])], {
      ...owner,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    server = started;
    let log = "";
    started.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-4_000);
    });
    exited = new Promise((resolve) => started.once("exit", () => resolve()));
    for (let tries = 0; tries < 300; tries++) {
      if (await accepts()) return;
      if (started.exitCode !== null) throw new Error(`PostgreSQL ended with ${started.exitCode}: ${log}`);
      await delay(100);
    }
    throw new Error(`PostgreSQL did not take connections within 30 s: ${log}`);
  };
  const accepts = () =>
    sql(url, "SELECT 1").then(
      () => true,
      () => false,
    );
  await start();
  return {
    url,
    port,
    sql,
    async database(name) {
      await sql(url, `CREATE DATABASE "${name}"`);
      return urlOf(name);
    },
    start,
    // Fast shutdown: it waits for nobody.
    stop: () => end("SIGINT"),
    async kill() {
      const backends = await processesOf(data);
      signal(backends, "SIGKILL");
      await exited;
    },
    async hanging(work) {
      const pids = await processesOf(data);
      signal(pids, "SIGSTOP");
      try {
        return await work();
      } finally {
        signal(pids, "SIGCONT");
      }
    },
    async close() {
      process.off("exit", lastResort);
      // Immediate shutdown: nothing of it is kept.
      await end("SIGQUIT");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function newestBin(): { path: string; version: number } | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const [newest] = readdirSync(VERSIONS)
    .map((version) => ({ version: Number.parseFloat(version), path: join(VERSIONS, version, "bin") }))
    .filter(({ path }) => existsSync(join(path, "initdb")) && existsSync(join(path, "postgres")))
    .sort((a, b) => b.version - a.version);
  return newest;
}

/** PostgreSQL refuses to run as root: then its package's own user runs it. */
async function ownerOfServer(): Promise<{ uid: number; gid: number }> {
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
  if (uid !== 0) return { uid, gid };
  const idOf = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  return { uid: await idOf("-u"), gid: await idOf("-g") };
}

/** A process of the server that ends by itself at this moment needs no signal. */
function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

/** The server's process and those that it has started for its connections. */
async function processesOf(data: string): Promise<number[]> {
  const main = Number((await readFile(join(data, "postmaster.pid"), "utf8")).split("\n", 1)[0]);
  const children = (await readFile(`/proc/${main}/task/${main}/children`, "utf8")).split(" ").filter(Boolean);
  return [main, ...children.map(Number)];
}
