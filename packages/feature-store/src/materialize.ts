import type { FeatureView } from "./definitions.ts";
import { InvalidFeatureRequestError } from "./errors.ts";
import { type Moment, readMoment } from "./moments.ts";
import { newestValuesSql } from "./offline/newest-values.ts";
import { checkedSource, type OfflineStore } from "./offline/offline-store.ts";
import { sourceName } from "./offline/point-in-time.ts";
import type { OnlineRow, OnlineStore } from "./online/online-store.ts";
import { spaceOf } from "./online/packed-values.ts";
import type { Registry, RegistryVersion } from "./registry/registry.ts";

/** Rows of a table that are read as one part: so many are in memory at once, at most. */
const ROWS_OF_A_PART = 500_000;

/** Which values are brought in. */
export interface MaterializeRequest {
  /** Names of feature views. */
  readonly views: readonly string[];
  /** ISO-8601; values with a timestamp up to and with this moment. */
  readonly until: string;
  /** ISO-8601; values with a timestamp from this moment on. @default all */
  readonly start?: string | undefined;
  /**
   * Begins where the last materialisation of each view ended, as the registry remembers, and with all values where the
   * online store or the view's definition is another than then. Not with `start`. @default false
   */
  readonly incremental?: boolean | undefined;
  /** For how long before that moment rows may have come in late, in milliseconds: so much is read again. @default 0 */
  readonly lateBy?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a materialisation did for one view. */
export interface MaterializedView {
  readonly name: string;
  /** From when on values were read, ISO-8601; null: all. */
  readonly start: string | null;
  /** Entities whose values changed. */
  readonly rows: number;
  /** Entities that the online store now holds. */
  readonly entities: number;
  /** Newest event timestamp that was brought in, ISO-8601; null when there is none. */
  readonly newest: string | null;
}

/** What `materializeView` did. */
export interface Materialized {
  readonly start: string | null;
  readonly rows: number;
}

/** The checked window of a request. @throws InvalidFeatureRequestError that names the field. */
export function windowOf({ until, start, incremental = false, lateBy = 0 }: MaterializeRequest) {
  const window = {
    until: readMoment("until", until),
    start: start === undefined ? undefined : readMoment("start", start),
    incremental,
    lateBy,
  };
  if (window.start !== undefined && incremental) {
    throw new InvalidFeatureRequestError("start", "cannot be given: an incremental materialisation begins by itself");
  }
  if (window.start !== undefined && window.start.us > window.until.us) {
    throw new InvalidFeatureRequestError("start", `"${start}" is after until, "${until}"`);
  }
  if (!(lateBy >= 0) || (lateBy > 0 && !incremental)) {
    throw new InvalidFeatureRequestError(
      "lateBy",
      `${lateBy} must be 0, or a duration of an incremental materialisation`,
    );
  }
  return window;
}

/**
 * Brings the newest values of one view into the online store, and remembers in the registry up to when. What is cut
 * short is found as it was: the registry remembers only what is all in the store, and bringing in twice is harmless.
 */
export async function materializeView(
  { lake, online, registry }: { lake: OfflineStore; online: OnlineStore; registry: Registry },
  view: FeatureView,
  window: ReturnType<typeof windowOf>,
  signal: AbortSignal | undefined,
): Promise<Materialized> {
  const { ref, rowCount } = await checkedSource(lake, view);
  const store = await online.identity();
  const before = lastUntil(await registry.read(), view, store);
  const start = window.incremental && before !== undefined ? isoBefore(before, window.lateBy) : window.start?.iso;
  const parts = Math.max(1, Math.ceil(rowCount / ROWS_OF_A_PART));
  let changed = 0;
  for (let index = 0; index < parts; index += 1) {
    const part = { index, of: parts };
    const sql = newestValuesSql(lake.dialect, view, { until: window.until.iso, start, part });
    const { rows } = await lake.native(sql, { views: { [sourceName(0)]: ref }, ...(signal && { signal }) });
    signal?.throwIfAborted();
    changed += await online.put(view, [...onlineRows(view, rows)]);
  }
  await registry.change((now) => {
    const last = lastUntil(now, view, store);
    // Only where no gap is left: everything before `start` must have been brought in by earlier ones.
    const whole = start === undefined || (last !== undefined && readMoment("start", start).us <= last.us);
    if (!whole || (last !== undefined && last.us >= window.until.us)) return undefined;
    const materialization = { store, features: typedFeatures(view), until: window.until.iso };
    const materializations = { ...now.state.materializations, [spaceOf(view)]: materialization };
    return { ...now.state, materializations };
  });
  return { start: start ?? null, rows: changed };
}

/** Up to when all values of a view, as it is defined, are in the online store that is open. */
export function lastUntil({ state }: RegistryVersion, view: FeatureView, store: string): Moment | undefined {
  const last = state.materializations[spaceOf(view)];
  if (last === undefined || last.store !== store) return undefined;
  const all = typedFeatures(view).every((feature) => last.features.includes(feature));
  return all ? readMoment("until", last.until) : undefined;
}

/** `name type` of each: one whose type changed is to be brought in again. */
function typedFeatures({ features }: FeatureView): string[] {
  return Object.entries(features)
    .map(([name, type]) => `${name} ${type}`)
    .toSorted();
}

function isoBefore(moment: Moment, ms: number): string {
  if (ms === 0) return moment.iso;
  return new Date(Math.floor(moment.us / 1000 - ms)).toISOString();
}

function* onlineRows(
  view: FeatureView,
  rows: Awaited<ReturnType<OfflineStore["native"]>>["rows"],
): Generator<OnlineRow> {
  const features = Object.keys(view.features);
  for (const row of rows) {
    const { event_us, created_us } = row;
    yield {
      entity: view.entities.map((_, index) => String(row[`entity_${index}`])),
      eventUs: Number(event_us),
      createdUs: created_us === null || created_us === undefined ? null : Number(created_us),
      values: Object.fromEntries(features.map((name) => [name, row[name] ?? null])),
    };
  }
}
