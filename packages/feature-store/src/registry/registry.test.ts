import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openObjectStore } from "@dagwright/lake";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Definitions, entity, featureService, featureView, onDemandView } from "../definitions.ts";
import { Registry, recorded } from "./registry.ts";
import { planOf } from "./registry-plan.ts";

const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const spending = featureView({
  name: "spending",
  entities: [user],
  source: { table: "spending", timestampField: "at" },
  ttl: 0,
  features: { spend: "double", visits: "bigint" },
});
const ratio = onDemandView({
  name: "ratio",
  sources: [spending],
  request: { amount: "double" },
  features: { of_spend: "double" },
  transform: () => ({ of_spend: 1 }),
});
const all: Definitions = {
  entities: [user],
  views: [spending, ratio],
  services: [featureService({ name: "scores", features: ["spending:spend"] })],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = async () => new Registry(await openObjectStore(folder));
const put = (registry: Registry, definitions: Definitions) =>
  registry.change(({ state }) => ({ ...state, definitions: recorded(definitions) }));

test("what changes is told before it is applied", async () => {
  const empty = await (await open()).read();
  expect(planOf(empty.version, empty.state.definitions, recorded(all)).text).toBe(
    "+ entity user\n+ feature view spending\n+ on-demand view ratio\n+ feature service scores",
  );
  const { state } = await put(await open(), all);
  expect(planOf(1, state.definitions, recorded(all))).toEqual({ version: 1, changes: [], text: "" });
  const features = { spend: "bigint", city: "string" } as const;
  const changed = featureView({
    ...spending,
    ttl: 5,
    features,
    source: { ...spending.source, createdTimestampColumn: "c" },
  });
  const plan = planOf(1, state.definitions, recorded({ ...all, views: [changed], services: [] }));
  expect(plan.text).toBe(`~ feature view spending
    ttl: 0 → 5
    features.spend: "double" → "bigint"
    features.visits: "bigint" → none
    createdTimestampColumn: none → "c"
    features.city: none → "string"
- on-demand view ratio
- feature service scores`);
});

test("the same twice is written once", async () => {
  expect((await put(await open(), all)).version).toBe(1);
  expect((await put(await open(), all)).version).toBe(1);
  expect(readdirSync(join(folder, "registry"))).toEqual(["0000000001.json"]);
});

test("of writers at once every change counts, and only the last versions are kept", async () => {
  const writers = await Promise.all(Array.from({ length: 8 }, open));
  await Promise.all(
    writers.map(async (registry, nth) => {
      for (let step = 0; step < 10; step += 1) {
        await registry.change(({ state }) => {
          const one = { store: "s", features: [], until: String(step) };
          return { ...state, materializations: { ...state.materializations, [`${nth}.${step}`]: one } };
        });
      }
    }),
  );
  const { version, state } = await (await open()).read();
  expect([version, Object.keys(state.materializations).length]).toEqual([80, 80]);
  expect(readdirSync(join(folder, "registry"))).toHaveLength(50);
});

test("other files of the folder are none of its", async () => {
  await put(await open(), all);
  writeFileSync(join(folder, "registry", "notes.txt"), "?");
  expect((await (await open()).read()).version).toBe(1);
});

test("a definition may have the name of what every object has", () => {
  const named = featureView({ ...spending, name: "constructor" });
  const nothing = recorded({ entities: [], views: [], services: [] });
  expect(planOf(0, nothing, recorded({ entities: [], views: [named], services: [] })).text).toBe(
    "+ feature view constructor",
  );
});
