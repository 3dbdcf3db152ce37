import { normalMoment, readMoment } from "../language/logical-date.ts";
import { InvalidRunIdError } from "./errors.ts";

/** What a name of a run may consist of: it is part of file names, too. Spaces stand inside only. */
const NAME = /^(?!\.{1,2}$)(?! )[\w .:@=+~-]{1,200}(?<! )$/;

/**
 * Checks the id that somebody gives a run: `<dag id>/<name>`, or a name alone. An id that names another DAG, or a date
 * that the run is not for, would keep the run that it belongs to from ever starting.
 * @throws InvalidRunIdError
 */
export function checkRunId(dagId: string, runId: string, logicalDate: string | undefined): void {
  const own = `${dagId}/`;
  const name = runId.startsWith(own) ? runId.slice(own.length) : runId;
  if (!NAME.test(name))
    throw new InvalidRunIdError(
      runId,
      `"${own}" and a name of at most 200 letters, digits, inner spaces and _ . : @ = + ~ -`,
    );
  const named = readMoment(name);
  if (name === runId || named === null) return;
  const given = logicalDate === undefined ? null : readMoment(logicalDate);
  if (given?.getTime() !== named.getTime())
    throw new InvalidRunIdError(
      runId,
      given === null
        ? `the logical date ${name} beside it, or a name that is no date`
        : `no other date than that of the run, ${normalMoment(given)}`,
    );
}
