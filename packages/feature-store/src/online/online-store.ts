import type { FeatureValue, FeatureView } from "../definitions.ts";

/** The values of one entity in one view, as of a moment. Timestamps are microseconds since the epoch (UTC). */
export interface OnlineRow {
  /** The join keys' values as text, in the order of the view's entities. */
  readonly entity: readonly string[];
  readonly eventUs: number;
  /** When the row was written, where the view knows it: of two rows for one moment the later one counts. */
  readonly createdUs: number | null;
  readonly values: Readonly<Record<string, FeatureValue>>;
}

/** The newest values of an entity. */
export interface OnlineValues {
  readonly eventUs: number;
  /** In the order of the query's features; undefined for one that was not defined, or of another type, when they were written. */
  readonly values: readonly (FeatureValue | undefined)[];
}

/** Entities and features whose values are wanted of a view. */
export interface OnlineQuery {
  readonly view: FeatureView;
  readonly features: readonly string[];
  readonly entities: readonly (readonly string[])[];
}

/** What the store holds of a view. */
export interface OnlineStatistics {
  readonly entities: number;
  /** Newest event timestamp, microseconds since the epoch; null when the view is empty. */
  readonly newestUs: number | null;
}

/**
 * The newest feature values of every entity, for serving. What it holds belongs to a view as it is defined: values
 * under other join keys or from another table are another view's.
 */
export interface OnlineStore {
  /**
   * A name that the store gave itself when it was made, and that is lost with its values: whoever remembers what was
   * brought in knows by it whether that is still there.
   */
  identity(): Promise<string>;
  /**
   * Brings rows in, each whole or not at all. A row replaces another only if it is newer: by event timestamp, then by
   * creation; of two rows alike in both the one given last counts. Whoever else writes at the same time, nothing older
   * wins. Gives how many rows changed the store. With no rows, the view counts as materialised.
   */
  put(view: FeatureView, rows: readonly OnlineRow[]): Promise<number>;
  /** The newest values for each query's entities, in their order; one round trip, however many. */
  read(queries: readonly OnlineQuery[]): Promise<readonly (readonly (OnlineValues | undefined)[])[]>;
  /** Whether the view was ever materialised here, as it is defined. */
  holds(view: FeatureView): Promise<boolean>;
  statistics(view: FeatureView): Promise<OnlineStatistics>;
  /** Removes the values of some entities; gives how many there were. */
  remove(view: FeatureView, entities: readonly (readonly string[])[]): Promise<number>;
  /** Removes the values whose event timestamp is before a moment; gives how many there were. */
  removeBefore(view: FeatureView, us: number): Promise<number>;
  /** Removes all that is not of these views; gives how many values there were. */
  removeAllBut(views: readonly FeatureView[]): Promise<number>;
  close(): Promise<void>;
}
