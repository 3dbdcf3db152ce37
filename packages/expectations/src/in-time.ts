import { createContext, Script } from "node:vm";
import { NotEvaluableError } from "./errors.ts";

const LATE = "ERR_SCRIPT_EXECUTION_TIMEOUT";
const GUARD = new Script("work()");
const GUARDED = { work: () => {} };
createContext(GUARDED);

/**
 * Does what may never end, and stops it: to find that a text does not match, a regular expression may take longer than
 * anybody lives, and nothing else runs meanwhile.
 *
 * @param patienceMs @default 5000
 * @throws NotEvaluableError when it takes longer.
 */
export function inTime<T>(work: () => T, patienceMs = 5000): T {
  const done: T[] = [];
  GUARDED.work = () => void done.push(work());
  try {
    GUARD.runInContext(GUARDED, { timeout: patienceMs });
  } catch (error) {
    // Of the guard's own realm, where Error is another class.
    const isLate = typeof error === "object" && error !== null && Reflect.get(error, "code") === LATE;
    if (!isLate) throw error;
  }
  for (const result of done) return result;
  throw new NotEvaluableError(
    `It takes more than ${patienceMs / 1000} s to look at a few texts: a regular expression in which repetitions stand within repetitions, as (a+)+, may never end`,
  );
}
