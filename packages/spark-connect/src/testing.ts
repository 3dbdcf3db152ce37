import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp, createServer } from "node:net";
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

/** Installs the server that the tests run on, once. Says why not where that fails; with `CI=true` it throws instead. */
export function installSparkServer(): Promise<string | undefined> {
  return onApacheSpark ? installApacheSpark() : installSail();
}

/** Starts the server that the tests run on, on a free port of this machine, with `cwd` for its tables. */
export function startSparkServer(cwd: string): ReturnType<typeof startSail> {
  return onApacheSpark ? startApacheSpark(cwd) : startSail(cwd);
}

/** Apache Spark from PyPI and Delta Lake from Maven. */
async function installApacheSpark(): Promise<string | undefined> {
  const jars = join(APACHE, "delta");
  if (existsSync(jars)) return undefined;
  try {
    await run("java", ["-version"]);
    if (!existsSync(join(APACHE, "bin", "spark-submit"))) {
      await run("python3", ["-m", "venv", APACHE]);
      await run(join(APACHE, "bin", "pip"), ["install", "--quiet", `pyspark[connect]==${SPARK}`], { timeout: 900_000 });
    }
    const draft = join(APACHE, `delta.${process.pid}`);
    await mkdir(draft, { recursive: true });
    await writeFile(
      join(draft, "pom.xml"),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
        <groupId>dagwright</groupId><artifactId>tests</artifactId><version>1</version><dependencies><dependency>
        <groupId>io.delta</groupId><artifactId>${DELTA}</artifactId><version>4.3.1</version></dependency></dependencies></project>`,
    );
    // Spark brings everything else that Delta needs.
    const groups = "-DincludeGroupIds=io.delta,io.unitycatalog";
    const copy = ["-q", "-B", "dependency:copy-dependencies", groups, "-DoutputDirectory=lib"];
    await run("mvn", copy, { cwd: draft, timeout: 600_000 });
    await rename(join(draft, "lib"), jars);
    await rm(draft, { recursive: true, force: true });
    return undefined;
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const why = error instanceof Error ? error.message.split("\n")[0] : error;
    return `Apache Spark ${SPARK} cannot be installed (it needs a JDK 17, python3 and Maven): ${why}`;
  }
}

async function startApacheSpark(cwd: string): ReturnType<typeof startSail> {
  const port = await freePort();
  const [python = ""] = await readdir(join(APACHE, "lib"));
  const home = join(APACHE, "lib", python, "site-packages", "pyspark");
  const jars = (await readdir(join(APACHE, "delta"))).map((jar) => join(APACHE, "delta", jar));
  const conf = {
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
      ...["--master", "local[2]", "--driver-memory", "1g", "--driver-java-options", "-XX:TieredStopAtLevel=1"],
      ...["--jars", jars.join(","), "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"],
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
export async function startSail(cwd: string): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const server = spawn(SAIL, ["spark", "server", "--ip", "127.0.0.1", "--port", String(port)], {
    cwd,
    stdio: "ignore",
  });
  return listening(server, port, 300);
}

/** Waits until a server accepts connections, at most `tries` tenths of a second. */
async function listening(server: ChildProcess, port: number, tries: number): ReturnType<typeof startSail> {
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const stop = async () => {
    server.kill("SIGKILL");
    await exited;
  };
  for (let tried = 0; tried < tries; tried++) {
    if (await accepts(port)) return { port, stop };
    if (server.exitCode !== null) throw new Error(`The server ended with ${server.exitCode} before it listened.`);
    await delay(100);
  }
  await stop();
  throw new Error(`The server did not listen within ${tries / 10} s.`);
}
