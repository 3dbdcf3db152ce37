import { expect, test } from "vitest";
import { onDemandView } from "./definitions.ts";
import { transformed } from "./transformations.ts";

const given = (type: "int" | "bigint", value: number | string) => {
  const view = onDemandView({
    ...{ name: "computed", sources: [], request: { amount: "double" }, features: { f: "bigint" } },
    transform: () => ({ f: value }),
  });
  return transformed([{ view, features: [{ feature: "f", type, column: "f" }], inputs: [] }], {})["f"];
};

test("integers that a transformation gives must fit their type, so that historical and online are the same", () => {
  for (const one of [0, 2 ** 31 - 1, -(2 ** 31)]) expect(given("int", one)).toBe(one);
  for (const one of [2 ** 31, 0.5, "7"]) expect(() => given("int", one)).toThrow("where int is expected");
  const most = "9223372036854775807";
  for (const one of [2 ** 53 - 1, most, `-${most}`]) expect(given("bigint", one)).toBe(one);
  for (const one of [2 ** 53, 1e20, "9223372036854775808", "1.5"]) {
    expect(() => given("bigint", one)).toThrow("where bigint is expected");
  }
});
