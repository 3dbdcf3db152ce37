/** An embedded Temporal server: its program, its process, its search attributes. */
export { PortInUseError, TemporalBinaryMissingError, TemporalServerFailedError } from "./errors.ts";
export { type NamespaceSetup, NamespaceSetupError, setUpNamespace } from "./namespace-setup.ts";
export { ensureSearchAttributes, missingSearchAttributes } from "./search-attributes.ts";
export { isAlive } from "./server-record.ts";
export { type BinaryOptions, ensureTemporalBinary, TEMPORAL_CLI_VERSION } from "./temporal-binary.ts";
export {
  isTemporalRunning,
  startTemporalServer,
  type TemporalServer,
  type TemporalServerOptions,
} from "./temporal-server.ts";
