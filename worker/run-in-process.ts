/** One run of a DAG in this process, without a server, as `dagwright test` starts it. Prints the run's JSON. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRegistry } from "@dagwright/engine";
import { openConnections, Redactor } from "@dagwright/engine/connections";
import { loadDagFiles } from "@dagwright/engine/loader";
import { guardOutput, logProcessAsText } from "@dagwright/engine/logs";
import { readSettings } from "@dagwright/engine/settings";
import { runInProcess } from "@dagwright/engine/testing";
import { z } from "zod";
import { failureOf, reportFailure } from "./readiness.ts";
import { stageServices } from "./stage-services.ts";
import { openHouse } from "./wiring.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dag: { type: "string" },
    params: { type: "string", default: "{}" },
    conf: { type: "string", default: "{}" },
    "logical-date": { type: "string" },
    answers: { type: "string", default: "{}" },
    mocks: { type: "string", default: "{}" },
    "no-cache": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const JsonObject = z.record(z.string(), z.json());
const Answers = z.record(
  z.string(),
  z.object({ approved: z.boolean(), by: z.string().min(1), comment: z.string().optional() }),
);

/** An option holds no JSON, or other JSON than it takes. */
class InvalidOptionError extends Error {
  readonly code = "USAGE";
  readonly retryable = false;
  constructor(
    readonly field: string,
    value: string,
    expected: string,
    readonly hint?: string,
  ) {
    super(`${field} is ${value}: expected ${expected}`);
    this.name = "InvalidOptionError";
  }
}

function option<T>(name: "params" | "conf" | "answers" | "mocks", schema: z.ZodType<T>, expected: string): T {
  const text = values[name];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidOptionError(`--${name}`, text, expected);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidOptionError(`--${name}`, text, expected);
}

try {
  const redactor = new Redactor();
  guardOutput(redactor.text);
  logProcessAsText();
  const settings = readSettings(process.env, process.cwd());
  const { dags } = await loadDagFiles(positionals, join(settings.home, "cache", "dags"));
  const registry = createRegistry(dags);
  // DAGs that others start runs of stand in the registry, too.
  const [first, second] = dags;
  if (values.dag === undefined && second !== undefined) {
    const ids = dags.map(({ id }) => id).join(", ");
    throw new InvalidOptionError(
      "--dag",
      "missing",
      "the DAG that is meant: the file holds several",
      `It holds: ${ids}`,
    );
  }
  const dag = registry.get(values.dag ?? first?.id ?? "");
  const house = await openHouse(settings, registry, null);
  const logicalDate = values["logical-date"];
  const object = "a JSON object";
  const view = await runInProcess(dag, {
    params: option("params", JsonObject, object),
    conf: option("conf", JsonObject, object),
    answers: option("answers", Answers, 'such as {"go":{"approved":true,"by":"ada"}}'),
    mocks: option("mocks", JsonObject, "a JSON object of outputs by task or node"),
    ...(logicalDate === undefined ? {} : { logicalDate }),
    ...(values["no-cache"] ? { noCache: true } : {}),
    redactor,
    services: {
      ...stageServices(house.pool),
      ...openConnections({ ...settings.connections, env: process.env, warn: console.warn }),
    },
  });
  await house.close();
  process.stdout.write(`${JSON.stringify(view)}\n`, () => process.exit(view.state === "success" ? 0 : 1));
} catch (error) {
  reportFailure(error);
  if (!values.json) process.exit(2);
  process.stdout.write(`${JSON.stringify({ error: failureOf(error) })}\n`, () => process.exit(2));
}
