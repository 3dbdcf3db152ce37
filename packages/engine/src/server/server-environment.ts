/** What the server must not see: it would take our telemetry's settings for its own, and has no use for secrets. */
const OURS = /^(OTEL_|DAGWRIGHT_)/;

/** The environment of the embedded server: this process's, without what is meant for workers. */
export function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OURS.test(name)));
}
