import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as front from "./index.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const programs = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);

test("the README has programs", () => expect(programs.length).toBeGreaterThanOrEqual(4));

test.each(programs)("%#: what a program of the README says beside a line is so", (program) => {
  let said = 0;
  const run = program
    .replace(/^import (\{[^}]*\}) from "evidently-lite";$/m, "const $1 = front;")
    .replace(/^(.+?); \/\/ (.+)$/gm, (_, code: string, value: string) => {
      said += 1;
      return `says(${code}, ${value});`;
    });
  new Function("front", "says", run)(front, (got: unknown, wanted: unknown) => expect(got).toEqual(wanted));
  expect(said).toBeGreaterThan(0);
});
