import type { Column } from "./column-types.ts";

/** A checked copy of a source: one Parquet file. */
export interface StagedFile {
  readonly path: string;
  readonly columns: readonly Column[];
  readonly rows: number;
  readonly files: readonly string[];
  /** Delta's statistics of the file: a table may take it as it is. */
  readonly stats: string;
}
