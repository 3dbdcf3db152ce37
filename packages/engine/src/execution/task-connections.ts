import type { z } from "zod";
import type { Json } from "../core/graph.ts";
import type { ConnectionValue, TaskContext, TaskServices } from "../language/context.ts";
import { ConnectionNotFoundError, InvalidConnectionError } from "./connection-errors.ts";
import { connectionOf } from "./connection-value.ts";
import type { Redactor } from "./redactor.ts";

const NOBODY = "Whoever runs the task has none to give: see `connections` of a worker and of runInProcess.";

/** The ways of a task to connections and secrets: what it is given, the redactor knows before the task does. */
export function connectionsOf(services: TaskServices, redactor: Redactor): Pick<TaskContext, "connection" | "secret"> {
  async function connection(name: string): Promise<ConnectionValue>;
  async function connection<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S>>;
  async function connection(name: string, schema?: z.ZodType): Promise<unknown> {
    if (services.connection === undefined) throw new ConnectionNotFoundError("connection", name, NOBODY);
    const { value, secrets } = connectionOf(name, await services.connection(name));
    redactor.learnAll(secrets);
    if (schema === undefined) return value;
    const parsed = await schema.safeParseAsync(value);
    if (!parsed.success) throw new InvalidConnectionError(name, problemsWithoutValues(parsed.error, value));
    return parsed.data;
  }
  return {
    connection,
    secret: async (name) => {
      if (services.secret === undefined) throw new ConnectionNotFoundError("secret", name, NOBODY);
      const secret = await services.secret(name);
      redactor.learn(secret);
      return secret;
    },
  };
}

/** Which fields do not fit, without what stands in them. */
function problemsWithoutValues({ issues }: z.ZodError, value: Json): string {
  const problems = issues.map(({ path, message }) => `${path.length === 0 ? "it" : `"${path.join(".")}"`}: ${message}`);
  const fields = typeof value === "object" && value !== null ? Object.keys(value) : [];
  return `${problems.join("; ")} (it has the fields ${fields.join(", ") || "– none"})`;
}
