import { randomUUID } from "node:crypto";
import type { ObjectStore } from "@dagwright/lake";
import { z } from "zod";
import { type Definitions, isOnDemand, ValueType } from "../definitions.ts";

/** How many versions are kept. */
const VERSIONS_KEPT = 50;
const FOLDER = "registry/";
const KEY = /^registry\/(\d{10})\.json$/;

const Features = z.record(z.string(), ValueType);

/** Definitions as the registry records them. */
const RecordedDefinitions = z.object({
  entities: z.record(z.string(), z.object({ joinKey: z.string(), type: z.string() })),
  featureViews: z.record(
    z.string(),
    z.object({
      entities: z.array(z.string()),
      table: z.string(),
      timestampField: z.string(),
      createdTimestampColumn: z.string().optional(),
      ttl: z.number(),
      features: Features,
    }),
  ),
  onDemandViews: z.record(
    z.string(),
    z.object({ sources: z.array(z.string()), request: Features, features: Features }),
  ),
  featureServices: z.record(z.string(), z.object({ features: z.array(z.string()) })),
});
export type RecordedDefinitions = z.output<typeof RecordedDefinitions>;

/** Up to when a view was materialised, and where. */
const Materialization = z.object({
  /** The name that the online store gave itself. */
  store: z.string(),
  /** The features that were brought in, `name type` each. */
  features: z.array(z.string()),
  /** ISO-8601: all values up to this moment are in the store. */
  until: z.string(),
});
export type Materialization = z.output<typeof Materialization>;

const RegistryState = z.object({
  schema: z.literal(2),
  definitions: RecordedDefinitions,
  materializations: z.record(z.string(), Materialization),
});
export type RegistryState = z.output<typeof RegistryState>;

/** The registry at a version; version 0 is empty. */
export interface RegistryVersion {
  readonly version: number;
  readonly state: RegistryState;
}

const EMPTY: RegistryState = {
  schema: 2,
  definitions: { entities: {}, featureViews: {}, onDemandViews: {}, featureServices: {} },
  materializations: {},
};

/** Where a registry keeps its versions: a folder, or a prefix of a bucket. */
export type RegistryStore = Pick<ObjectStore, "keys" | "read" | "putIfAbsent" | "remove" | "close">;

/** What is applied and what was materialised, in one file a version: writers never overwrite each other. */
export class Registry {
  readonly #store: RegistryStore;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** The newest version. */
  async read(): Promise<RegistryVersion> {
    for (;;) {
      const newest = Math.max(0, ...(await this.#versions()));
      if (newest === 0) return { version: 0, state: EMPTY };
      const bytes = await this.#store.read(keyOf(newest));
      // Removed since it was listed: then there are newer ones.
      if (bytes === undefined) continue;
      return { version: newest, state: RegistryState.parse(JSON.parse(new TextDecoder().decode(bytes))) };
    }
  }

  /**
   * Changes the newest version, starting again as often as another writer was first. With no change, nothing is written.
   * @param change Gives the new state, or undefined to leave all as it is.
   */
  async change(change: (now: RegistryVersion) => RegistryState | undefined): Promise<RegistryVersion> {
    for (;;) {
      const now = await this.read();
      const state = change(now);
      if (state === undefined || JSON.stringify(state) === JSON.stringify(now.state)) return now;
      const version = now.version + 1;
      // By the id a writer knows its own file again, when the answer to its first try was lost.
      const text = `${JSON.stringify({ writer: randomUUID(), ...state }, null, 2)}\n`;
      if (await this.#store.putIfAbsent(keyOf(version), new TextEncoder().encode(text))) {
        await this.#removeOld(version);
        return { version, state };
      }
    }
  }

  async #versions(): Promise<number[]> {
    return (await this.#store.keys(FOLDER)).flatMap((key) => {
      const [, digits] = KEY.exec(key) ?? [];
      return digits === undefined ? [] : [Number(digits)];
    });
  }

  async #removeOld(newest: number): Promise<void> {
    const old = (await this.#versions()).filter((version) => version <= newest - VERSIONS_KEPT);
    if (old.length > 0) await this.#store.remove(old.map(keyOf));
  }
}

/** Definitions in the form in which they are recorded and compared. */
export function recorded({ entities, views, services }: Definitions): RecordedDefinitions {
  const definitions: RecordedDefinitions = { entities: {}, featureViews: {}, onDemandViews: {}, featureServices: {} };
  for (const { name, joinKey, type } of entities) definitions.entities[name] = { joinKey, type };
  for (const view of views) {
    if (isOnDemand(view)) {
      const sources = view.sources.map(({ name }) => name);
      definitions.onDemandViews[view.name] = { sources, request: { ...view.request }, features: { ...view.features } };
      continue;
    }
    definitions.featureViews[view.name] = {
      entities: view.entities.map(({ name }) => name),
      table: view.source.table,
      timestampField: view.source.timestampField,
      ...(view.source.createdTimestampColumn !== undefined && {
        createdTimestampColumn: view.source.createdTimestampColumn,
      }),
      ttl: view.ttl,
      features: { ...view.features },
    };
  }
  for (const { name, features } of services) definitions.featureServices[name] = { features: [...features] };
  return definitions;
}

function keyOf(version: number): string {
  return `${FOLDER}${String(version).padStart(10, "0")}.json`;
}
