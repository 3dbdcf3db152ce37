import { join } from "node:path";
import { createRegistry, type DagRegistry, type RetrainingController } from "@dagwright/engine";
import type { EngineClient } from "@dagwright/engine/client";
import { type DagReload, dagSources, loadSoundDags, watchDagFiles } from "@dagwright/engine/loader";
import type { Settings } from "@dagwright/engine/settings";
import { reportReload } from "./readiness.ts";
import { SHIPPED_DAGS } from "./wiring.ts";

/** The DAGs of a worker. */
export interface WorkerDags {
  readonly registry: DagRegistry;
  readonly controllers: readonly RetrainingController[];
  close(): void;
}

/** Loads the shipped DAGs and those of further files or folders; with `watch` again whenever they change. */
export async function openDags(o: {
  settings: Settings;
  paths: readonly string[];
  watch: boolean;
  engine: EngineClient;
}): Promise<WorkerDags> {
  const paths = [SHIPPED_DAGS, ...o.paths];
  const cacheFolder = join(o.settings.home, "cache", "dags");
  if (!o.watch) {
    const { dags, controllers, broken } = await loadSoundDags(paths, cacheFolder);
    for (const { message } of broken) console.error(message);
    return { registry: createRegistry(dags), controllers, close: () => {} };
  }
  const onReload = async (reload: DagReload) => {
    reportReload(linesOf(reload));
    // A schedule whose DAG is only broken is not removed.
    if (reload.absent.length === 0) await bringInLine(o.engine, paths, reload);
  };
  const { registry, first, close } = await watchDagFiles({ paths, cacheFolder, onReload });
  if (first.broken.length > 0) reportReload(brokenLines(first));
  return { registry, controllers: first.controllers, close };
}

/** Schedules and controllers follow the code. A server that is away is no reason to end: the next change tries again. */
async function bringInLine(
  engine: EngineClient,
  paths: readonly string[],
  { dags, controllers, files }: DagReload,
): Promise<void> {
  try {
    const { created, updated, removed } = await engine.syncSchedules(dags, dagSources(paths, files));
    const changed = Object.entries({ created, updated, removed }).filter(([, ids]) => ids.length > 0);
    if (changed.length > 0)
      reportReload([`Schedules: ${changed.map(([what, ids]) => `${what} ${ids.join(", ")}`).join("; ")}`]);
    for (const controller of controllers) await engine.ensureController(controller);
  } catch (error) {
    reportReload([`The schedules were not synced: ${error instanceof Error ? error.message : error}`]);
  }
}

/** One line for what works again or anew, and one for each broken file. */
function linesOf(reload: DagReload): string[] {
  const { added, changed, removed, mended } = reload;
  const parts = Object.entries({ added, changed, removed }).flatMap(([what, ids]) =>
    ids.length === 0 ? [] : [`${what} ${ids.join(", ")}`],
  );
  return [
    ...(parts.length === 0 ? [] : [`DAG files: ${parts.join("; ")}`]),
    ...mended.map((file) => `DAG file ${file} is in order again`),
    ...brokenLines(reload),
  ];
}

function brokenLines({ broken, absent }: DagReload): string[] {
  return broken.map(({ file, line }) => (absent.includes(file) ? line : `${line} (the former version stays in use)`));
}
