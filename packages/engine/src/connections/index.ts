/** Where connections and secrets come from: the environment, a file, or a command; and what keeps them from being told. */
export { Redactor } from "../execution/redactor.ts";
export { ConnectionCommandError, ConnectionFileError } from "./errors.ts";
export { type ConnectionOptions, openConnections } from "./open-connections.ts";
