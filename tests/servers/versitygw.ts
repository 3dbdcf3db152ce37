/** A real S3 server for tests: versitygw, over a folder of its own, on a free port of this machine. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort, PROJECT } from "../product.ts";
import { installing } from "./installing.ts";

const run = promisify(execFile);
const VERSION = "v1.8.0";
const BIN = join(PROJECT, ".dagwright", "bin");
const PROGRAM = join(BIN, "versitygw");
const KEYS = { accessKeyId: "tests", secretAccessKey: "s3cret-of-tests" };

export interface S3Server {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** For `openLake`. */
  readonly s3: { readonly endpoint: string; readonly region: string; readonly credentials: typeof KEYS };
  /** What another program needs in its environment to reach it. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes an empty bucket. */
  bucket(name: string): Promise<string>;
  /** The folder in which a bucket's objects lie as files. */
  folder(bucket: string): string;
  /** SIGKILL to the server; `start` brings it back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Builds versitygw by Go, once. Says why not, and what to do; with `CI=true` it throws instead. */
export async function installVersitygw(): Promise<string | undefined> {
  return await installing(
    "versitygw",
    (why) => `no versitygw here, and it cannot be built (${why}): install Go 1.24 or newer`,
    async () => {
      if (existsSync(PROGRAM)) return;
      await mkdir(BIN, { recursive: true });
      await run("go", ["install", `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
        env: { ...process.env, GOBIN: BIN },
        timeout: 600_000,
      });
    },
  );
}

/** Starts a server that listens on 127.0.0.1 alone. */
export async function startVersitygw(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), "versitygw-"));
  const data = join(folder, "data");
  await mkdir(data);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  let exited = Promise.resolve();
  const start = async () => {
    const started = spawn(PROGRAM, ["--quiet", "--port", `127.0.0.1:${port}`, "posix", data], {
      env: { ...process.env, ROOT_ACCESS_KEY: KEYS.accessKeyId, ROOT_SECRET_KEY: KEYS.secretAccessKey },
      stdio: "ignore",
    });
    server = started;
    exited = new Promise((resolve) => started.once("exit", () => resolve()));
    for (let tries = 0; tries < 300; tries++) {
      const answers = await fetch(endpoint).then(
        () => true,
        () => false,
      );
      if (answers) return;
      if (started.exitCode !== null) throw new Error(`versitygw ended with ${started.exitCode} before it listened`);
      await delay(50);
    }
    throw new Error("versitygw did not listen within 15 s");
  };
  const kill = async () => {
    server?.kill("SIGKILL");
    await exited;
  };
  const lastResort = () => {
    server?.kill("SIGKILL");
  };
  process.once("exit", lastResort);
  await start();
  return {
    endpoint,
    s3: { endpoint, region: "us-east-1", credentials: KEYS },
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    },
    async bucket(name) {
      await mkdir(join(data, name));
      return name;
    },
    folder: (bucket) => join(data, bucket),
    kill,
    start,
    async close() {
      process.off("exit", lastResort);
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
