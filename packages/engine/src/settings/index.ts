import { join, resolve } from "node:path";
import { z } from "zod";
import { millisecondsOf } from "../language/duration.ts";
import { LogLevel } from "../logs/log-line.ts";

/** An environment variable does not hold what it must. */
export class InvalidSettingError extends Error {
  readonly code = "INVALID_SETTING";
  readonly retryable = false;
  readonly hint = "Correct or unset the variable and start again.";
  constructor(
    readonly field: string,
    value: string | undefined,
    expected: string,
  ) {
    super(`${field} is ${JSON.stringify(value)}: expected ${expected}`);
    this.name = "InvalidSettingError";
  }
}

/** Where state lives and how to reach Temporal, as read from the environment. */
export interface Settings {
  /** Folder of all state. `DAGWRIGHT_HOME`. @default .dagwright in the working folder */
  readonly home: string;
  readonly temporal: {
    /** `TEMPORAL_ADDRESS` as given, or null: then the embedded server is meant. */
    readonly external: string | null;
    /** Where to connect: the given address, or the embedded server's. */
    readonly address: string;
    /** Port of the embedded server. `DAGWRIGHT_TEMPORAL_PORT`. @default 7233 */
    readonly port: number;
    /** Port of its UI. `DAGWRIGHT_TEMPORAL_UI_PORT`. @default port + 1000 */
    readonly uiPort: number;
    /** `TEMPORAL_NAMESPACE`. @default "default" */
    readonly namespace: string;
    /** `TEMPORAL_API_KEY`, for Temporal Cloud. */
    readonly apiKey: string | undefined;
    /**
     * `TEMPORAL_TLS`; an API key implies it. With files of your own by `TEMPORAL_TLS_SERVER_CA_CERT_PATH`,
     * `TEMPORAL_TLS_CLIENT_CERT_PATH`, `TEMPORAL_TLS_CLIENT_KEY_PATH` and `TEMPORAL_TLS_SERVER_NAME`. @default false
     */
    readonly tls: boolean | TlsSettings;
  };
  /** Folder of values that are too large for Temporal; all workers and clients must see the same one. `DAGWRIGHT_OBJECTS`. @default objects in `home` */
  readonly objectsFolder: string;
  /** Where the tables lie: a folder, or `s3://bucket/prefix`. `DAGWRIGHT_LAKE`. @default lake in `home` */
  readonly lake: string;
  /**
   * Another S3 than Amazon's, and the region: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, `AWS_REGION` or
   * `AWS_DEFAULT_REGION`. Keys, profiles and roles are the AWS SDK's own affair.
   */
  readonly s3: { readonly endpoint: string | undefined; readonly region: string | undefined };
  /** Where runs are kept: PostgreSQL by `DAGWRIGHT_STORE_URL`. @default the SQLite file runs.db in `home` */
  readonly store: { readonly file: string } | { readonly url: string };
  /** Where runs of experiments and models are kept. */
  readonly tracking: {
    /** An MLflow server: `MLFLOW_TRACKING_URI`. @default none: they are kept here */
    readonly server: string | undefined;
    /** Its user and password, or its token: `MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD`, `MLFLOW_TRACKING_TOKEN`. */
    readonly username: string | undefined;
    readonly password: string | undefined;
    readonly token: string | undefined;
    /** Folder of what is kept here: `tracking/` in `home`. */
    readonly root: string;
    /** PostgreSQL instead of the SQLite file in that folder: `DAGWRIGHT_TRACKING_URL`. */
    readonly databaseUrl: string | undefined;
  };
  /** Attempts that one worker runs at once, and as many light ones. `DAGWRIGHT_MAX_TASKS`. @default 100 */
  readonly maxTasks: number | undefined;
  /** A Redis for online features. `REDIS_URL`. @default none: an SQLite file in `home` */
  readonly redisUrl: string | undefined;
  /** `DAGWRIGHT_TASK_QUEUE`. @default "dagwright" */
  readonly taskQueue: string;
  /** Folders and `s3://bucket/prefix` that sources may be read from. `DAGWRIGHT_SOURCE_ROOTS`, separated by ":". */
  readonly sourceRoots: readonly string[] | undefined;
  /** Where table queries run: a Spark Connect server, `SPARK_REMOTE` such as sc://host:15002. @default none: DuckDB in the worker */
  readonly sparkRemote: string | undefined;
  readonly logs: {
    /** The least level that is kept. `DAGWRIGHT_LOG_LEVEL`. @default "debug" */
    readonly level: LogLevel;
    /** A file that would grow beyond this many bytes is set aside. `DAGWRIGHT_LOG_BYTES`. @default 10 MiB */
    readonly maxBytes: number;
    /** How many files are kept of one log, the present one included. `DAGWRIGHT_LOG_FILES`. @default 3 */
    readonly files: number;
    /** Days after which the logs of a run are removed; 0 for never. `DAGWRIGHT_LOG_DAYS`. @default 30 */
    readonly days: number;
    /** Whether a worker on a terminal of its own prints lines of JSON. `DAGWRIGHT_LOG_FORMAT`, json or text. */
    readonly json: boolean;
  };
  /** How a worker watches the models that it serves. */
  readonly monitor: {
    /** When it looks: a cron expression of five or six fields, UTC; null for never. `DAGWRIGHT_MONITOR`, "off" for never. @default every quarter of an hour */
    readonly schedule: string | null;
    /** What was asked is looked at in stretches of this length at the least. `DAGWRIGHT_MONITOR_WINDOW`. @default "1h" */
    readonly windowMs: number;
  };
  readonly metrics: {
    /** Port of the worker's `/metrics`. `DAGWRIGHT_METRICS_PORT`. @default none: there are no metrics */
    readonly port: number | undefined;
    /** Address it listens on. `DAGWRIGHT_METRICS_HOST`. @default "127.0.0.1" */
    readonly host: string;
  };
  /** Whether traces are exported: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`), or `OTEL_TRACES_EXPORTER`. */
  readonly traces: "otlp" | "console" | "none";
  /** Where connections and secrets are looked for beside the environment. */
  readonly connections: {
    /** `DAGWRIGHT_CONNECTIONS_FILE`. @default connections.json in `home` */
    readonly connectionsFile: string;
    /** `DAGWRIGHT_SECRETS_FILE`. @default secrets.json in `home` */
    readonly secretsFile: string;
    /** `DAGWRIGHT_CONNECTIONS_COMMAND`. */
    readonly connectionsCommand: string | undefined;
    /** `DAGWRIGHT_SECRETS_COMMAND`. */
    readonly secretsCommand: string | undefined;
  };
}

/** TLS with files of one's own, by their paths. */
export interface TlsSettings {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly serverName: string | undefined;
}

const MEBIBYTE = 1_048_576;

const Port = z.coerce.number().int().min(1).max(65535);

/**
 * Reads the settings. Pass `process.env` and `process.cwd()`: nothing else in the packages looks at either.
 * @throws InvalidSettingError naming the variable, its value and what was expected.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>, workingFolder: string): Settings {
  const port = portOf("DAGWRIGHT_TEMPORAL_PORT") ?? 7233;
  const external = env["TEMPORAL_ADDRESS"] || null;
  if (external !== null && !/^[^\s:/]+:\d+$/.test(external)) {
    throw new InvalidSettingError("TEMPORAL_ADDRESS", external, "host:port, such as 127.0.0.1:7233");
  }
  const apiKey = env["TEMPORAL_API_KEY"] || undefined;
  const home = resolve(workingFolder, env["DAGWRIGHT_HOME"] || ".dagwright");
  return {
    home,
    objectsFolder: resolve(workingFolder, env["DAGWRIGHT_OBJECTS"] || join(home, "objects")),
    temporal: {
      external,
      address: external ?? `127.0.0.1:${port}`,
      port,
      uiPort: portOf("DAGWRIGHT_TEMPORAL_UI_PORT") ?? (port + 1000 <= 65535 ? port + 1000 : port - 1000),
      namespace: env["TEMPORAL_NAMESPACE"] || "default",
      apiKey,
      tls: tlsOf() ?? (apiKey !== undefined || ["1", "true"].includes(env["TEMPORAL_TLS"] ?? "")),
    },
    lake: lakeOf(env["DAGWRIGHT_LAKE"]) ?? join(home, "lake"),
    s3: s3Of(),
    store: postgresOf("DAGWRIGHT_STORE_URL") ?? { file: join(home, "runs.db") },
    tracking: {
      server: trackingServerOf(),
      username: env["MLFLOW_TRACKING_USERNAME"] || undefined,
      password: env["MLFLOW_TRACKING_PASSWORD"] || undefined,
      token: env["MLFLOW_TRACKING_TOKEN"] || undefined,
      root: join(home, "tracking"),
      databaseUrl: postgresOf("DAGWRIGHT_TRACKING_URL")?.url,
    },
    maxTasks: countOf("DAGWRIGHT_MAX_TASKS", 1),
    redisUrl: redisUrlOf(env["REDIS_URL"]),
    taskQueue: env["DAGWRIGHT_TASK_QUEUE"] || "dagwright",
    sourceRoots: env["DAGWRIGHT_SOURCE_ROOTS"]
      ?.split(/:(?!\/\/)/)
      .filter(Boolean)
      .map((root) => (root.startsWith("s3://") ? root : resolve(workingFolder, root))),
    sparkRemote: env["SPARK_REMOTE"] || undefined,
    logs: {
      level: levelOf("DAGWRIGHT_LOG_LEVEL") ?? "debug",
      maxBytes: countOf("DAGWRIGHT_LOG_BYTES", 1024) ?? 10 * MEBIBYTE,
      files: countOf("DAGWRIGHT_LOG_FILES", 1) ?? 3,
      days: countOf("DAGWRIGHT_LOG_DAYS", 0) ?? 30,
      json: env["DAGWRIGHT_LOG_FORMAT"] === "json",
    },
    monitor: { schedule: monitorSchedule(), windowMs: monitorWindow() },
    metrics: { port: portOf("DAGWRIGHT_METRICS_PORT"), host: env["DAGWRIGHT_METRICS_HOST"] || "127.0.0.1" },
    traces: tracesOf(),
    connections: {
      connectionsFile: resolve(workingFolder, env["DAGWRIGHT_CONNECTIONS_FILE"] || join(home, "connections.json")),
      secretsFile: resolve(workingFolder, env["DAGWRIGHT_SECRETS_FILE"] || join(home, "secrets.json")),
      connectionsCommand: env["DAGWRIGHT_CONNECTIONS_COMMAND"] || undefined,
      secretsCommand: env["DAGWRIGHT_SECRETS_COMMAND"] || undefined,
    },
  };

  function tlsOf(): TlsSettings | undefined {
    const file = (name: string) => (env[name] ? resolve(workingFolder, env[name]) : undefined);
    const [certName, keyName] = ["TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"] as const;
    const [ca, cert, key] = [file("TEMPORAL_TLS_SERVER_CA_CERT_PATH"), file(certName), file(keyName)];
    const serverName = env["TEMPORAL_TLS_SERVER_NAME"] || undefined;
    if (cert === undefined && key !== undefined)
      throw new InvalidSettingError(certName, env[certName], `the certificate to the key ${keyName}`);
    if (cert !== undefined && key === undefined)
      throw new InvalidSettingError(keyName, env[keyName], `the key to the certificate ${certName}`);
    return (ca ?? cert ?? serverName) ? { ca, cert, key, serverName } : undefined;
  }

  function lakeOf(root: string | undefined): string | undefined {
    if (root === undefined || root === "") return undefined;
    if (!root.includes("://")) return resolve(workingFolder, root);
    if (!/^s3:\/\/[a-z0-9][a-z0-9.-]+[a-z0-9](\/|$)/.test(root))
      throw new InvalidSettingError("DAGWRIGHT_LAKE", root, "a folder, or s3://bucket/prefix");
    return root;
  }

  function s3Of(): Settings["s3"] {
    const endpoint = env["AWS_ENDPOINT_URL_S3"] || env["AWS_ENDPOINT_URL"] || undefined;
    if (endpoint !== undefined && !/^https?:\/\//.test(endpoint))
      throw new InvalidSettingError("AWS_ENDPOINT_URL", endpoint, "a URL, such as http://127.0.0.1:9000");
    // Other servers than Amazon's take any region, but the SDK wants one.
    const fallback = endpoint === undefined ? undefined : "us-east-1";
    return { endpoint, region: env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || fallback };
  }

  function trackingServerOf(): string | undefined {
    const name = "MLFLOW_TRACKING_URI";
    const uri = env[name];
    if (uri === undefined || uri === "") return undefined;
    if (!/^https?:\/\//.test(uri) || !URL.canParse(uri)) {
      const [scheme] = uri.includes(":") ? uri.split(":", 1) : [""];
      throw new InvalidSettingError(name, `${scheme}…`, "the address of an MLflow server, http://host:port");
    }
    return uri.replace(/\/+$/, "");
  }

  function postgresOf(name: string): { url: string } | undefined {
    const url = env[name];
    if (url === undefined || url === "") return undefined;
    if (!/^postgres(ql)?:/.test(url) || !URL.canParse(url)) {
      // Not repeated: it may hold a password.
      const [scheme] = url.includes("://") ? url.split(":", 1) : [""];
      throw new InvalidSettingError(name, `${scheme}…`, "postgres://user:password@host:port/database");
    }
    return { url };
  }

  function redisUrlOf(url: string | undefined): string | undefined {
    if (url === undefined || url === "") return undefined;
    if (/^rediss?:/.test(url) && URL.canParse(url)) return url;
    // Not repeated: it may hold a password.
    const [scheme] = url.includes("://") ? url.split(":", 1) : [""];
    throw new InvalidSettingError(
      "REDIS_URL",
      `${scheme}…`,
      "redis://user:password@host:port/db, or rediss://… for TLS",
    );
  }

  function levelOf(name: string): LogLevel | undefined {
    const value = env[name];
    if (value === undefined || value === "") return undefined;
    const parsed = LogLevel.safeParse(value.toLowerCase());
    if (!parsed.success) throw new InvalidSettingError(name, value, `one of ${LogLevel.options.join(", ")}`);
    return parsed.data;
  }

  function countOf(name: string, least: number): number | undefined {
    const value = env[name];
    if (value === undefined || value === "") return undefined;
    const parsed = z.coerce.number().int().min(least).safeParse(value);
    if (!parsed.success) throw new InvalidSettingError(name, value, `a whole number from ${least} on`);
    return parsed.data;
  }

  function tracesOf(): Settings["traces"] {
    const name = "OTEL_TRACES_EXPORTER";
    const exporter = env[name] || undefined;
    if (env["OTEL_SDK_DISABLED"] === "true" || exporter === "none") return "none";
    if (exporter === "console" || exporter === "otlp") return exporter;
    if (exporter !== undefined) throw new InvalidSettingError(name, exporter, '"otlp", "console" or "none"');
    return env["OTEL_EXPORTER_OTLP_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ? "otlp" : "none";
  }

  function monitorSchedule(): string | null {
    const value = env["DAGWRIGHT_MONITOR"] || "*/15 * * * *";
    if (value === "off") return null;
    if (/^(\S+\s+){4,5}\S+$/.test(value.trim())) return value.trim();
    throw new InvalidSettingError("DAGWRIGHT_MONITOR", value, 'a cron expression such as "*/15 * * * *", or off');
  }

  function monitorWindow(): number {
    const value = env["DAGWRIGHT_MONITOR_WINDOW"] || "1h";
    const milliseconds = millisecondsOf(value);
    if (milliseconds !== null && milliseconds >= 1000) return milliseconds;
    throw new InvalidSettingError("DAGWRIGHT_MONITOR_WINDOW", value, 'a duration of a second or more, such as "1h"');
  }

  function portOf(name: string): number | undefined {
    const value = env[name];
    if (value === undefined || value === "") return undefined;
    const parsed = Port.safeParse(value);
    if (!parsed.success) throw new InvalidSettingError(name, value, "a port from 1 to 65535");
    return parsed.data;
  }
}
