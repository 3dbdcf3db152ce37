/** The text is no date: what dateutil raises, and catches itself. */
export class NotADate extends Error {}

/** A whole number as Python's int reads it. */
export function integer(text: string | undefined): number {
  if (text === undefined || !/^\s*[+-]?\d+\s*$/.test(text)) throw new NotADate();
  return Number(text);
}

/** Year, month and day as they come; which is which is settled at the end. */
export class YearMonthDay {
  readonly values: number[] = [];
  year: number | undefined;
  month: number | undefined;
  day: number | undefined;
  century = false;

  add(given: number | string, label?: "Y" | "M" | "D"): void {
    let as = label;
    if (typeof given === "string" ? /^\d{3,}$/.test(given) : given > 100) {
      this.century = true;
      if (label !== undefined && label !== "Y") throw new NotADate();
      as = "Y";
    }
    this.values.push(typeof given === "string" ? integer(given) : Math.trunc(given));
    const index = this.values.length - 1;
    if (as === "M") {
      if (this.month !== undefined) throw new NotADate();
      this.month = index;
    } else if (as === "Y") {
      if (this.year !== undefined) throw new NotADate();
      this.year = index;
    }
  }

  couldBeDay(value: number): boolean {
    if (this.day !== undefined) return false;
    if (this.month === undefined) return value >= 1 && value <= 31;
    const year = this.year === undefined ? 2000 : (this.values[this.year] ?? 2000);
    return value >= 1 && value <= daysIn(year, this.values[this.month] ?? 0);
  }

  /** [year, month, day], each where it is known. */
  settle(): readonly (number | undefined)[] {
    const { values, year, month } = this;
    const [a = 0, b = 0, c = 0] = values;
    const at = (index: number | undefined) => (index === undefined ? undefined : values[index]);
    const labelled = [year, month].filter((index) => index !== undefined).length;
    if (values.length === labelled && labelled > 0) return [at(year), at(month), undefined];
    if (values.length === 3 && labelled === 2) {
      return [at(year), at(month), at([0, 1, 2].find((index) => index !== year && index !== month))];
    }
    if (values.length > 3) throw new NotADate();
    if (values.length === 1 || (month !== undefined && values.length === 2)) {
      const other = month === undefined ? a : values[month === 0 ? values.length - 1 : month - 1];
      if (values.length === 1 && month !== undefined) return [undefined, at(month), undefined];
      return (other ?? 0) > 31 ? [other, at(month), undefined] : [undefined, at(month), other];
    }
    if (values.length === 2) {
      if (a > 31) return [a, b, undefined];
      if (b > 31) return [b, a, undefined];
      return [undefined, a, b];
    }
    if (values.length === 0) return [undefined, undefined, undefined];
    if (month === 0) return b > 31 ? [b, a, c] : [c, a, b];
    if (month === 1) return a > 31 ? [a, b, c] : [c, b, a];
    if (month === 2) return b > 31 ? [b, c, a] : [a, c, b];
    if (a > 31 || year === 0) return [a, b, c];
    return a > 12 ? [c, b, a] : [c, a, b];
  }
}

/** Days of a month. @throws NotADate outside of Python's bounds. */
export function daysIn(year: number, month: number): number {
  if (year < 1 || year > 9999 || month < 1 || month > 12) throw new NotADate();
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}
