/**
 * What MLflow 3.17.2's client asked its server, and what that answered, recorded: asked of ours, it answers the same.
 * Ids, made-up names and times of the server are its own; an id of the recording stands for ours from then on.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { serveTracking, type TrackingServer } from "./serve-tracking.ts";

const Exchange = z.object({
  step: z.string(),
  method: z.string(),
  path: z.string(),
  query: z.array(z.tuple([z.string(), z.string()])),
  json: z.unknown().optional(),
  stream: z.boolean().optional(),
  contentType: z.string().nullish(),
  status: z.number(),
  response: z.unknown().optional(),
});
const Session = z.object({
  endpoints: z.record(z.string(), z.number()),
  exchanges: z.array(z.union([Exchange, z.object({ pythonException: z.string() })])),
});

/** Set by the server when it is asked; the size of a file whose bytes were not recorded. */
const OWN_TIMES =
  /^(creation_time|last_update_time|creation_timestamp|last_updated_timestamp|creation_timestamp_ms|last_updated_timestamp_ms|file_size)$/;
const AN_ID = /^(m-)?[0-9a-f]{32}$/;

let root: string;
let server: TrackingServer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tracking-session-"));
  server = await serveTracking({ root, port: 0 });
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

/** Pairs of an id in the recording and ours at the same place. */
function newIds(theirs: unknown, ours: unknown, found: Map<string, string>): void {
  if (typeof theirs === "string" && typeof ours === "string") {
    if (AN_ID.test(theirs) && AN_ID.test(ours) && !found.has(theirs)) found.set(theirs, ours);
  } else if (Array.isArray(theirs) && Array.isArray(ours)) {
    for (const [at, one] of theirs.entries()) newIds(one, ours[at], found);
  } else if (typeof theirs === "object" && typeof ours === "object" && theirs !== null && ours !== null) {
    const mine = new Map(Object.entries(ours));
    for (const [key, one] of Object.entries(theirs)) newIds(one, mine.get(key), found);
  }
}

/** Order of keyed lists means nothing, and what is the server's own is only there or not. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(comparable);
    const keyed = items.every((item) => typeof item === "object" && item !== null && "key" in item);
    return keyed ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, OWN_TIMES.test(key) ? typeof field : comparable(field)]),
  );
}

/** Where ours says more or better than the recording, and why. */
function corrected(path: string, response: unknown): unknown {
  let text = JSON.stringify(response);
  // MLflow forgets that a logged model's metric was NaN.
  if (path.includes("/logged-models")) text = text.replaceAll(/("key":"nanm","value":)0(\.0)?/g, '$1"NaN"');
  // What is MLflow's own configuration, and words of its SQL driver.
  if (path.endsWith("/server-info")) text = text.replaceAll(/("presigned_\w+"|"gateway"):true/g, "$1:false");
  text = text.replace(/(Experiment\(name=[^)]*\) already exists\.) Error: .*?(",)/, "$1$2");
  return JSON.parse(text);
}

it("all 51 endpoints answer as recorded", async () => {
  const file = new URL("../fixtures/mlflow_session.json", import.meta.url);
  const session = Session.parse(JSON.parse(await readFile(file, "utf8")));
  expect(Object.keys(session.endpoints)).toHaveLength(51);
  const ids = new Map<string, string>();
  const translated = (text: string) => [...ids].reduce((sum, [theirs, ours]) => sum.replaceAll(theirs, ours), text);
  let asked = 0;
  for (const exchange of session.exchanges) {
    if (!("path" in exchange)) continue;
    const url = new URL(translated(exchange.path), server.url);
    for (const [key, value] of exchange.query) url.searchParams.append(key, translated(value));
    const body =
      exchange.stream === true
        ? "bytes"
        : exchange.json === undefined
          ? undefined
          : translated(JSON.stringify(exchange.json));
    const answer = await fetch(url, {
      method: exchange.method,
      ...(body === undefined ? {} : { body, headers: { "content-type": exchange.contentType ?? "application/json" } }),
    });
    const text = await answer.text();
    const what = `${asked++} ${exchange.step}: ${exchange.method} ${exchange.path}`;
    expect(answer.status, `${what}: ${text}`).toBe(exchange.status);
    if (exchange.response === undefined) continue;
    const ours: unknown = JSON.parse(text);
    newIds(exchange.response, ours, ids);
    const theirs: unknown = JSON.parse(translated(JSON.stringify(corrected(exchange.path, exchange.response))));
    expect(comparable(ours), what).toEqual(comparable(theirs));
  }
  expect(asked).toBe(187);
});
