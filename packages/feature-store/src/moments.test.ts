import fc from "fast-check";
import { expect, test } from "vitest";
import { isoOf, readMoment } from "./moments.ts";

test("moments are written as Date writes them, to the millisecond", () => {
  // As far as a number holds microseconds: from 1684 to 2255.
  const us = fc.maxSafeInteger();
  fc.assert(
    fc.property(us, (one) => {
      expect(isoOf(one)).toBe(new Date(Math.floor(one / 1000)).toISOString());
    }),
  );
  expect(isoOf(null)).toBeNull();
});

test("moments are read to the microsecond, in any zone, without one in UTC", () => {
  const us = Date.parse("2026-03-01T10:00:00Z") * 1000;
  expect(readMoment("until", "2026-03-01T10:00:00.000001Z")).toEqual({
    us: us + 1,
    iso: "2026-03-01T10:00:00.000001Z",
  });
  for (const text of [
    "2026-03-01T10:00",
    "2026-03-01 10:00:00",
    "2026-03-01T12:00:00+02:00",
    "2026-03-01T12:00:00.0+0200",
  ]) {
    expect(readMoment("until", text).us).toBe(us);
  }
  expect(readMoment("until", "2026-03-01").iso).toBe("2026-03-01T00:00:00.000000Z");
  for (const text of ["", "now", "2026-13-01", "2026-02-31", "1772359200", "2026-03-01T25:00:00Z"]) {
    expect(() => readMoment("until", text)).toThrow(`until: "${text}" is not an ISO-8601 moment`);
  }
});
