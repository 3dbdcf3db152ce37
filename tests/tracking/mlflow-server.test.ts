/** Our tools on MLflow's own server: `npm run test:mlflow`, which installs it: minutes and 0.9 GB, too much for every run of all tests. */
import { connectTracking } from "@dagwright/tracking";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MlflowServerProcess, startMlflow } from "../servers/mlflow.ts";
import { kind, missingMlflow, mlflowSession, PARTS, SESSION_TIMEOUT_MS } from "./mlflow-session.ts";
import { trackingSuite } from "./suite.ts";

const missing = kind === "whole" ? await missingMlflow() : "npm run test:mlflow installs MLflow and runs it";

describe.skipIf(missing !== undefined)(`MLflow's own server${missing === undefined ? "" : ` (${missing})`}`, () => {
  let server: MlflowServerProcess;
  beforeAll(async () => {
    server = await startMlflow();
  });
  afterAll(async () => {
    await server.stop();
  });
  trackingSuite("tracking on it", async () => connectTracking({ url: server.url }));
  it("what the session expects of ours is what it does", { timeout: SESSION_TIMEOUT_MS }, async () => {
    expect(await mlflowSession(server.url)).toEqual(PARTS);
  });
});
