import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { makeWorkflowBundle, WorkflowBundle } from "./workflow-bundler.ts";

/** How long another process may take to make the bundle, in milliseconds; then this one does. */
const PATIENCE_MS = 60_000;

/** Folders with all that the bundle is made of, besides Temporal's own packages. */
const SOURCES = ["../sandbox", "../core"];

let made: Promise<WorkflowBundle> | undefined;

/**
 * The one bundle of all workflows: the interpreter, the retraining controller and what else the sandbox exports. It holds
 * no code of users. Made once in a process, by a process of its own; kept in `cacheFolder` for the next start.
 */
export async function bundleWorkflows(cacheFolder?: string): Promise<WorkflowBundle> {
  made ??= keptIn(cacheFolder);
  try {
    return await made;
  } catch (error) {
    made = undefined;
    throw error;
  }
}

async function keptIn(cacheFolder: string | undefined): Promise<WorkflowBundle> {
  if (cacheFolder === undefined) return await makeElsewhere();
  const file = join(cacheFolder, `workflows-${await sourcesHash()}.json`);
  const kept = await readFile(file, "utf8")
    .then(parsed)
    .catch(() => null);
  if (kept !== null) return kept;
  const bundle = await makeElsewhere();
  try {
    await mkdir(cacheFolder, { recursive: true });
    await writeFile(`${file}.${process.pid}`, JSON.stringify(bundle));
    await rename(`${file}.${process.pid}`, file);
  } catch (error) {
    console.error(`The workflow bundle could not be kept in ${cacheFolder}: ${error}`);
  }
  return bundle;
}

function parsed(text: string): WorkflowBundle {
  return WorkflowBundle.parse(JSON.parse(text));
}

async function makeElsewhere(): Promise<WorkflowBundle> {
  try {
    return await makeInAnotherProcess();
  } catch {
    // Some hosts of a worker cannot run a second Node the way they run this one.
    return await makeWorkflowBundle();
  }
}

async function makeInAnotherProcess(): Promise<WorkflowBundle> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const child = fork(fileURLToPath(new URL(`bundle-process.${extension}`, import.meta.url)), {
    execArgv: process.execArgv.filter((argument) => !/^--(inspect|cpu-prof|heap-prof)/.test(argument)),
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    timeout: PATIENCE_MS,
  });
  return await new Promise((resolve, reject) => {
    child.once("message", (message) => {
      const bundle = WorkflowBundle.safeParse(message);
      if (bundle.success) resolve(bundle.data);
      else reject(bundle.error);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The bundler ended with exit code ${code}`)));
  });
}

/** Of all that the bundle is made of: another hash, another bundle. */
async function sourcesHash(): Promise<string> {
  const require = createRequire(import.meta.url);
  const hash = createHash("sha256");
  for (const name of ["workflow", "worker"]) {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(require.resolve(`@temporalio/${name}/package.json`), "utf8")));
    hash.update(`${name} ${version}\n`);
  }
  // Stacks name files by their place; how the bundle is made counts as well.
  const bundler = fileURLToPath(new URL(`workflow-bundler${import.meta.url.slice(-3)}`, import.meta.url));
  hash.update(`${bundler}\n`).update(await readFile(bundler));
  for (const folder of SOURCES.map((source) => fileURLToPath(new URL(source, import.meta.url)))) {
    for (const entry of (await readdir(folder)).filter((name) => /(?<!\.test)\.[jt]s$/.test(name)).sort()) {
      hash.update(`${entry}\n`).update(await readFile(join(folder, entry)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}
