import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DagRegistry, planRun } from "@dagwright/engine";
import type { EngineClient } from "@dagwright/engine/client";
import type { Settings } from "@dagwright/engine/settings";
import type { FeatureStore } from "@dagwright/feature-store";
import type { Lake, ObjectStore } from "@dagwright/lake";
import { createMcpPool, type McpPool, type ServerImplementation } from "@dagwright/mcp-kit";
import { type Deployments, openDeployments } from "@dagwright/serving";
import type { Tracking } from "@dagwright/tracking";
import { codeVersionOf, withCodeVersion } from "./code-version.ts";

/** Folder of the shipped DAGs. */
export const SHIPPED_DAGS = fileURLToPath(new URL("../workflows", import.meta.url));

/** Everything a worker stands on, opened once per process; servers by the first call to them. */
export interface House {
  readonly servers: Readonly<Record<string, () => Promise<ServerImplementation>>>;
  readonly pool: McpPool;
  readonly deployments: Deployments;
  /** The feature store as it is, whatever of its definitions is applied. */
  features(): Promise<FeatureStore>;
  close(): Promise<void>;
}

/** Something that is opened when it is first asked for, and once. */
interface Opened<T> {
  get(): Promise<T>;
  /** Closes it if it was opened. */
  close(): Promise<void>;
}

function opened<T extends { close(): Promise<void> | void }>(open: () => Promise<T>): Opened<T> {
  let opening: Promise<T> | undefined;
  return {
    get: async () => {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return await opening;
    },
    close: async () => {
      if (opening !== undefined) await (await opening).close();
    },
  };
}

/**
 * Joins each MCP server to the libraries on `settings.home`: the one place where the house is wired. The libraries are
 * loaded by the first call that needs them, so that a worker with nothing to do is small.
 *
 * @param engine The way to start and read runs, for the `workflows` server; null where there is no Temporal.
 */
export async function openHouse(
  settings: Settings,
  registry: DagRegistry,
  engine: EngineClient | null,
): Promise<House> {
  const { home } = settings;
  /** Whether several machines share the tables: then what belongs to them lies beside them, under a name no table has. */
  const isShared = settings.lake.startsWith("s3:");
  const productFolder = fileURLToPath(new URL("..", import.meta.url));
  const lake: Opened<Lake> = opened(async () =>
    (await import("@dagwright/lake")).openLake({
      root: settings.lake,
      s3: settings.s3,
      ...(isShared ? { scratch: join(home, "scratch") } : {}),
      sourceRoots: settings.sourceRoots ?? [process.cwd(), productFolder, tmpdir(), homedir()],
      exportRoot: join(home, "exports"),
      spark: settings.sparkRemote === undefined ? undefined : { remote: settings.sparkRemote },
    }),
  );
  const reports: Opened<ObjectStore> = opened(async () => {
    const { openObjectStore } = await import("@dagwright/lake");
    return await openObjectStore(isShared ? `${settings.lake}/.reports` : join(home, "reports"), settings.s3);
  });
  const tracking: Opened<Tracking> = opened(async () => {
    const { connectTracking, openTracking } = await import("@dagwright/tracking");
    const { server, username, password, token } = settings.tracking;
    const tracking =
      server === undefined
        ? await openTracking(settings.tracking)
        : connectTracking({ url: server, username, password, token });
    return withCodeVersion(tracking, await codeVersionOf(productFolder));
  });
  const features: Opened<FeatureStore> = opened(async () => {
    const { openFeatureStore, openRedisOnlineStore } = await import("@dagwright/feature-store");
    const { openObjectStore } = await import("@dagwright/lake");
    const { entities, views } = await import("../mcp-servers/feature-store/definitions.ts");
    return await openFeatureStore({
      ...{ root: join(home, "features"), lake: await lake.get(), entities, views },
      ...(isShared && { registry: await openObjectStore(`${settings.lake}/.features`, settings.s3) }),
      ...(settings.redisUrl !== undefined && { online: openRedisOnlineStore({ url: settings.redisUrl }) }),
    });
  });
  const deployments = await openDeployments({ root: join(home, "serving") });
  const servers: Record<string, () => Promise<ServerImplementation>> = {
    spark: async () => {
      const { createSparkServer } = await import("../mcp-servers/spark/server.ts");
      return createSparkServer({ lake: await lake.get() });
    },
    "data-quality": async () => {
      const { createDataQualityServer } = await import("../mcp-servers/data-quality/server.ts");
      const { purchasesSuite } = await import("../mcp-servers/data-quality/suites/purchases.ts");
      return createDataQualityServer({
        lake: await lake.get(),
        suites: [purchasesSuite],
        reports: await reports.get(),
      });
    },
    "feature-store": async () => {
      const { createFeatureStoreServer } = await import("../mcp-servers/feature-store/server.ts");
      const store = await features.get();
      const { changes, text } = await store.apply();
      if (changes.length > 0) console.error(`Feature definitions applied:\n${text}`);
      return createFeatureStoreServer({ store });
    },
    training: async () => {
      const { createTrainingServer } = await import("../mcp-servers/training/server.ts");
      return createTrainingServer({ lake: await lake.get(), tracking: await tracking.get() });
    },
    "model-registry": async () => {
      const { createModelRegistryServer } = await import("../mcp-servers/model-registry/server.ts");
      return createModelRegistryServer({ tracking: await tracking.get() });
    },
    "model-serving": async () => {
      const { createModelServingServer } = await import("../mcp-servers/model-serving/server.ts");
      return createModelServingServer({ deployments, tracking: await tracking.get() });
    },
    monitoring: async () => {
      const { createMonitoringServer } = await import("../mcp-servers/monitoring/server.ts");
      return createMonitoringServer({
        lake: await lake.get(),
        reports: await reports.get(),
        answered: (model, window) => deployments.predictions(model, window),
      });
    },
  };
  if (engine !== null) {
    servers["workflows"] = async () => {
      const { createWorkflowsServer } = await import("../mcp-servers/workflows/server.ts");
      return createWorkflowsServer({
        client: engine,
        catalogue: {
          list: () => registry.list().map((dag) => dag.graph),
          validate: (dagId, params, logicalDate) => {
            const request = {
              runId: "check",
              params,
              logicalDate,
              conf: {},
              trigger: "manual",
              now: new Date(),
            } as const;
            planRun(registry.get(dagId), request);
          },
        },
      });
    };
  }
  const pool = createMcpPool({ servers });
  return {
    servers,
    pool,
    deployments,
    features: features.get,
    close: async () => {
      await pool.close();
      for (const one of [features, tracking, reports, lake]) await one.close();
    },
  };
}
