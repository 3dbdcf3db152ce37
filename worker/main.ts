/** The worker process: loads the DAG files, wires the house, polls Temporal until told to stop. */
import { join } from "node:path";
import { inspect, parseArgs } from "node:util";
import { connectEngine } from "@dagwright/engine/client";
import { openConnections, Redactor } from "@dagwright/engine/connections";
import { guardOutput, logProcessAsJson } from "@dagwright/engine/logs";
import { readSettings } from "@dagwright/engine/settings";
import { openObjectFolder, openRunStore } from "@dagwright/engine/store";
import { createDagWorker } from "@dagwright/engine/worker";
import { BUNDLE_FOLDER } from "./bundle-folder.ts";
import { openDags } from "./dags.ts";
import { startModelMonitor } from "./model-monitor.ts";
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
  // Under `dagwright up` the lines go to a file.
  if (process.send !== undefined || settings.logs.json) logProcessAsJson(settings.logs.level);
  const { port, host } = settings.metrics;
  const redactor = new Redactor();
  guardOutput(redactor.text);
  // By the guarded way out: what Node itself prints of it might hold a secret.
  process.on("uncaughtException", (error) => {
    process.stderr.write(`The worker ends: ${inspect(error)}\n`);
    process.exit(1);
  });
  const store = await openRunStore(settings.store, { warn: console.error });
  const objects = openObjectFolder(settings.objectsFolder);
  const engine = await connectEngine({
    address,
    namespace,
    taskQueue: settings.taskQueue,
    store,
    objects,
    apiKey,
    tls,
  });
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
    services: {
      ...stageServices(house.pool),
      ...openConnections({ ...settings.connections, env: process.env, warn: console.warn }),
    },
    store,
    logsFolder: join(settings.home, "logs"),
    objects,
    cacheFolder: BUNDLE_FOLDER,
    maxTasks: settings.maxTasks,
    logs: settings.logs,
    redactor,
    traces: settings.traces,
    ...(port === undefined ? {} : { metrics: { port, host } }),
    apiKey,
    tls,
  });
  if (worker.metricsUrl !== null) console.info(`Metrics at ${worker.metricsUrl}`);
  const restored = await house.deployments.restore();
  for (const controller of controllers) await engine.ensureController(controller);

  const monitor =
    settings.monitor.schedule === null
      ? null
      : startModelMonitor(
          {
            pool: house.pool,
            deployments: house.deployments,
            engine,
            stateFolder: join(settings.home, "monitor"),
            windowMs: settings.monitor.windowMs,
            log: (event, fields) => console.info(`${event}: ${JSON.stringify(fields)}`),
          },
          controllers.map(({ model }) => model),
          settings.monitor.schedule,
        );

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
  await monitor?.stop();
  close();
  await house.close();
  await engine.close();
  await store.close();
  process.exit(0);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
