// As CPython 3.11's _strptime writes them, in the locale C.
const DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday";
const SHORT_DAYS = "mon|tue|wed|thu|fri|sat|sun";
const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const SHORT_MONTHS = MONTHS.map((month) => month.slice(0, 3));
const DIRECTIVES: Readonly<Record<string, string>> = {
  a: `(?:${SHORT_DAYS})`,
  A: `(?:${DAYS})`,
  b: `(?<b>${SHORT_MONTHS.join("|")})`,
  B: `(?<B>${MONTHS.toSorted((a, b) => b.length - a.length).join("|")})`,
  d: "(?<d>3[0-1]|[1-2]\\d|0[1-9]|[1-9]| [1-9])",
  f: "(?:[0-9]{1,6})",
  G: "(?<G>\\d\\d\\d\\d)",
  H: "(?:2[0-3]|[0-1]\\d|\\d)",
  I: "(?:1[0-2]|0[1-9]|[1-9])",
  j: "(?<j>36[0-6]|3[0-5]\\d|[1-2]\\d\\d|0[1-9]\\d|00[1-9]|[1-9]\\d|0[1-9]|[1-9])",
  m: "(?<m>1[0-2]|0[1-9]|[1-9])",
  M: "(?:[0-5]\\d|\\d)",
  p: "(?:am|pm)",
  S: "(?<S>6[0-1]|[0-5]\\d|\\d)",
  u: "(?:[1-7])",
  U: "(?:5[0-3]|[0-4]\\d|\\d)",
  V: "(?:5[0-3]|0[1-9]|[1-4]\\d|\\d)",
  w: "(?:[0-6])",
  W: "(?:5[0-3]|[0-4]\\d|\\d)",
  y: "(?<y>\\d\\d)",
  Y: "(?<Y>\\d\\d\\d\\d)",
  z: "(?:[+-]\\d\\d:?[0-5]\\d(?::?[0-5]\\d(?:\\.\\d{1,6})?)?|Z)",
  Z: "(?:utc|gmt)",
  "%": "%",
};
const COMPOSED: Readonly<Record<string, string>> = { c: "%a %b %d %H:%M:%S %Y", x: "%m/%d/%y", X: "%H:%M:%S" };

/** What is wrong with a format of Python's `datetime.strptime`; undefined where nothing is. */
export function formatProblem(format: string): string | undefined {
  const whole = composed(format);
  const given = [...whole.matchAll(/%(.?)/gsu)].map(([, directive = ""]) => directive).filter((one) => one !== "%");
  const unknown = given.find((directive) => DIRECTIVES[directive] === undefined);
  if (unknown !== undefined) return `%${unknown} is no directive of strptime`;
  const twice = given.find((directive, index) => given.indexOf(directive) < index);
  if (twice !== undefined) return `%${twice} stands in it twice`;
  const has = (directives: string) => given.some((directive) => directives.includes(directive));
  if (has("V") && !has("G")) return "%V needs the year %G";
  if (has("G") && (!has("V") || !has("aAwu") || has("j"))) return "%G needs %V and a day of the week, and no %j";
  return undefined;
}

function composed(format: string): string {
  return format.replace(/%(.?)/gsu, (all, directive: string) => COMPOSED[directive] ?? all);
}

/** Whether a text can be read in a format, as Python's `datetime.strptime` reads it; see `formatProblem`. */
export function strptimeReader(format: string): (text: string) => boolean {
  const whole = composed(format);
  let source = "";
  for (let at = 0; at < whole.length; at += 1) {
    const character = whole[at] ?? "";
    if (character === "%") {
      at += 1;
      source += DIRECTIVES[whole[at] ?? ""] ?? "(?!)";
    } else if (/\s/.test(character)) {
      while (/\s/.test(whole[at + 1] ?? "")) at += 1;
      source += "\\s+";
    } else {
      source += character.replace(/[$()*+.?[\\\]^{|}/]/, "\\$&");
    }
  }
  const compiled = new RegExp(`^(?:${source})`, "i");
  return (text) => {
    const found = compiled.exec(text);
    return found !== null && found[0].length === text.length && isDate(found.groups ?? {});
  };
}

function isDate(parts: Readonly<Record<string, string | undefined>>): boolean {
  if (Number(parts["S"] ?? 0) > 59) return false;
  const short = parts["y"] === undefined ? undefined : Number(parts["y"]) + (Number(parts["y"]) < 69 ? 2000 : 1900);
  const year = parts["Y"] === undefined ? (short ?? 1900) : Number(parts["Y"]);
  const named = parts["B"] ?? parts["b"];
  const inYear = parts["j"];
  const lastDay = (month: number) => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (year < 1) return false;
  if (inYear !== undefined && parts["m"] === undefined && named === undefined) {
    return Number(inYear) <= 365 || lastDay(2) === 29;
  }
  const month =
    named === undefined ? Number(parts["m"] ?? 1) : SHORT_MONTHS.indexOf(named.slice(0, 3).toLowerCase()) + 1;
  return Number(parts["d"] ?? 1) <= lastDay(month);
}
