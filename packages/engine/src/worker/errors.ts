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
