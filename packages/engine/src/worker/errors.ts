/** The namespace lacks search attributes that runs publish; on a server that is not ours `dagwright setup` adds them. */
export class MissingSearchAttributesError extends Error {
  readonly code = "SEARCH_ATTRIBUTES_MISSING";
  readonly retryable = false;
  readonly hint: string;
  constructor(namespace: string, missing: readonly { readonly name: string; readonly type: string }[]) {
    super(`Namespace "${namespace}" lacks the search attributes ${missing.map(({ name }) => name).join(", ")}`);
    this.name = "MissingSearchAttributesError";
    const flags = missing.map(({ name, type }) => `--name ${name} --type ${type}`).join(" ");
    this.hint = `Add them: dagwright setup (or: temporal operator search-attribute create --namespace ${namespace} ${flags})`;
  }
}

/** Metrics cannot be served where they are wanted: most often another worker of this machine is there. */
export class MetricsAddressError extends Error {
  readonly code = "METRICS_ADDRESS_UNUSABLE";
  readonly retryable = true;
  readonly hint = "Give each worker of a machine a DAGWRIGHT_METRICS_PORT of its own.";
  constructor(host: string, port: number, cause: Error) {
    super(`Metrics cannot be served at ${host}:${port}: ${cause.message}`, { cause });
    this.name = "MetricsAddressError";
  }
}
