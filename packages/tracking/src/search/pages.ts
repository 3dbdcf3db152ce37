import type { Work } from "../database/work.ts";
import { TrackingError } from "../errors.ts";

/** Which part of a result is asked for. */
export interface Paging {
  readonly maxResults: number;
  /** Of the page before; empty for the first. */
  readonly pageToken: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextPageToken?: string;
}

/** One page of what `rows` selects; asks for one row more, to know whether there is another page. */
export function* pageOf<T>(
  { maxResults, pageToken }: Paging,
  rows: (limit: number, offset: number) => Work<readonly T[]>,
): Work<Page<T>> {
  const offset = offsetOf(pageToken);
  const found = yield* rows(maxResults + 1, offset);
  if (found.length <= maxResults) return { items: found };
  return { items: found.slice(0, maxResults), nextPageToken: tokenOf(offset + maxResults) };
}

function tokenOf(offset: number): string {
  return Buffer.from(`{"offset": ${offset}}`).toString("base64");
}

/** @throws INVALID_ARGUMENT for what is no token of ours */
function offsetOf(token: string): number {
  if (token === "") return 0;
  const text = Buffer.from(token, "base64").toString("utf8");
  const offset = Number(/^\{"offset": ?(\d+)\}$/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(offset))
    throw new TrackingError("INVALID_ARGUMENT", `Invalid page token, decoded value=${text}`, { field: "page_token" });
  return offset;
}

/** @throws INVALID_ARGUMENT unless it is from 1 to `most` */
export function checkMaxResults(value: number, most: number): void {
  if (value < 1)
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid value ${value} for parameter 'max_results' supplied. It must be a positive integer`,
      { field: "max_results" },
    );
  if (value > most)
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid value ${value} for parameter 'max_results' supplied. It must be at most ${most}`,
      { field: "max_results" },
    );
}
