import { daysIn, integer, NotADate, YearMonthDay } from "./dateutil-days.ts";
import { tokensOf } from "./dateutil-tokens.ts";

const JUMPS = new Set([
  " ",
  ".",
  ",",
  ";",
  "-",
  "/",
  "'",
  "at",
  "on",
  "and",
  "ad",
  "m",
  "t",
  "of",
  "st",
  "nd",
  "rd",
  "th",
]);
const WEEKDAYS = new Set(
  "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday".split(" "),
);
const MONTHS =
  "jan|january feb|february mar|march apr|april may jun|june jul|july aug|august sep|sept|september oct|october nov|november dec|december"
    .split(" ")
    .map((names) => names.split("|"));
const UNITS = [
  ["h", "hour", "hours"],
  ["m", "minute", "minutes"],
  ["s", "second", "seconds"],
];
const HALVES = [
  ["am", "a"],
  ["pm", "p"],
];

function place(words: readonly (readonly string[])[], token: string | undefined): number | undefined {
  if (token === undefined) return undefined;
  const index = words.findIndex((names) => names.includes(token.toLowerCase()));
  return index < 0 ? undefined : index;
}
const isJump = (token: string) => JUMPS.has(token.toLowerCase());
const isUtc = (token: string) => ["utc", "gmt", "z"].includes(token.toLowerCase());

function decimal(text: string | undefined): number {
  if (text === undefined || !/^\d+\.?\d*$|^\.\d+$/.test(text)) throw new NotADate();
  return Number(text);
}

/**
 * Whether Python's `dateutil.parser.parse` (2.9) reads a text as a date, a time or both: the same lexer and the same
 * rules, so that 13/01/2026, "Jan 5th, 2026 at 10pm" and 20260101T1030 are, and "yesterday" and 31 February are not.
 */
export function readsAsDate(text: string): boolean {
  try {
    return new DateReader(tokensOf(text)).read();
  } catch (error) {
    if (error instanceof NotADate) return false;
    throw error;
  }
}

class DateReader {
  readonly #tokens: string[];
  readonly #date = new YearMonthDay();
  #hour: number | undefined;
  #minute: number | undefined;
  #second: number | undefined;
  #weekday = false;
  #zone: string | undefined;
  #offset: number | undefined;

  constructor(tokens: string[]) {
    this.#tokens = tokens;
  }

  read(): boolean {
    for (let at = 0; at < this.#tokens.length; at += 1) at = this.#one(at);
    const [given, month, day] = this.#date.settle();
    const parts = [given, month, day, this.#hour, this.#minute, this.#second, this.#zone, this.#offset];
    if (parts.every((part) => part === undefined) && !this.#weekday) return false;
    const year = given === undefined ? new Date().getUTCFullYear() : this.#fullYear(given);
    const last = daysIn(year, month ?? 1);
    const within = (value: number | undefined, low: number, high: number) =>
      value === undefined || (value >= low && value <= high);
    return (
      within(day, 1, last) && within(this.#hour, 0, 23) && within(this.#minute, 0, 59) && within(this.#second, 0, 59)
    );
  }

  #fullYear(year: number): number {
    if (year >= 100 || this.#date.century) return year;
    const now = new Date().getUTCFullYear();
    const near = year + Math.floor(now / 100) * 100;
    if (near >= now + 50) return near - 100;
    return near < now - 50 ? near + 100 : near;
  }

  /** Reads from one token on, and gives the last one that was used. */
  #one(at: number): number {
    const tokens = this.#tokens;
    const token = tokens[at] ?? "";
    if (/^(nan|inf|infinity)$/i.test(token)) throw new NotADate();
    if (/^\d+\.?\d*$|^\.\d+$/.test(token)) return this.#number(at);
    if (WEEKDAYS.has(token.toLowerCase())) {
      this.#weekday = true;
      return at;
    }
    const month = place(MONTHS, token);
    if (month !== undefined) return this.#monthName(at, month + 1);
    const half = place(HALVES, token);
    if (half !== undefined) {
      if (this.#hour === undefined || this.#hour < 0 || this.#hour > 12) throw new NotADate();
      this.#hour = adjusted(this.#hour, half);
      return at;
    }
    const named = this.#hour !== undefined && this.#zone === undefined && this.#offset === undefined;
    if (named && token.length <= 5 && (/^[A-Z]*$/.test(token) || ["UTC", "GMT", "Z", "z"].includes(token))) {
      this.#zone = token;
      this.#offset = isUtc(token) ? 0 : undefined;
      const sign = tokens[at + 1];
      if (sign === "+" || sign === "-") {
        tokens[at + 1] = sign === "+" ? "-" : "+";
        this.#offset = undefined;
        if (isUtc(token)) this.#zone = undefined;
      }
      return at;
    }
    if (this.#hour !== undefined && (token === "+" || token === "-")) return this.#zoneOffset(at);
    if (!isJump(token)) throw new NotADate();
    return at;
  }

  #monthName(start: number, month: number): number {
    const tokens = this.#tokens;
    let at = start;
    this.#date.add(month, "M");
    const mark = tokens[at + 1];
    if (mark === "-" || mark === "/") {
      this.#date.add(this.#at(at + 2));
      if (tokens[at + 3] === mark) {
        this.#date.add(this.#at(at + 4));
        at += 2;
      }
      at += 2;
    } else if (
      mark === " " &&
      tokens[at + 3] === " " &&
      tokens[at + 2]?.toLowerCase() === "of" &&
      at + 4 < tokens.length
    ) {
      const year = this.#at(at + 4);
      if (/^\d+$/.test(year)) this.#date.add(String(this.#fullYear(Number(year))), "Y");
      at += 4;
    }
    return at;
  }

  #zoneOffset(start: number): number {
    const tokens = this.#tokens;
    let at = start;
    const digits = this.#at(at + 1);
    let seconds: number;
    if (digits.length === 4) {
      seconds = integer(digits.slice(0, 2)) * 3600 + integer(digits.slice(2)) * 60;
    } else if (tokens[at + 2] === ":") {
      seconds = integer(digits) * 3600 + integer(this.#at(at + 3)) * 60;
      at += 2;
    } else if (digits.length <= 2) {
      seconds = integer(digits) * 3600;
    } else {
      throw new NotADate();
    }
    // Python's offsets lie within a day.
    if (seconds >= 86_400) throw new NotADate();
    this.#offset = tokens[start] === "+" ? seconds : -seconds;
    const name = tokens[at + 4] ?? "";
    const bracketed = tokens[at + 3] === "(" && tokens[at + 5] === ")" && isJump(tokens[at + 2] ?? "");
    if (bracketed && name.length >= 3 && name.length <= 5 && /^[A-Z]+$/.test(name) && this.#zone === undefined) {
      this.#zone = name;
      at += 4;
    }
    return at + 1;
  }

  #number(start: number): number {
    const tokens = this.#tokens;
    const date = this.#date;
    let at = start;
    const token = this.#at(at);
    const value = decimal(token);
    const next = tokens[at + 1];
    const { length } = token;
    if (
      date.values.length === 3 &&
      (length === 2 || length === 4) &&
      this.#hour === undefined &&
      (next === undefined || (next !== ":" && place(UNITS, next) === undefined))
    ) {
      this.#hour = integer(token.slice(0, 2));
      if (length === 4) this.#minute = integer(token.slice(2));
    } else if (length === 6 || (length > 6 && token.indexOf(".") === 6)) {
      if (date.values.length === 0 && !token.includes(".")) {
        for (const part of [token.slice(0, 2), token.slice(2, 4), token.slice(4)]) date.add(part);
      } else {
        this.#hour = integer(token.slice(0, 2));
        this.#minute = integer(token.slice(2, 4));
        this.#seconds(token.slice(4));
      }
    } else if (length === 8 || length === 12 || length === 14) {
      date.add(token.slice(0, 4), "Y");
      date.add(token.slice(4, 6));
      date.add(token.slice(6, 8));
      if (length > 8) {
        this.#hour = integer(token.slice(8, 10));
        this.#minute = integer(token.slice(10, 12));
        if (length > 12) this.#second = integer(token.slice(12));
      }
    } else if (this.#unitAt(at) !== undefined) {
      const unit = this.#unitAt(at) ?? at;
      this.#measure(token, value, (place(UNITS, tokens[unit]) ?? 0) + (unit > at ? 0 : 1));
      if (unit > at) at = unit;
    } else if (next === ":" && at + 2 < tokens.length) {
      this.#hour = Math.trunc(value);
      this.#minutes(decimal(tokens[at + 2]));
      if (tokens[at + 3] === ":" && at + 4 < tokens.length) {
        this.#seconds(this.#at(at + 4));
        at += 2;
      }
      at += 2;
    } else if (next === "-" || next === "/" || next === ".") {
      at = this.#separated(at, next);
    } else if (next === undefined || isJump(next)) {
      const half = place(HALVES, tokens[at + 2]);
      if (half !== undefined) {
        this.#hour = adjusted(Math.trunc(value), half);
        at += 1;
      } else {
        date.add(value);
      }
      at += 1;
    } else if (place(HALVES, next) !== undefined && value >= 0 && value < 24) {
      this.#hour = adjusted(Math.trunc(value), place(HALVES, next) ?? 0);
      at += 1;
    } else if (date.couldBeDay(value)) {
      date.add(value);
    } else {
      throw new NotADate();
    }
    return at;
  }

  /** 01-02, 01/Jan/2026. */
  #separated(start: number, mark: string): number {
    const tokens = this.#tokens;
    let at = start;
    this.#date.add(this.#at(at));
    const second = tokens[at + 2];
    if (second !== undefined && !isJump(second)) {
      this.#dayOrMonth(second);
      if (tokens[at + 3] === mark) {
        const third = this.#at(at + 4);
        const month = place(MONTHS, third);
        if (month === undefined) this.#date.add(third);
        else this.#date.add(month + 1, "M");
        at += 2;
      }
      at += 1;
    }
    return at + 1;
  }

  #dayOrMonth(token: string): void {
    if (/^\d+$/.test(token)) {
      this.#date.add(token);
      return;
    }
    const month = place(MONTHS, token);
    if (month === undefined) throw new NotADate();
    this.#date.add(month + 1, "M");
  }

  /** Where the word stands that says of a number that it is hours, minutes or seconds. */
  #unitAt(at: number): number | undefined {
    const tokens = this.#tokens;
    const isUnit = (index: number) => index >= 0 && place(UNITS, tokens[index]) !== undefined;
    if (isUnit(at + 1)) return at + 1;
    if (tokens[at + 1] === " " && isUnit(at + 2)) return at + 2;
    if (isUnit(at - 1)) return at - 1;
    const last = at > 1 && at === tokens.length - 1 && tokens[at - 1] === " ";
    return last && isUnit(at - 2) ? at - 2 : undefined;
  }

  #measure(token: string, value: number, unit: number): void {
    if (unit === 0) {
      this.#hour = Math.trunc(value);
      if (value % 1 !== 0) this.#minute = Math.trunc(60 * (value % 1));
    } else if (unit === 1) {
      this.#minutes(value);
    } else if (unit === 2) {
      this.#seconds(token);
    }
  }

  #minutes(value: number): void {
    this.#minute = Math.trunc(value);
    this.#second = value % 1 === 0 ? undefined : Math.trunc(60 * (value % 1));
  }

  #seconds(token: string): void {
    const [whole, rest] = token.split(".");
    this.#second = integer(whole);
    if (rest !== undefined) integer(rest.padEnd(6, "0").slice(0, 6));
  }

  #at(index: number): string {
    const token = this.#tokens[index];
    if (token === undefined) throw new NotADate();
    return token;
  }
}

function adjusted(hour: number, half: number): number {
  if (hour < 12 && half === 1) return hour + 12;
  return hour === 12 && half === 0 ? 0 : hour;
}
