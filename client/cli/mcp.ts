import { join } from "node:path";
import type { Command } from "commander";
import { dataQuality } from "../../mcp-servers/data-quality/contract.ts";
import { featureStore } from "../../mcp-servers/feature-store/contract.ts";
import { modelRegistry } from "../../mcp-servers/model-registry/contract.ts";
import { modelServing } from "../../mcp-servers/model-serving/contract.ts";
import { monitoring } from "../../mcp-servers/monitoring/contract.ts";
import { spark } from "../../mcp-servers/spark/contract.ts";
import { training } from "../../mcp-servers/training/contract.ts";
import { workflows } from "../../mcp-servers/workflows/contract.ts";
import { show, table, UsageError } from "./output.ts";
import { PROJECT, settingsOf } from "./session.ts";
import { handOver } from "./worker.ts";

const CONTRACTS = [spark, dataQuality, featureStore, training, modelRegistry, modelServing, monitoring, workflows];

export function addMcp(program: Command): void {
  const mcp = program.command("mcp").description("the MCP servers: every stage's capability, for agents and programs");
  mcp
    .command("list")
    .description("the servers and their tools")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright mcp list\n")
    .action((options: { json: boolean }) => {
      const servers = CONTRACTS.map(({ name, instructions, tools }) => ({
        name,
        instructions,
        tools: Object.keys(tools),
      }));
      show(servers, options.json, (all) =>
        table(
          ["SERVER", "TOOLS"],
          all.map((one) => [one.name, one.tools.join(", ")]),
        ),
      );
    });
  mcp
    .command("config [names...]")
    .description("the servers in the form that agents read (`mcpServers`); all of them unless some are named")
    .option("--json", "(it is JSON in any case)", false)
    .addHelpText("after", "\nExample:\n  $ dagwright mcp config workflows > .mcp.json\n")
    .action((names: string[]) => {
      for (const name of names) mustKnow(name);
      const meant = CONTRACTS.filter(({ name }) => names.length === 0 || names.includes(name));
      const servers = meant.map(({ name }) => [
        `dagwright-${name}`,
        {
          command: process.execPath,
          args: [join(PROJECT, "bin", "dagwright.mjs"), "mcp", "serve", name],
          env: ownEnv(),
        },
      ]);
      process.stdout.write(`${JSON.stringify({ mcpServers: Object.fromEntries(servers) }, null, 2)}\n`);
    });
  mcp
    .command("serve <name>")
    .description("serve one over stdio, or over HTTP with --http (bearer token from DAGWRIGHT_MCP_TOKEN)")
    .option("--http <port>", "serve Streamable HTTP on this port instead of stdio")
    .option("--host <address>", "address to listen on with --http", "127.0.0.1")
    .option("--dags <path...>", "further DAG files or folders", [])
    .option("--json", "(stdout carries MCP messages only)", false)
    .addHelpText(
      "after",
      "\nExample:\n  $ npx @modelcontextprotocol/inspector --cli npx dagwright mcp serve workflows --method tools/list\n",
    )
    .action(async (name: string, options: { http?: string; host: string; dags: string[] }) => {
      mustKnow(name);
      process.exitCode = await handOver("serve-mcp.ts", [
        name,
        ...(options.http === undefined ? [] : ["--http", options.http, "--host", options.host]),
        ...options.dags.flatMap((path) => ["--dags", path]),
      ]);
    });
}

function mustKnow(name: string): void {
  const known = CONTRACTS.map((contract) => contract.name);
  if (!known.some((one) => one === name))
    throw new UsageError(`There is no MCP server "${name}"`, `There are: ${known.join(", ")}`);
}

/** What a server needs of this process's environment: an agent hands on no variables of its own. No secrets. */
function ownEnv(): Record<string, string> {
  const { home, temporal, taskQueue } = settingsOf();
  return {
    DAGWRIGHT_HOME: home,
    DAGWRIGHT_TASK_QUEUE: taskQueue,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
  };
}
