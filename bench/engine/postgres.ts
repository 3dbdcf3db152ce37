/** A PostgreSQL cluster of the bench's own: in a temporary folder, on a free port, gone when it ends. */
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../tests/product.ts";
import { postgresPrograms } from "./installs.ts";
import { runToEnd, startService, untilReady } from "./processes.ts";

export interface Postgres {
  readonly port: number;
  readonly user: string;
  createDatabase(name: string): Promise<void>;
  end(): Promise<void>;
}

/** Starts a cluster with PostgreSQL's defaults, but for the number of connections. */
export async function startPostgres(): Promise<Postgres> {
  const programs = await postgresPrograms();
  const folder = await mkdtemp(join(tmpdir(), "dagwright-postgres-"));
  const owner = await unprivileged();
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(folder, owner.uid, owner.gid);
  await chmod(folder, 0o755);
  const [data, port, user] = [join(folder, "data"), await freePort(), "bench"];
  const options = { ...owner, cwd: folder };
  const initdb = [join(programs, "initdb"), "-D", data, "-U", user, "--auth=trust", "--encoding=UTF8", "--locale=C"];
  await runToEnd(initdb, { ...options, timeoutMs: 300_000 });
  const service = startService(
    "PostgreSQL",
    [
      ...[join(programs, "postgres"), "-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1"],
      ...["-c", `unix_socket_directories=${folder}`, "-c", "max_connections=300"],
    ],
    { ...options, logFile: join(folder, "postgres.log") },
  );
  const psql = async (text: string) =>
    await runToEnd(
      [join(programs, "psql"), "-h", "127.0.0.1", "-p", String(port), "-U", user, "-d", "postgres", "-Atc", text],
      { timeoutMs: 120_000 },
    );
  await untilReady("PostgreSQL", async () => (await psql("SELECT 1")).trim() === "1", { timeoutMs: 120_000, service });
  return {
    port,
    user,
    createDatabase: async (name) => {
      await psql(`CREATE DATABASE ${name}`);
    },
    end: async () => {
      await service.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root: Debian's user for it, or nobody. */
async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    const ids = await runToEnd(["sh", "-c", `id -u ${name} && id -g ${name}`], { timeoutMs: 10_000 }).catch(() => "");
    const [uid, gid] = ids.trim().split("\n").map(Number);
    if (uid !== undefined && gid !== undefined && uid > 0) return { uid, gid };
  }
  throw new Error("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody");
}
