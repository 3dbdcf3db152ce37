import { type Duration, millisecondsOf } from "./duration.ts";

/** Which of the intervals missed while nothing ran are made up for: only the last one (`false`), all, or some. */
export type Catchup =
  | boolean
  | {
      /** Intervals that ended longer ago than this are left out. @default none are */
      readonly window?: Duration;
      /** So many intervals at most: the latest, of which the oldest runs first. @default all */
      readonly limit?: number;
    };

/** A catch-up as it is carried out; null: no bound. */
export interface CatchupRule {
  readonly windowMs: number | null;
  readonly limit: number | null;
}

/** What a DAG's `catchup` means; what is wrong with it is reported to `mistake`. */
export function catchupRule(catchup: Catchup = false, mistake: (message: string) => void = () => {}): CatchupRule {
  if (typeof catchup === "boolean") return { windowMs: null, limit: catchup ? null : 1 };
  const { window, limit } = catchup;
  const windowMs = window === undefined ? null : millisecondsOf(window);
  if (window !== undefined && !windowMs)
    mistake(`catchup.window is ${JSON.stringify(window)}: expected a duration such as "3d"`);
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1))
    mistake(`catchup.limit is ${JSON.stringify(limit)}: expected a whole number of at least 1`);
  return { windowMs, limit: limit ?? null };
}
