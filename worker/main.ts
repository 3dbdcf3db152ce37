/** The worker process: loads the DAG files, wires the house, polls Temporal until told to stop. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRegistry } from "@dagwright/engine";
import { connectEngine } from "@dagwright/engine/client";
import { loadDagFiles } from "@dagwright/engine/loader";
import { readSettings } from "@dagwright/engine/settings";
import { openRunStore } from "@dagwright/engine/store";
import { createDagWorker } from "@dagwright/engine/worker";
import { reportFailure, reportReady } from "./readiness.ts";
import { stageServices } from "./stage-services.ts";
import { openHouse, SHIPPED_DAGS } from "./wiring.ts";

const { values } = parseArgs({ options: { dags: { type: "string", multiple: true, default: [] } } });

try {
  const settings = readSettings(process.env, process.cwd());
  const { address, namespace, apiKey, tls } = settings.temporal;
  const { dags, controllers } = await loadDagFiles(
    [SHIPPED_DAGS, ...values.dags],
    join(settings.home, "cache", "dags"),
  );
  const store = openRunStore({ file: join(settings.home, "runs.db") });
  const engine = await connectEngine({ address, namespace, taskQueue: settings.taskQueue, store, apiKey, tls });
  const house = await openHouse(settings, dags, engine);
  const worker = await createDagWorker({
    address,
    namespace,
    taskQueue: settings.taskQueue,
    registry: createRegistry(dags),
    services: stageServices(house.pool),
    store,
    logsFolder: join(settings.home, "logs"),
    cacheFolder: join(settings.home, "cache"),
    apiKey,
    tls,
  });
  const restored = await house.deployments.restore();
  for (const controller of controllers) await engine.ensureController(controller);

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    worker.shutdown();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  // The parent (`dagwright up`) is gone: nobody would stop this process any more.
  process.on("disconnect", stop);

  reportReady({ dags: dags.map((dag) => dag.id), restored: restored.map(({ model }) => model) });
  await worker.run();
  await house.close();
  await engine.close();
  store.close();
  process.exit(0);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
