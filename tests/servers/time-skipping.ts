/**
 * Temporal's test server, which skips time: as soon as no workflow has anything to do and no activity runs, its clock
 * jumps to the next timer. It is Java's; Maven brings it, once, into the project's own state folder.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Connection } from "@temporalio/client";
import { type InternalConnectionOptions, InternalConnectionOptionsSymbol } from "@temporalio/client/lib/connection.js";
import { freePort } from "../product.ts";

const run = promisify(execFile);
const VERSION = "1.38.0";
const folder = fileURLToPath(new URL(`../../.dagwright/temporal-test-server-${VERSION}`, import.meta.url));
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dagwright</groupId>
  <artifactId>tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

export interface TimeSkippingServer {
  readonly address: string;
  readonly connection: Connection;
  /** Lets time jump from now on. */
  skipTime(): Promise<void>;
  /** The server's clock, in milliseconds since 1970. */
  now(): Promise<number>;
  stop(): Promise<void>;
}

/** What this machine lacks to have the server, and how to get it; null: nothing. */
export async function missingForTimeSkipping(): Promise<string | null> {
  const lacks: string[] = [];
  if (!(await works("java", "-version"))) lacks.push("a JDK 17 (java on the PATH)");
  if (!existsSync(folder) && !(await works("mvn", "-version"))) lacks.push("Maven (mvn on the PATH)");
  return lacks.length === 0 ? null : `it needs ${lacks.join(" and ")}: apt-get install openjdk-17-jdk-headless maven`;
}

async function works(command: string, argument: string): Promise<boolean> {
  return await run(command, [argument]).then(
    () => true,
    () => false,
  );
}

/** The jars, fetched if they are not there: whole, or not at all. */
async function jars(): Promise<string> {
  const lib = join(folder, "lib");
  if (existsSync(lib)) return lib;
  const draft = `${folder}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  await writeFile(join(draft, "pom.xml"), pom);
  await run("mvn", ["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"], { cwd: draft });
  // Somebody else may have been first.
  await rename(draft, folder).catch(async () => await rm(draft, { recursive: true, force: true }));
  return lib;
}

/** Starts the server with the search attributes that runs publish: without them its workflow tasks would fail for ever. */
export async function startTimeSkippingServer(): Promise<TimeSkippingServer> {
  const lib = await jars();
  const port = await freePort();
  const java = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", `${lib}/*`, "io.temporal.testserver.TestServer"];
  const server = spawn("java", [...java, String(port)], { stdio: "ignore" });
  const address = `127.0.0.1:${port}`;
  const connection = await connectedTo(address);
  const { testService } = connection;
  if (testService === undefined) throw new Error("The connection knows no test service");
  // It can be told of them and not asked for them. 2 is a keyword, 6 a moment.
  const searchAttributes = { DagId: 2, LogicalDate: 6, RunState: 2, RunTrigger: 2, DagVersion: 2 };
  await connection.operatorService.addSearchAttributes({ namespace: "default", searchAttributes });
  return {
    address,
    connection,
    skipTime: async () => {
      await testService.unlockTimeSkipping({});
    },
    now: async () => {
      const { time } = await testService.getCurrentTime({});
      return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
    },
    stop: async () => {
      await connection.close();
      server.kill("SIGKILL");
      await once(server, "exit");
    },
  };
}

async function connectedTo(address: string): Promise<Connection> {
  const options: InternalConnectionOptions = {
    ...{ address, connectTimeout: 1_000 },
    [InternalConnectionOptionsSymbol]: { supportsTestService: true },
  };
  for (let tries = 0; ; tries += 1) {
    try {
      return await Connection.connect(options);
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((later) => setTimeout(later, 200));
    }
  }
}
