import { z } from "zod";
import { type Definitions, isOnDemand, ValueType } from "../definitions.ts";
import type { RegistryFiles } from "./registry-files.ts";

/** How many versions are kept. */
const VERSIONS_KEPT = 50;
const FILE = /^(\d{10})\.json$/;

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
  /** The features that were brought in. */
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

/** What is applied and what was materialised, in one file a version: writers never overwrite each other. */
export class Registry {
  readonly #files: RegistryFiles;

  constructor(files: RegistryFiles) {
    this.#files = files;
  }

  /** The newest version. */
  async read(): Promise<RegistryVersion> {
    for (;;) {
      const newest = Math.max(0, ...(await this.#versions()));
      if (newest === 0) return { version: 0, state: EMPTY };
      const text = await this.#files.get(fileOf(newest));
      // Removed since it was listed: then there are newer ones.
      if (text !== undefined) return { version: newest, state: RegistryState.parse(JSON.parse(text)) };
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
      if (await this.#files.putIfAbsent(fileOf(version), `${JSON.stringify(state, null, 2)}\n`)) {
        await this.#removeOld(version);
        return { version, state };
      }
    }
  }

  async #versions(): Promise<number[]> {
    return (await this.#files.list()).flatMap((name) => {
      const [, digits] = FILE.exec(name) ?? [];
      return digits === undefined ? [] : [Number(digits)];
    });
  }

  async #removeOld(newest: number): Promise<void> {
    for (const version of await this.#versions()) {
      if (version <= newest - VERSIONS_KEPT) await this.#files.remove(fileOf(version));
    }
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

function fileOf(version: number): string {
  return `${String(version).padStart(10, "0")}.json`;
}
