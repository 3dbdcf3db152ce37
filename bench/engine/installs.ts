/** The peers, installed by the bench itself; what is installed once is used again. */
import { existsSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "./processes.ts";

export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Folder of the virtual environments and programs of the peers. */
const PEERS = join(PROJECT, ".dagwright", "bench");

const MINUTES_MS = 60_000;

/** A Python environment with these packages, and the folder of its programs. */
export async function pythonPeer(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(PEERS, name);
  await installed(folder, packages, async () => {
    await runToEnd(["python3", "-m", "venv", folder], { timeoutMs: 2 * MINUTES_MS });
    const pip = [join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check"];
    await runToEnd([...pip, ...packages], { timeoutMs: 10 * MINUTES_MS });
  });
  return join(folder, "bin");
}

/** Programs built from Go packages, each named after the last part of its path; gives their folder. */
export async function goPeer(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(PEERS, name);
  await installed(folder, packages, async () => {
    await mkdir(folder, { recursive: true });
    await runToEnd(["go", "install", ...packages], {
      env: { ...process.env, GOBIN: folder },
      timeoutMs: 15 * MINUTES_MS,
    });
  });
  return folder;
}

/** PostgreSQL's programs, from Debian's package where they are missing; gives their folder. */
export async function postgresPrograms(): Promise<string> {
  const find = async () => {
    const found = await runToEnd(["sh", "-c", "ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1"], {
      timeoutMs: MINUTES_MS,
    }).catch(() => "");
    return existsSync(join(found.trim(), "initdb")) ? found.trim() : null;
  };
  const there = await find();
  if (there !== null) return there;
  console.error("Installing PostgreSQL from Debian's packages …");
  await runToEnd(["sh", "-c", "apt-get update -qq && apt-get install -qq -y postgresql"], {
    timeoutMs: 5 * MINUTES_MS,
  });
  const now = await find();
  if (now === null) throw new Error("PostgreSQL was installed, but /usr/lib/postgresql/*/bin/initdb is not there");
  return now;
}

/** Installs unless the very same packages are there already; a half-done installation begins anew. */
async function installed(folder: string, packages: readonly string[], install: () => Promise<void>): Promise<void> {
  const marker = join(folder, `.installed-${packages.join(" ").replaceAll(/[^\w.]+/g, "_")}`.slice(0, 200));
  if (existsSync(marker)) return;
  console.error(`Installing ${packages.join(", ")} into ${folder}, once …`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(PEERS, { recursive: true });
  await install();
  writeFileSync(marker, "");
}
