/** The worker process: loads the DAG files, wires the house, polls Temporal until told to stop. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectEngine } from "@dagwright/engine/client";
import { readSettings } from "@dagwright/engine/settings";
import { openRunStore } from "@dagwright/engine/store";
import { createDagWorker } from "@dagwright/engine/worker";
import { openDags } from "./dags.ts";
import { reportFailure, reportReady } from "./readiness.ts";
import { stageServices } from "./stage-services.ts";
import { openHouse } from "./wiring.ts";

const { values } = parseArgs({
  options: {
    dags: { type: "string", multiple: true, default: [] },
    watch: { type: "boolean", default: false },
  },
});

try {
  const settings = readSettings(process.env, process.cwd());
  const { address, namespace, apiKey, tls } = settings.temporal;
  const store = openRunStore({ file: join(settings.home, "runs.db") });
  const engine = await connectEngine({ address, namespace, taskQueue: settings.taskQueue, store, apiKey, tls });
  const { registry, controllers, close } = await openDags({
    settings,
    paths: values.dags,
    watch: values.watch,
    engine,
  });
  const house = await openHouse(settings, registry, engine);
  const worker = await createDagWorker({
    address,
    namespace,
    taskQueue: settings.taskQueue,
    registry,
    services: stageServices(house.pool),
    store,
    logsFolder: join(settings.home, "logs"),
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

  reportReady({ dags: registry.list().map((dag) => dag.id), restored: restored.map(({ model }) => model) });
  await worker.run();
  close();
  await house.close();
  await engine.close();
  store.close();
  process.exit(0);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
