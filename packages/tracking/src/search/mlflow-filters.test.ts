/** Corners of filter strings in which MLflow 3.17.2's store was asked what it takes. */
import { expect, test } from "vitest";
import { experimentFilter } from "./experiments.ts";
import { modelFilter, modelOrder, versionFilter, versionOrder } from "./registry.ts";
import { runFilter } from "./runs.ts";

const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });

test.each(["params.1a = 'x'", "params.1_a = 'x'", "params.`1` = 'x'", "metrics.f1.x > 2", "status='FINISHED'"])(
  "a search of runs takes %s",
  (filter) => expect(runFilter(filter).sql).not.toBe(""),
);
test.each([
  "params.1 = 'x'",
  "params.a.1 = 'x'",
  "metrics.1e5 > 2",
  "tags.1 IS NULL",
  "params.1.2 = 'x'",
  "tags. = 'x'",
])("a search of runs refuses %s: a key that is a number stands in quotes", (filter) =>
  expect(() => runFilter(filter)).toThrow(refused),
);
test.each(["`name` = 'x'", "\"name\" = 'x'", "attribute.`name` = 'x'", "`tags`.t = 'x'"])(
  "a search of models and versions refuses %s",
  (filter) => {
    expect(() => modelFilter(filter)).toThrow(refused);
    expect(() => versionFilter(filter)).toThrow(refused);
  },
);
test.each(["attribute.name = 'x'", "tags.`t` = 'x'", "tag.\"t\" = 'x'"])(
  "a search of models and versions takes %s",
  (filter) => {
    expect(modelFilter(filter).sql).not.toBe("");
    expect(versionFilter(filter).sql).not.toBe("");
  },
);
test("experiments take an attribute in quotes, and no entity in quotes", () => {
  expect(experimentFilter("`name` = 'x'").values).toEqual(["x"]);
  expect(() => experimentFilter("`tags`.t = 'x'")).toThrow(refused);
});
test("versions are ordered by an attribute with its entity, models are not", () => {
  expect(versionOrder(["attribute.name DESC"])).toBe("v.name DESC, v.version DESC");
  expect(() => modelOrder(["attribute.name DESC"])).toThrow(refused);
});
