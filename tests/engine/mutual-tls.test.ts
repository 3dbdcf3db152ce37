/** A Temporal server that wants to see a client's certificate: the server itself stands behind a gate that asks for it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { createRegistry, defineDag, task } from "@dagwright/engine";
import { connectEngine } from "@dagwright/engine/client";
import { readSettings } from "@dagwright/engine/settings";
import { createDagWorker } from "@dagwright/engine/worker";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { type Embedded, services, startEmbedded } from "./embedded.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-tls-"));
const file = (name: string) => join(folder, name);
let embedded: Embedded;
let gate: Server;
let address: string;

beforeAll(async () => {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority");
  for (const name of ["server", "client"]) {
    const subject = ["-subj", `/CN=${name}.internal`, "-addext", `subjectAltName=DNS:${name}.internal`];
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, ...subject);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
  }
  embedded = await startEmbedded("tls");
  const [host = "", port = ""] = embedded.address.split(":");
  gate = createServer(
    {
      ...{ key: readFileSync(file("server.key")), cert: readFileSync(file("server.pem")) },
      ...{ ca: readFileSync(file("ca.pem")), requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["h2"] },
    },
    (socket) => {
      const inner = connect(Number(port), host);
      socket.pipe(inner).pipe(socket);
      for (const end of [socket, inner]) end.on("error", () => [socket, inner].map((one) => one.destroy()));
    },
  );
  await new Promise<void>((resolve) => gate.listen(0, "127.0.0.1", resolve));
  const bound = gate.address();
  address = `127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;
});
afterAll(async () => {
  gate.close();
  await embedded.close();
  rmSync(folder, { recursive: true, force: true });
});

it("a client and a worker with certificates run a DAG; without one they say that Temporal is not reached", async () => {
  const settings = readSettings(
    {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: file("ca.pem"),
      TEMPORAL_TLS_CLIENT_CERT_PATH: file("client.pem"),
      TEMPORAL_TLS_CLIENT_KEY_PATH: file("client.key"),
      TEMPORAL_TLS_SERVER_NAME: "server.internal",
      DAGWRIGHT_MAX_TASKS: "2",
    },
    folder,
  );
  const { tls } = settings.temporal;
  const one = task("one", { input: z.object({}), output: z.number(), run: () => 1 });
  const dag = defineDag({ id: "guarded" }, () => one({}));
  const engine = await connectEngine({ address, tls, taskQueue: "tls" });
  const { maxTasks } = settings;
  const worker = await createDagWorker({
    ...{ address, tls, maxTasks, taskQueue: "tls", registry: createRegistry([dag]), services },
  });
  const ended = worker.run();
  const { runId } = await engine.startRun({ dagId: "guarded" });
  expect(await engine.waitForRun(runId)).toMatchObject({ state: "success", output: 1 });
  worker.shutdown();
  await ended;
  await engine.close();
  await expect(connectEngine({ address, tls: { ca: file("ca.pem"), serverName: "server.internal" } })).rejects.toThrow(
    expect.objectContaining({ code: "TEMPORAL_UNREACHABLE" }),
  );
  await expect(connectEngine({ address, tls: { ca: file("gone.pem") } })).rejects.toMatchObject({
    ...{ code: "TLS_FILE", file: file("gone.pem"), hint: expect.stringContaining("TEMPORAL_TLS_SERVER_CA_CERT_PATH") },
  });
});
