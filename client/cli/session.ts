import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRegistry, type Dag, type RetrainingController } from "@dagwright/engine";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { type DagSources, dagSources, loadSoundDags } from "@dagwright/engine/loader";
import { readSettings, type Settings } from "@dagwright/engine/settings";
import { openObjectFolder, openRunStore, type RunStore } from "@dagwright/engine/store";
import { dagsOfUp } from "./up-record.ts";

/** The project's own folder: where `workflows/` and `worker/` lie. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

export function settingsOf(): Settings {
  return readSettings(process.env, process.cwd());
}

/**
 * The DAGs a verb knows, without those of broken files in a folder, which are named on stderr: the shipped ones and those
 * of `--dags`; without `--dags`, those that `up` runs with.
 */
export async function knownDags(
  settings: Settings,
  extra: readonly string[],
): Promise<{
  registry: ReturnType<typeof createRegistry>;
  dags: readonly Dag[];
  controllers: readonly RetrainingController[];
  files: ReadonlyMap<string, string>;
  /** Where they come from: a sync of schedules removes only what came from there. */
  scope: DagSources;
}> {
  const own = [join(PROJECT, "workflows"), ...extra];
  const lenient = extra.length === 0 ? dagsOfUp(settings.home) : [];
  const paths = [...own, ...lenient];
  const cacheFolder = join(settings.home, "cache", "dags");
  const { dags, controllers, files, broken } = await loadSoundDags(own, cacheFolder, { lenient });
  for (const { line } of broken) process.stderr.write(`${line}\n`);
  const scope = dagSources(paths, files);
  // What is only broken is not gone: no schedule is removed.
  const kept = broken.length === 0 ? scope : { ...scope, owned: [] };
  return { registry: createRegistry(dags), dags, controllers, files, scope: kept };
}

/** Opens the run store, hands it to `use`, and closes it whatever happens. */
export async function withStore<T>(settings: Settings, use: (store: RunStore) => T | Promise<T>): Promise<T> {
  const store = await openRunStore(settings.store);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Opens the run store and a connection to Temporal, hands both to `use`, and closes them whatever happens. */
export async function withEngine<T>(
  settings: Settings,
  use: (engine: EngineClient, store: RunStore) => Promise<T>,
): Promise<T> {
  return await withStore(settings, async (store) => {
    const { address, namespace, apiKey, tls } = settings.temporal;
    const objects = openObjectFolder(settings.objectsFolder);
    const { taskQueue } = settings;
    const engine = await connectEngine({ address, namespace, taskQueue, store, objects, apiKey, tls });
    try {
      return await use(engine, store);
    } finally {
      await engine.close();
    }
  });
}
