import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const VERSION = "0.7.2";
const FOLDER = fileURLToPath(new URL(`../../../.dagwright/sail-${VERSION}`, import.meta.url));
const SAIL = join(FOLDER, "bin", "sail");
const run = promisify(execFile);

/** Installs Sail from PyPI, once. Says why not where that fails; with `CI=true` it throws instead. */
export async function installSail(): Promise<string | undefined> {
  if (existsSync(SAIL)) return undefined;
  try {
    await run("python3", ["-m", "venv", FOLDER]);
    await run(join(FOLDER, "bin", "pip"), ["install", "--quiet", `pysail==${VERSION}`], { timeout: 110_000 });
    return undefined;
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    return `pysail ${VERSION} cannot be installed: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  }
}

const SPARK = "4.1.1";
const DELTA = "delta-spark_4.1_2.13";
const APACHE = fileURLToPath(new URL(`../../../.dagwright/spark-${SPARK}`, import.meta.url));

/** Whether tests run on Apache Spark instead of Sail: `SPARK_SERVER=apache`, which `npm run test:spark` sets. */
export const onApacheSpark = process.env["SPARK_SERVER"] === "apache";

/** What the tests run on, for their names. */
export const sparkServerName = onApacheSpark ? `Apache Spark ${SPARK}` : `Sail ${VERSION}`;

/** Of the Hadoop that Spark 4.1.1 brings. */
const HADOOP = "3.4.2";

/** A bucket's service, as the server reaches it. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/**
 * Installs the server that the tests run on, once. Says why not where that fails; with `CI=true` it throws instead.
 * @param o.s3 whether it is to read buckets: Apache Spark needs the AWS SDK for that, 640 MB
 */
export function installSparkServer(o: { readonly s3?: boolean } = {}): Promise<string | undefined> {
  return onApacheSpark ? installApacheSpark(o.s3 === true) : installSail();
}

/** Starts the server that the tests run on, on a free port of this machine, with `cwd` for its tables. */
export function startSparkServer(cwd: string, o: { readonly s3?: S3Access } = {}): ReturnType<typeof startSail> {
  return onApacheSpark ? startApacheSpark(cwd, o.s3) : startSail(cwd, o.s3);
}

/** Apache Spark from PyPI, Delta Lake and what reads buckets from Maven. */
async function installApacheSpark(s3: boolean): Promise<string | undefined> {
  try {
    if (!existsSync(join(APACHE, "bin", "spark-submit"))) {
      await run("java", ["-version"]);
      await run("python3", ["-m", "venv", APACHE]);
      await run(join(APACHE, "bin", "pip"), ["install", "--quiet", `pyspark[connect]==${SPARK}`], { timeout: 900_000 });
    }
    // Spark brings everything else that Delta and Hadoop's part for buckets need.
    await copyJars("delta", "io.delta", DELTA, "4.3.1", "io.delta,io.unitycatalog");
    if (s3) await copyJars("s3", "org.apache.hadoop", "hadoop-aws", HADOOP, "org.apache.hadoop,software.amazon");
    return undefined;
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const why = error instanceof Error ? error.message.split("\n")[0] : error;
    return `Apache Spark ${SPARK} cannot be installed (it needs a JDK 17, python3 and Maven): ${why}`;
  }
}

/** A library of Maven's and its dependencies of the groups named, as jars in a folder beside Spark. */
async function copyJars(folder: string, group: string, artifact: string, version: string, groups: string) {
  const jars = join(APACHE, folder);
  if (existsSync(jars)) return;
  const draft = join(APACHE, `${folder}.${process.pid}`);
  await mkdir(draft, { recursive: true });
  await writeFile(
    join(draft, "pom.xml"),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
      <groupId>dagwright</groupId><artifactId>tests</artifactId><version>1</version><dependencies><dependency>
      <groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency></dependencies></project>`,
  );
  const copy = ["-q", "-B", "dependency:copy-dependencies", `-DincludeGroupIds=${groups}`, "-DoutputDirectory=lib"];
  await run("mvn", copy, { cwd: draft, timeout: 900_000 });
  await rename(join(draft, "lib"), jars);
  await rm(draft, { recursive: true, force: true });
}

/** What a user of Apache Spark sets for tables in a bucket: the lake's addresses begin with s3:, not with s3a:. */
function bucketSettings({ endpoint, region, credentials }: S3Access): Readonly<Record<string, string>> {
  return {
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "spark.hadoop.fs.s3a.endpoint": endpoint,
    "spark.hadoop.fs.s3a.endpoint.region": region,
    "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.fs.s3a.access.key": credentials.accessKeyId,
    "spark.hadoop.fs.s3a.secret.key": credentials.secretAccessKey,
  };
}

async function startApacheSpark(cwd: string, s3?: S3Access): ReturnType<typeof startSail> {
  const port = await freePort();
  const [python = ""] = await readdir(join(APACHE, "lib"));
  const home = join(APACHE, "lib", python, "site-packages", "pyspark");
  const folders = s3 === undefined ? ["delta"] : ["delta", "s3"];
  const jars = await Promise.all(
    folders.map(async (folder) => (await readdir(join(APACHE, folder))).map((jar) => join(APACHE, folder, jar))),
  );
  const conf = {
    ...(s3 === undefined ? {} : bucketSettings(s3)),
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": String(port),
    "spark.ui.enabled": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    // Small data: what costs here is compiling and planning.
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.databricks.delta.snapshotPartitions": "1",
  };
  const server = spawn(
    join(home, "bin", "spark-submit"),
    [
      ...["--master", "local[2]", "--driver-memory", "2g", "--driver-java-options", "-XX:TieredStopAtLevel=1"],
      ...["--jars", jars.flat().join(","), "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"],
      ...Object.entries(conf).flatMap(([name, value]) => ["--conf", `${name}=${value}`]),
      "spark-internal",
    ],
    { cwd, stdio: "ignore", env: { ...process.env, SPARK_HOME: home, SPARK_LOCAL_IP: "127.0.0.1" } },
  );
  return listening(server, port, 1800);
}

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("A TCP server without a port.");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.end());
  });
}

/** Starts Sail on a free port of this machine, with `cwd` for its tables. */
export async function startSail(cwd: string, s3?: S3Access): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const bucket = s3 && {
    AWS_ENDPOINT: s3.endpoint,
    AWS_ALLOW_HTTP: "true",
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  };
  const server = spawn(SAIL, ["spark", "server", "--ip", "127.0.0.1", "--port", String(port)], {
    cwd,
    stdio: "ignore",
    env: { ...process.env, ...bucket },
  });
  return listening(server, port, 300);
}

/** Waits until a server accepts connections, at most `tries` tenths of a second. */
async function listening(server: ChildProcess, port: number, tries: number): ReturnType<typeof startSail> {
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const kill = () => server.kill("SIGKILL");
  // A test that ran out of time never comes to stop it.
  process.once("exit", kill);
  const stop = async () => {
    kill();
    await exited;
    process.off("exit", kill);
  };
  for (let tried = 0; tried < tries; tried++) {
    if (await accepts(port)) return { port, stop };
    if (server.exitCode !== null) throw new Error(`The server ended with ${server.exitCode} before it listened.`);
    await delay(100);
  }
  await stop();
  throw new Error(`The server did not listen within ${tries / 10} s.`);
}

/** A way to a server that can cut every connection it carries. */
export interface CuttingProxy {
  readonly port: number;
  readonly server: Server;
  /** Bytes that have come from the server. */
  carried(): number;
  cut(): void;
}

/** Opens a way to a port of this machine. */
export async function proxyTo(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let carried = 0;
  const server = createServer((near) => {
    const far = connectTcp(port, "127.0.0.1");
    far.on("data", (bytes) => {
      carried += bytes.length;
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on("error", () => undefined)
        .on("close", () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server without a port.");
  return {
    port: address.port,
    server,
    carried: () => carried,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
