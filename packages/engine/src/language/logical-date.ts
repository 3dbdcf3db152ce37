import { InvalidLogicalDateError } from "./errors.ts";

/** A moment in the form that run ids carry: ISO-8601 in UTC, without milliseconds when they are zero. */
export function normalMoment(moment: Date): string {
  return moment.toISOString().replace(".000Z", "Z");
}

const FORM = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads a logical date: a day (midnight UTC) or an ISO-8601 moment (no zone = UTC).
 * @throws InvalidLogicalDateError also for a day that the calendar does not have (30 February).
 */
export function parseLogicalDate(text: string): Date {
  const moment = readMoment(text);
  if (moment === null) throw new InvalidLogicalDateError(text);
  return moment;
}

/** The same; null of what is no logical date. */
export function readMoment(text: string): Date | null {
  const [, year, month, day, time = "00:00", zone = "Z"] = FORM.exec(text.trim()) ?? [];
  // JavaScript rolls 30 February over into March; we do not.
  const calendar = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const moment = new Date(`${year}-${month}-${day}T${time}${zone}`);
  return Number.isNaN(moment.getTime()) || calendar.getUTCDate() !== Number(day) ? null : moment;
}

/**
 * The id of the run (and Temporal workflow) for a logical date: `<dag id>/<normal form>`.
 * @throws InvalidLogicalDateError
 */
export function workflowIdFor(dagId: string, logicalDate: string | Date): string {
  const moment = typeof logicalDate === "string" ? parseLogicalDate(logicalDate) : logicalDate;
  return `${dagId}/${normalMoment(moment)}`;
}
