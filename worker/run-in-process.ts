/** One run of a DAG in this process, without a server, as `dagwright test` starts it. Prints the run's JSON. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRegistry } from "@dagwright/engine";
import { loadDagFiles } from "@dagwright/engine/loader";
import { readSettings } from "@dagwright/engine/settings";
import { runInProcess } from "@dagwright/engine/testing";
import { z } from "zod";
import { reportFailure } from "./readiness.ts";
import { stageServices } from "./stage-services.ts";
import { openHouse } from "./wiring.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dag: { type: "string" },
    params: { type: "string", default: "{}" },
    conf: { type: "string", default: "{}" },
    "logical-date": { type: "string" },
  },
});
const JsonObject = z.record(z.string(), z.json());

try {
  const settings = readSettings(process.env, process.cwd());
  const { dags } = await loadDagFiles(positionals, join(settings.home, "cache", "dags"));
  const registry = createRegistry(dags);
  const [first] = registry.list();
  if (values.dag === undefined && registry.list().length > 1) {
    throw new Error(
      `The file holds several DAGs: name one with --dag (${registry
        .list()
        .map((dag) => dag.id)
        .join(", ")})`,
    );
  }
  const dag = registry.get(values.dag ?? first?.id ?? "");
  const house = await openHouse(settings, registry, null);
  const logicalDate = values["logical-date"];
  const view = await runInProcess(dag, {
    params: JsonObject.parse(JSON.parse(values.params)),
    conf: JsonObject.parse(JSON.parse(values.conf)),
    ...(logicalDate === undefined ? {} : { logicalDate }),
    services: stageServices(house.pool),
  });
  await house.close();
  process.stdout.write(`${JSON.stringify(view)}\n`, () => process.exit(view.state === "success" ? 0 : 1));
} catch (error) {
  reportFailure(error);
  process.exit(2);
}
