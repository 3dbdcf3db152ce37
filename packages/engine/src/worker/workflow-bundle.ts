import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleWorkflowCode, type WorkflowBundlePath, type WorkflowBundleWithSourceMap } from "@temporalio/worker";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** The one bundle of all workflows: the interpreter and its neighbours. It holds no code of users. */
export async function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`../sandbox/workflows.${extension}`, import.meta.url)),
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error },
  });
}

/**
 * The bundle from a folder where it is kept by what it is made of; made there by a process of its own when it is
 * missing, since the bundler would hold 130 MiB of this one for as long as it lives.
 */
export async function cachedBundle(folder: string): Promise<WorkflowBundlePath> {
  const codePath = join(folder, `workflows-${await contentHash()}.js`);
  if ((await stat(codePath).catch(() => null)) === null) {
    const maker = fileURLToPath(new URL(`bundle-process.${extension}`, import.meta.url));
    await promisify(execFile)(process.execPath, [...process.execArgv, maker, codePath]);
  }
  return { codePath };
}

/** Writes the bundle to a file, whole or not at all. */
export async function writeBundle(file: string): Promise<void> {
  const { code } = await bundleWorkflows();
  await mkdir(join(file, ".."), { recursive: true });
  const partial = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await writeFile(partial, code);
  await rename(partial, file);
}

async function contentHash(): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of ["core", "sandbox"]) {
    const path = fileURLToPath(new URL(`../${folder}/`, import.meta.url));
    for (const name of (await readdir(path)).sort()) {
      if (!name.endsWith(`.${extension}`) || name.endsWith(`.test.${extension}`)) continue;
      hash.update(`${folder}/${name}\n`).update(await readFile(join(path, name)));
    }
  }
  const require = createRequire(import.meta.url);
  hash.update(await readFile(require.resolve("@temporalio/worker/package.json")));
  return hash.digest("hex").slice(0, 16);
}
