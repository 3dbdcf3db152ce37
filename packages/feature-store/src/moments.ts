import { InvalidFeatureRequestError } from "./errors.ts";

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/;

/** A moment of a request: microseconds since the epoch, and its one way of being written. */
export interface Moment {
  readonly us: number;
  /** `2026-03-01T10:00:00.000000Z` */
  readonly iso: string;
}

/**
 * Reads an ISO-8601 moment to the microsecond; without a zone it is UTC.
 * @throws InvalidFeatureRequestError that names the field.
 */
export function readMoment(field: string, text: string): Moment {
  const moment = momentIn(text);
  if (moment === undefined) throw new InvalidFeatureRequestError(field, `"${text}" is not an ISO-8601 moment`);
  return moment;
}

/** The moment that an ISO-8601 text names, as `readMoment` reads it; undefined when it names none. */
export function momentIn(text: string): Moment | undefined {
  const [, day, minute = "00:00", second = "00", fraction = "", zone = "Z"] = ISO.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  const ms = Date.parse(`${day}T${minute}:${second}${colonIn(zone)}`);
  if (Number.isNaN(ms)) return undefined;
  const below = fraction.padEnd(6, "0");
  return { us: ms * 1000 + Number(below), iso: `${new Date(ms).toISOString().slice(0, -4)}${below}Z` };
}

/** Whether the calendar has it: JavaScript takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  const date = new Date(day);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

/** `+0200` as `+02:00`. */
function colonIn(zone: string): string {
  return zone.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
}

const DAY_US = 86_400_000_000;
let lastDay = Number.NaN;
let lastDate = "";

/** ISO-8601 to the millisecond of microseconds since the epoch. */
export function isoOf(us: number | null): string | null {
  if (us === null) return null;
  // A read formats hundreds of moments, most of them of one day.
  const day = Math.floor(us / DAY_US);
  if (day !== lastDay) {
    lastDate = new Date(day * (DAY_US / 1000)).toISOString().slice(0, -14);
    lastDay = day;
  }
  const ms = Math.floor((us - day * DAY_US) / 1000);
  const [seconds, minutes] = [Math.floor(ms / 1000), Math.floor(ms / 60_000)];
  return `${lastDate}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}.${String(ms % 1000).padStart(3, "0")}Z`;
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
