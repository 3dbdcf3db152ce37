import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DagRegistry, planRun } from "@dagwright/engine";
import type { EngineClient } from "@dagwright/engine/client";
import type { Settings } from "@dagwright/engine/settings";
import { openFeatureStore } from "@dagwright/feature-store";
import { openLake } from "@dagwright/lake";
import { createMcpPool, type McpPool, type ServerImplementation } from "@dagwright/mcp-kit";
import { type Deployments, openDeployments } from "@dagwright/serving";
import { openTracking } from "@dagwright/tracking";
import { createDataQualityServer } from "../mcp-servers/data-quality/server.ts";
import { purchasesSuite } from "../mcp-servers/data-quality/suites/purchases.ts";
import { entities, views } from "../mcp-servers/feature-store/definitions.ts";
import { createFeatureStoreServer } from "../mcp-servers/feature-store/server.ts";
import { createModelRegistryServer } from "../mcp-servers/model-registry/server.ts";
import { createModelServingServer } from "../mcp-servers/model-serving/server.ts";
import { createMonitoringServer } from "../mcp-servers/monitoring/server.ts";
import { createSparkServer } from "../mcp-servers/spark/server.ts";
import { createTrainingServer } from "../mcp-servers/training/server.ts";
import { createWorkflowsServer } from "../mcp-servers/workflows/server.ts";

/** Folder of the shipped DAGs. */
export const SHIPPED_DAGS = fileURLToPath(new URL("../workflows", import.meta.url));

/** Everything a worker stands on, opened once per process. */
export interface House {
  readonly servers: Readonly<Record<string, ServerImplementation>>;
  readonly pool: McpPool;
  readonly deployments: Deployments;
  close(): Promise<void>;
}

/**
 * Opens the libraries on `settings.home` and joins each MCP server to them: the one place where the house is wired.
 *
 * @param engine The way to start and read runs, for the `workflows` server; null where there is no Temporal.
 */
export async function openHouse(
  settings: Settings,
  registry: DagRegistry,
  engine: EngineClient | null,
): Promise<House> {
  const { home } = settings;
  const productFolder = fileURLToPath(new URL("..", import.meta.url));
  const lake = await openLake({
    root: join(home, "lake"),
    sourceRoots: settings.sourceRoots ?? [process.cwd(), productFolder, tmpdir(), homedir()],
  });
  const tracking = await openTracking({ root: join(home, "tracking") });
  const deployments = await openDeployments({ root: join(home, "serving") });
  const store = await openFeatureStore({ root: join(home, "features"), lake, entities, views });
  const servers: Record<string, ServerImplementation> = {
    spark: createSparkServer({ lake }),
    "data-quality": createDataQualityServer({ lake, suites: [purchasesSuite] }),
    "feature-store": createFeatureStoreServer({ store }),
    training: createTrainingServer({ lake, tracking }),
    "model-registry": createModelRegistryServer({ tracking }),
    "model-serving": createModelServingServer({ deployments, tracking }),
    monitoring: createMonitoringServer({ lake, reportsRoot: join(home, "reports") }),
  };
  if (engine !== null) {
    servers["workflows"] = createWorkflowsServer({
      client: engine,
      catalogue: {
        list: () => registry.list().map((dag) => dag.graph),
        validate: (dagId, params) => {
          planRun(registry.get(dagId), { runId: "check", params, conf: {}, trigger: "manual", now: new Date() });
        },
      },
    });
  }
  const pool = createMcpPool({ servers });
  return {
    servers,
    pool,
    deployments,
    close: async () => {
      await pool.close();
      await store.close();
      await tracking.close();
      await lake.close();
    },
  };
}
