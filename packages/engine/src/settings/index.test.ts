import { describe, expect, it } from "vitest";
import { readSettings } from "./index.ts";

const storeOf = (url?: string) => readSettings({ DAGWRIGHT_STORE_URL: url, DAGWRIGHT_HOME: "state" }, "/srv").store;

describe("DAGWRIGHT_STORE_URL", () => {
  it("is where runs are kept, instead of a file in the state folder", () => {
    expect(storeOf()).toEqual({ file: "/srv/state/runs.db" });
    expect(storeOf("")).toEqual({ file: "/srv/state/runs.db" });
    for (const url of [
      "postgres://u:p@db:5432/runs?sslmode=verify-full",
      "postgresql:///runs?host=/var/run/postgresql",
    ])
      expect(storeOf(url)).toEqual({ url });
  });

  it.each(["mysql://u:s3cret@db/runs", "postgres://u:s3cret@db:port/runs", "u:s3cret@db/runs", "s3cret"])(
    "%s is refused, and its password is not repeated",
    (url) => {
      expect(() => storeOf(url)).toThrow(
        expect.objectContaining({
          code: "INVALID_SETTING",
          field: "DAGWRIGHT_STORE_URL",
          message: expect.stringContaining("expected postgres://user:password@host:port/database"),
        }),
      );
      expect(() => storeOf(url)).toThrow(/^(?!.*s3cret)/);
    },
  );
});

it("TLS with files: both of certificate and key, by paths from the working folder", () => {
  const env = { TEMPORAL_TLS_CLIENT_CERT_PATH: "a.pem", TEMPORAL_TLS_CLIENT_KEY_PATH: "a.key" };
  expect(readSettings(env, "/w").temporal.tls).toMatchObject({ cert: "/w/a.pem", key: "/w/a.key" });
  expect(() => readSettings({ TEMPORAL_TLS_CLIENT_CERT_PATH: "a.pem" }, "/w")).toThrow(/TEMPORAL_TLS_CLIENT_KEY_PATH/);
  expect(() => readSettings({ TEMPORAL_TLS_CLIENT_KEY_PATH: "a.key" }, "/w")).toThrow(/TEMPORAL_TLS_CLIENT_CERT_PATH/);
  expect(() => readSettings({ DAGWRIGHT_MAX_TASKS: "0" }, "/w")).toThrow(/a whole number from 1/);
});

describe("tables and sources", () => {
  const settings = (env: Record<string, string>) => readSettings({ DAGWRIGHT_HOME: "state", ...env }, "/srv");

  it("DAGWRIGHT_LAKE is a folder or a place in S3", () => {
    expect(settings({}).lake).toBe("/srv/state/lake");
    expect(settings({ DAGWRIGHT_LAKE: "tables" }).lake).toBe("/srv/tables");
    expect(settings({ DAGWRIGHT_LAKE: "s3://shop/lake" }).lake).toBe("s3://shop/lake");
    for (const wrong of ["s3://", "s3://Shop", "gs://shop/lake"]) {
      expect(() => settings({ DAGWRIGHT_LAKE: wrong })).toThrow(
        expect.objectContaining({ code: "INVALID_SETTING", field: "DAGWRIGHT_LAKE" }),
      );
    }
  });

  it("another S3 needs no region", () => {
    expect(settings({}).s3).toEqual({ endpoint: undefined, region: undefined });
    expect(settings({ AWS_ENDPOINT_URL: "http://127.0.0.1:9000" }).s3).toEqual({
      endpoint: "http://127.0.0.1:9000",
      region: "us-east-1",
    });
    expect(settings({ AWS_DEFAULT_REGION: "eu-central-1" }).s3.region).toBe("eu-central-1");
  });

  it("sources come from folders and from S3", () => {
    const { sourceRoots } = settings({ DAGWRIGHT_SOURCE_ROOTS: "data:s3://shop/in:/mnt/x" });
    expect(sourceRoots).toEqual(["/srv/data", "s3://shop/in", "/mnt/x"]);
  });
});

describe("where tracking is kept", () => {
  const trackingOf = (env: Record<string, string>) =>
    readSettings({ DAGWRIGHT_HOME: "state", ...env }, "/srv").tracking;

  it("is the state folder, PostgreSQL, or an MLflow server", () => {
    expect(trackingOf({})).toMatchObject({ root: "/srv/state/tracking", server: undefined, databaseUrl: undefined });
    expect(trackingOf({ DAGWRIGHT_TRACKING_URL: "postgres://u:p@db/ml" }).databaseUrl).toBe("postgres://u:p@db/ml");
    expect(trackingOf({ MLFLOW_TRACKING_URI: "http://127.0.0.1:5000/" }).server).toBe("http://127.0.0.1:5000");
  });

  it.each(["mlruns", "sqlite:///s3cret.db", "databricks", "postgresql://u:s3cret@db/ml"])("%s is no server", (uri) => {
    expect(() => trackingOf({ MLFLOW_TRACKING_URI: uri })).toThrow(
      /MLFLOW_TRACKING_URI .*expected the address(?!.*s3cret)/,
    );
  });
});

it("the monitor of served models: every quarter of an hour, hour by hour, unless it is off", () => {
  const monitor = (env: Record<string, string>) => readSettings(env, "/w").monitor;
  expect(monitor({})).toEqual({ schedule: "*/15 * * * *", windowMs: 3_600_000 });
  expect(monitor({ DAGWRIGHT_MONITOR: "off", DAGWRIGHT_MONITOR_WINDOW: "1d" })).toEqual({
    schedule: null,
    windowMs: 86_400_000,
  });
  expect(() => monitor({ DAGWRIGHT_MONITOR: "hourly" })).toThrow('DAGWRIGHT_MONITOR is "hourly": expected a cron');
  expect(() => monitor({ DAGWRIGHT_MONITOR_WINDOW: "soon" })).toThrow("expected a duration of a second or more");
});
