import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAddress } from "./address.ts";
import { literal } from "./parameters.ts";

describe("an address", () => {
  test("has Spark's defaults", () => {
    expect(parseAddress("sc://spark")).toEqual({ host: "spark", port: 15002, tls: false, headers: {} });
    expect(parseAddress("sc://[::1]:7/;token=a%3Bb;use_ssl=false;x-team=ml")).toEqual({
      host: "[::1]",
      port: 7,
      tls: false,
      token: "a;b",
      headers: { "x-team": "ml" },
    });
    expect(parseAddress("sc://spark:443/;token=secret").tls).toBe(true);
    expect(parseAddress("sc://spark:443/;use_ssl=true").tls).toBe(true);
  });

  test.each([
    "http://spark",
    "sc://",
    "sc://spark:0",
    "sc://spark:70000",
    "sc://spark/;secret",
    "sc://spark/;use_ssl=yes",
    "sc://spark/;session_id=1",
    "sc://spark/;token=secret;use_ssl=false",
    "sc://spark/;token=%secret",
  ])("%s is refused, and a token is not repeated", (remote) => {
    expect(() => parseAddress(remote)).toThrow(expect.objectContaining({ code: "SPARK_ADDRESS", field: "remote" }));
    expect(() => parseAddress(remote)).toThrow(/^(?!.*secret)/);
  });

  test("any token comes back as it was", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (token) => {
        expect(parseAddress(`sc://h:1/;token=${encodeURIComponent(token)}`).token).toBe(token);
      }),
    );
  });
});

test("a value that cannot be bound names its parameter", () => {
  expect(() => literal("n", 2n ** 63n)).toThrow('Parameter "n" is 9223372036854775808; it must be within 64 bits.');
  expect(() => literal("t", new Date(Number.NaN))).toThrow('Parameter "t" is Invalid Date; it must be a valid date.');
});
