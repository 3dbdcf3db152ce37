import type { AddressInfo } from "node:net";
import Fastify, { type FastifyReply } from "fastify";
import { MLFLOW_CODES, TrackingError } from "../errors.ts";
import { openStore, type TrackingPlace } from "../open-tracking.ts";
import { addArtifactRoutes } from "./artifact-routes.ts";
import { addExperimentRoutes } from "./experiment-routes.ts";
import { addLoggedModelRoutes } from "./logged-model-routes.ts";
import { readableUrl } from "./readable-url.ts";
import { addRegistryRoutes } from "./registry-routes.ts";
import { addRunRoutes } from "./run-routes.ts";
import { noEndpoint } from "./unserved.ts";

/** The MLflow whose REST API is spoken. */
export const MLFLOW_VERSION = "3.17.2";

/** The largest body of a request, in bytes; artifacts have no limit. */
const MOST_BODY = 64 * 1024 * 1024;

export interface ServeTracking extends TrackingPlace {
  /** 0 for any that is free. */
  readonly port: number;
  /** Address to listen on. @default "127.0.0.1" */
  readonly host?: string | undefined;
}

export interface TrackingServer {
  /** `http://127.0.0.1:5000`: what MLFLOW_TRACKING_URI is to be. */
  readonly url: string;
  readonly port: number;
  /** Answers what was asked, then closes the store. */
  close(): Promise<void>;
}

/** MLflow's codes and the HTTP statuses they go with. */
const STATUSES: Readonly<Record<string, number>> = {
  INVALID_PARAMETER_VALUE: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  RESOURCE_DOES_NOT_EXIST: 404,
  ENDPOINT_NOT_FOUND: 404,
  PERMISSION_DENIED: 403,
  TEMPORARILY_UNAVAILABLE: 503,
  INTERNAL_ERROR: 500,
};
/** MLflow's finer names of the same, by code. */
const CLASSES: Readonly<Record<string, { readonly sqlstate: string; readonly error_class: string }>> = {
  INVALID_PARAMETER_VALUE: { sqlstate: "KAM00", error_class: "INVALID_PARAMETER_VALUE" },
  RESOURCE_ALREADY_EXISTS: { sqlstate: "KAM00", error_class: "RESOURCE_ALREADY_EXISTS" },
  RESOURCE_DOES_NOT_EXIST: { sqlstate: "KAM00", error_class: "RESOURCE_NOT_FOUND" },
  ENDPOINT_NOT_FOUND: { sqlstate: "KAM00", error_class: "RESOURCE_NOT_FOUND" },
  PERMISSION_DENIED: { sqlstate: "KAM00", error_class: "PERMISSION_DENIED" },
};

/**
 * Serves a tracking store as an MLflow server: its REST API for MLflow's clients of any language, artifacts included.
 * @throws TrackingError as `openTracking`; the system's error when the port is taken
 */
export async function serveTracking({ port, host = "127.0.0.1", ...place }: ServeTracking): Promise<TrackingServer> {
  const store = await openStore(place);
  const app = Fastify({
    bodyLimit: MOST_BODY,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 2_000 },
    rewriteUrl: ({ url }) => readableUrl(url ?? "/"),
  });
  // JSON, whatever a client says: some say it with a charset, some of an empty body.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? {} : JSON.parse(String(body)));
    } catch {
      done(new TrackingError("INVALID_ARGUMENT", "The body is no JSON.", { field: "body" }));
    }
  });
  // What a page of another site sends by way of this machine's name server is not meant for us.
  if (isLoopback(host))
    app.addHook("onRequest", async (request, reply) => {
      if (isLoopback(request.hostname)) return undefined;
      return await answer(reply, "PERMISSION_DENIED", `Host ${request.hostname} is not served here.`);
    });
  app.setErrorHandler(async (error, _request, reply) => {
    if (error instanceof TrackingError) return await answer(reply, MLFLOW_CODES[error.code], error.mlflow);
    const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
    const message = error instanceof Error ? error.message : String(error);
    return await answer(reply, status < 500 ? "INVALID_PARAMETER_VALUE" : "INTERNAL_ERROR", message);
  });
  app.setNotFoundHandler(async (request, reply) =>
    answer(reply, "ENDPOINT_NOT_FOUND", noEndpoint(request.method, request.url)),
  );
  app.get("/health", async (_request, reply) => reply.type("text/plain").send("OK"));
  app.get("/version", async (_request, reply) => reply.type("text/plain").send(MLFLOW_VERSION));
  for (const prefix of ["/api", "/ajax-api"]) app.get(`${prefix}/3.0/mlflow/server-info`, async () => SERVER_INFO);
  const served = { app, ...store };
  addExperimentRoutes(served);
  addRunRoutes(served);
  addLoggedModelRoutes(served);
  addRegistryRoutes(served);
  addArtifactRoutes(served);
  try {
    await app.listen({ port, host });
  } catch (error) {
    await store.database.close();
    throw error;
  }
  const { port: bound } = addressOf(app.server.address());
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: async () => {
      await app.close();
      await store.database.close();
    },
  };
}

/** What MLflow's clients ask first: what this server does beyond the least. */
const SERVER_INFO = {
  store_type: "SqlStore",
  workspaces_enabled: false,
  trace_archival_enabled: false,
  multipart_uploads_enabled: false,
  multipart_downloads_enabled: false,
  presigned_upload_run_id_supported: false,
  presigned_upload_model_id_supported: false,
  features_enabled: { gateway: false },
};

async function answer(reply: FastifyReply, code: string, message: string): Promise<unknown> {
  return await reply
    .code(STATUSES[code] ?? 500)
    .type("application/json")
    .send({ error_code: code, message, ...CLASSES[code] });
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i.test(host);
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("A TCP server without a port.");
  return address;
}
