import { ConnectionNotFoundError } from "../execution/connection-errors.ts";
import type { TaskServices } from "../language/context.ts";

/** What a run in this process is given by name. */
interface Given {
  readonly connections?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The services of a run's tasks: names that are given go before what `services` finds. */
export function givenConnections({ connections = {}, secrets = {} }: Given, services: TaskServices): TaskServices {
  return {
    ...services,
    connection: async (name) => {
      if (Object.hasOwn(connections, name)) return connections[name];
      if (services.connection !== undefined) return await services.connection(name);
      throw new ConnectionNotFoundError("connection", name, "Pass `connections: { … }` to runInProcess.");
    },
    secret: async (name) => {
      const given = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
      if (given !== undefined) return given;
      if (services.secret !== undefined) return await services.secret(name);
      throw new ConnectionNotFoundError("secret", name, "Pass `secrets: { … }` to runInProcess.");
    },
  };
}
