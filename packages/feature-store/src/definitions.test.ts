import { expect, test } from "vitest";
import { checkDefinitions, entity, featureService, featureView, onDemandView } from "./definitions.ts";
import { InvalidFeatureDefinitionError } from "./errors.ts";

const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
const spending = featureView({
  name: "spending",
  entities: [user],
  source: { table: "spending", timestampField: "event_timestamp", createdTimestampColumn: "created" },
  ttl: 24 * 3_600_000,
  features: { spend: "double", visits: "bigint" },
});
const ratio = onDemandView({
  name: "ratio",
  sources: [spending],
  request: { amount: "double" },
  features: { of_spend: "double" },
  transform: ({ spending: { spend }, request: { amount } }) => ({ of_spend: spend && amount && amount / spend }),
});

test("one definition is checked, and the field at fault named", () => {
  expect(() => featureView({ ...spending, features: {} })).toThrow(InvalidFeatureDefinitionError);
  expect(() => featureView({ ...spending, features: { user_id: "bigint" } })).toThrow(
    'Feature view "spending": features.user_id: is a join key or a timestamp already',
  );
  expect(() => featureView({ ...spending, name: "a:b" })).toThrow("name: must be letters");
  const clash = { ...ratio, request: { user_id: "int" }, transform: () => ({ of_spend: 1 }) } as const;
  expect(() => onDemandView(clash)).toThrow("request.user_id: is a join key");
});

test("names that queries keep for themselves are refused", () => {
  expect(() => featureView({ ...spending, features: { __held: "double" } })).toThrow(InvalidFeatureDefinitionError);
  expect(() => entity({ name: "user", joinKey: "__at", type: "bigint" })).toThrow(
    'Entity "user": joinKey: must not begin with two underscores',
  );
});

test("definitions are checked together", () => {
  const store = { entities: [user], views: [spending], services: [] };
  expect(() => checkDefinitions(store)).not.toThrow();
  expect(() => checkDefinitions({ ...store, entities: [] })).toThrow(
    'entity "user" is not among the store\'s entities',
  );
  const elsewhere = featureView({ ...spending, ttl: 1 });
  expect(() => checkDefinitions({ ...store, views: [elsewhere, ratio] })).toThrow(
    'On-demand view "ratio": sources: feature view "spending" is not among the store\'s views, or differs there',
  );
  const services = [featureService({ name: "s", features: ["spending:spent"] })];
  expect(() => checkDefinitions({ ...store, services })).toThrow(
    'Feature service "s": features: there is no feature "spending:spent"',
  );
  for (const feature of ["constructor", "__proto__", "spend:", "spend:spend"]) {
    const odd = [featureService({ name: "s", features: [`spending:${feature}`] })];
    expect(() => checkDefinitions({ ...store, services: odd })).toThrow(`there is no feature "spending:${feature}"`);
  }
});
