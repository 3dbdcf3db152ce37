// Runs before anything else is there: Node's own modules only.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs the locked dependencies unless this very lock file is installed already. */
export function ensureInstalled() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Dagwright needs Node 20.19 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const marker = join(root, "node_modules", ".dagwright-lock");
  const installed = () => existsSync(marker) && readFileSync(marker, "utf8") === lock;
  if (installed()) return;
  const release = takeTurn();
  try {
    if (!installed()) install();
    writeFileSync(marker, lock);
  } catch (error) {
    if (!(error instanceof InstallFailedError)) throw error;
    release();
    process.exit();
  } finally {
    release();
  }
}

function install() {
  console.error("Installing the locked dependencies (npm ci), about a minute the first time …");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const { status } = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status === 0) {
    // The first start would make it otherwise; if it cannot be made now, that start says why.
    spawnSync(process.execPath, [...sourceArguments(), join(root, "worker", "keep-bundle.ts")], { stdio: "ignore" });
    return;
  }
  console.error("npm ci failed (see above); mend that and start again.");
  process.exitCode = status ?? 1;
  throw new InstallFailedError();
}

/** What Node needs to run a TypeScript file of this project as it is. */
export function sourceArguments() {
  const tsx = pathToFileURL(createRequire(join(root, "package.json")).resolve("tsx")).href;
  return ["--conditions=source", "--import", tsx];
}

class InstallFailedError extends Error {}

/** Two installations at once would break each other: waits until the other process is done. Returns how to end the turn. */
function takeTurn() {
  const turn = join(root, ".install-turn");
  const mine = `${turn}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  let told = false;
  for (;;) {
    try {
      // A link appears whole or not at all: nobody reads a file that is not yet written.
      linkSync(mine, turn);
      rmSync(mine);
      return () => rmSync(turn, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = readHolder(turn);
    if (holder !== null && !isAlive(holder)) rmSync(turn, { force: true });
    else if (!told) console.error(`Waiting for process ${holder ?? "?"}, which is installing the dependencies …`);
    told ||= holder !== null;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
}

function readHolder(turn) {
  try {
    return Number(readFileSync(turn, "utf8"));
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
