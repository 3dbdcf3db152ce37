import { basename } from "node:path";
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { checkArtifactPath } from "../artifact-folder.ts";
import { versionNumber } from "../store/checks.ts";
import { loggedModelRow } from "../store/logged-models.ts";
import { runRow } from "../store/runs.ts";
import { requireVersion } from "../store/version-changes.ts";
import { mediaTypeOf } from "./media-types.ts";
import { parsed, Required, Text, withRunId } from "./request.ts";
import { endpoint, type Served } from "./routes.ts";

const FilePath = z.object({ "*": Text });

/** Files of runs and models: as MLflow's artifact proxy, as a run's listing, and as downloads of its UI. */
export function addArtifactRoutes(served: Served): void {
  for (const prefix of ["/api/2.0", "/ajax-api/2.0"]) {
    // A scope of its own: here a body is bytes, whatever it says it is.
    served.app.register((app, _options, done) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser("*", { bodyLimit: Number.MAX_SAFE_INTEGER }, (_request, payload, done) => {
        done(null, payload);
      });
      addProxy(app, served, `${prefix}/mlflow-artifacts`);
      done();
    });
  }
  addListings(served);
  addDownloads(served);
}

function addProxy(app: FastifyInstance, { artifacts }: Served, at: string): void {
  app.put(`${at}/artifacts/*`, async (request, reply) => {
    const { body } = request;
    const bytes = body instanceof Readable ? body : Readable.from([]);
    await artifacts.write(safePath(parsed(FilePath, request.params)["*"]), bytes);
    return await reply.type("application/json").send("{}");
  });
  app.get(`${at}/artifacts/*`, async (request, reply) => {
    const path = parsed(FilePath, request.params)["*"];
    // The listing of the whole, with a slash at its end.
    if (path === "") return await listing(artifacts, parsed(z.object({ path: Text }), request.query).path);
    return await send(artifacts, path, reply);
  });
  app.get(`${at}/artifacts`, async (request) =>
    listing(artifacts, parsed(z.object({ path: Text }), request.query).path),
  );
  app.delete(`${at}/artifacts/*`, async (request) => {
    await artifacts.remove(safePath(parsed(FilePath, request.params)["*"]));
    return {};
  });
  for (const step of ["create", "complete", "abort"])
    app.post(`${at}/mpu/${step}/*`, async (_request, reply) => refuseParts(reply, "upload"));
  app.get(`${at}/presigned/*`, async (_request, reply) => refuseParts(reply, "download"));
}

/** What MLflow's server answers over a folder of files too; its clients then send a file in one piece. */
async function refuseParts(reply: FastifyReply, what: "upload" | "download"): Promise<unknown> {
  return await reply.code(501).send({
    error_code: "NOT_IMPLEMENTED",
    message: `Multipart ${what} is not supported for the current artifact repository`,
  });
}

async function listing(artifacts: Served["artifacts"], path: string) {
  return wireEntries(await artifacts.list(path === "" ? "" : safePath(path)), "");
}

function wireEntries(entries: Awaited<ReturnType<Served["artifacts"]["list"]>>, under: string) {
  const files = entries.map(({ name, folder, size }) => ({
    path: under === "" ? name : `${under}/${name}`,
    is_dir: folder,
    ...(folder ? {} : { file_size: size }),
  }));
  return files.length === 0 ? {} : { files };
}

/** A path without slashes at its ends. @throws ARTIFACT_PATH */
function safePath(path: string): string {
  const plain = path.replace(/\/+$/, "");
  checkArtifactPath(plain);
  return plain;
}

async function send(artifacts: Served["artifacts"], path: string, reply: FastifyReply): Promise<unknown> {
  const plain = safePath(path);
  const { stream, size } = await artifacts.stream(plain);
  const name = basename(plain);
  return await reply
    .type(mediaTypeOf(name))
    .header("Content-Length", size)
    .header("X-Content-Type-Options", "nosniff")
    .header("Content-Disposition", `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
    .send(stream);
}

function addListings(served: Served): void {
  const { database, artifacts } = served;
  const inFolder = async (uri: string, path: string) => {
    const root = artifacts.pathOf(uri);
    const under = path === "" ? "" : safePath(path);
    const entries = await artifacts.list(under === "" ? root : `${root}/${under}`);
    return { root_uri: uri, ...wireEntries(entries, under) };
  };
  endpoint(
    served,
    "GET",
    "/artifacts/list",
    z.preprocess(withRunId, z.object({ run_id: Required, path: Text })),
    async ({ run_id: runId, path }) => inFolder((await database.read(() => runRow(runId))).artifact_uri, path),
  );
  endpoint(
    served,
    "GET",
    "/logged-models/:model_id/artifacts/directories",
    z.object({ model_id: Required, artifact_directory_path: Text }),
    async ({ model_id: id, artifact_directory_path: path }) =>
      inFolder((await database.read(() => loggedModelRow(id))).artifact_uri, path),
  );
}

/** Downloads by links of a browser. */
function addDownloads({ app, database, artifacts }: Served): void {
  const OfRun = z.preprocess(withRunId, z.object({ run_id: Required, path: Required }));
  for (const at of ["/get-artifact", "/ajax-api/2.0/mlflow/get-artifact"])
    app.get(at, async (request, reply) => {
      const { run_id: runId, path } = parsed(OfRun, request.query);
      const { artifact_uri: uri } = await database.read(() => runRow(runId));
      return await send(artifacts, `${artifacts.pathOf(uri)}/${safePath(path)}`, reply);
    });
  const OfVersion = z.object({ name: Required, version: Required, path: Required });
  for (const at of ["/model-versions/get-artifact", "/ajax-api/2.0/mlflow/model-versions/get-artifact"])
    app.get(at, async (request, reply) => {
      const { name, version, path } = parsed(OfVersion, request.query);
      const row = await database.read(() => requireVersion(name, versionNumber(version)));
      return await send(artifacts, `${artifacts.pathOf(row.storage_location)}/${safePath(path)}`, reply);
    });
  const OfModel = z.object({ artifact_file_path: Required });
  app.get("/ajax-api/2.0/mlflow/logged-models/:model_id/artifacts/files", async (request, reply) => {
    const { model_id: id } = parsed(z.object({ model_id: Required }), request.params);
    const { artifact_file_path: path } = parsed(OfModel, request.query);
    const { artifact_uri: uri } = await database.read(() => loggedModelRow(id));
    return await send(artifacts, `${artifacts.pathOf(uri)}/${safePath(path)}`, reply);
  });
}
