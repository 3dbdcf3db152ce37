/** An agent's way in: the `workflows` server over stdio, called by a client of the SDK's other generation (v1). */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { PROJECT, Product } from "./product.ts";

const ASKS = `
import { approval, defineDag } from "@dagwright/engine";
export const asks = defineDag({ id: "asks" }, () => approval("go", {}));
`;

describe("the workflows server over stdio", () => {
  let product: Product;
  let client: Client;
  let file: string;

  beforeAll(async () => {
    product = await Product.create();
    await product.up();
    file = join(product.home, "asks.ts");
    await writeFile(file, ASKS);
    client = new Client({ name: "agent", version: "1" });
    const env = Object.fromEntries(
      Object.entries(product.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: ["bin/dagwright.mjs", "mcp", "serve", "workflows", "--dags", file],
        cwd: PROJECT,
        env,
        stderr: "inherit",
      }),
    );
  }, 120_000);
  afterAll(async () => {
    await client.close();
    await product.destroy();
  }, 60_000);

  const call = async (name: string, args: Record<string, unknown>) => await client.callTool({ name, arguments: args });

  it("lists its tools with schemas and annotations", async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["list_dags", "start_workflow", "get_run", "list_runs", "backfill", "signal_drift"]),
    );
    const list = tools.find(({ name }) => name === "list_dags");
    expect(list?.annotations?.readOnlyHint).toBe(true);
    expect(list?.outputSchema).toBeDefined();
  });

  it("lists the DAGs, starts a run and follows it to its end", async () => {
    const dags = z
      .object({ dags: z.array(z.object({ id: z.string() })) })
      .parse((await call("list_dags", {})).structuredContent);
    expect(dags.dags.map(({ id }) => id).sort()).toEqual([
      "asks",
      "daily_ml_pipeline",
      "hyperparameter_search",
      "weekly_model_retraining",
    ]);
    const started = z
      .object({ runId: z.string(), state: z.string() })
      .parse((await call("start_workflow", { dag: "daily_ml_pipeline", logicalDate: "1997-02-01" })).structuredContent);
    expect(started).toMatchObject({ runId: "daily_ml_pipeline/1997-02-01T00:00:00Z", state: "started" });
    const Run = z.object({ state: z.string(), tasks: z.record(z.string(), z.object({ state: z.string() }).loose()) });
    await expect
      .poll(async () => Run.parse((await call("get_run", { runId: started.runId })).structuredContent).state, {
        timeout: 60_000,
        interval: 500,
      })
      .toBe("success");
  }, 90_000);

  it("follows its DAG files, and hands on what is too large for Temporal", async () => {
    await writeFile(file, ASKS.replace('"asks"', '"asks_more"'));
    await expect
      .poll(async () => JSON.stringify((await call("list_dags", {})).structuredContent), { timeout: 20_000 })
      .toContain('"asks_more"');
    const started = await call("start_workflow", { dag: "asks_more", conf: { text: "x".repeat(3_000_000) } });
    expect(started.structuredContent).toMatchObject({ state: "started" });
  }, 40_000);

  it("answers a wrong DAG and a wrong param with an error that says what is meant", async () => {
    const unknown = await call("start_workflow", { dag: "daily_ml" });
    expect(unknown.isError).toBe(true);
    expect(JSON.stringify(unknown.content)).toMatch(/DAG_NOT_FOUND.*daily_ml_pipeline/);
    const wrong = await call("start_workflow", { dag: "daily_ml_pipeline", params: { minF1: "high" } });
    expect(wrong.isError).toBe(true);
    expect(JSON.stringify(wrong.content)).toMatch(/INVALID_PARAMS.*minF1/);
  });
});
