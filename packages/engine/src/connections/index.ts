/** Where connections and secrets come from: the environment, a file, or a command. */
export { ConnectionCommandError, ConnectionFileError } from "./errors.ts";
export { type ConnectionOptions, openConnections } from "./open-connections.ts";
