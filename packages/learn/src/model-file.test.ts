import { expect, test } from "vitest";
import { CLASSIFIERS, puzzle, wine } from "./fixtures/samples.ts";
import { loadModel, serializeModel } from "./model-file.ts";
import { train } from "./train.ts";

test.each(CLASSIFIERS)("%s comes back from bytes the same", async (algorithm) => {
  for (const sample of [wine(), puzzle(200, 1)]) {
    const model = await train({ algorithm, ...sample });
    const bytes = serializeModel(model);
    // Not at the start of its buffer, as when read from a pool.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const loaded = loadModel(shifted.subarray(3));
    expect(serializeModel(loaded)).toEqual(bytes);
    expect(loaded.predictProba(sample.columns)).toEqual(model.predictProba(sample.columns));
    const { algorithm: name, task, featureNames, classes, params, featureImportance } = model;
    expect(loaded).toMatchObject({ algorithm: name, task, featureNames, classes, params, featureImportance });
  }
});

test("a regression comes back too", async () => {
  const sample = puzzle(200, 1, "regression");
  const model = await train({ algorithm: "gradient_boosting", task: "regression", ...sample });
  expect(loadModel(serializeModel(model)).predict(sample.columns)).toEqual(model.predict(sample.columns));
});

test("foreign bytes, another version and a cut are refused", async () => {
  const bytes = serializeModel(
    await train({ algorithm: "random_forest", ...puzzle(100, 1), params: { n_estimators: 3 } }),
  );
  const refused = expect.objectContaining({ code: "INVALID_MODEL", field: "bytes", retryable: false });
  const load = (given: Uint8Array): unknown => {
    try {
      return loadModel(given);
    } catch (error) {
      return error;
    }
  };
  expect(load(new TextEncoder().encode("PK, not a model at all"))).toEqual(refused);
  expect(load(new Uint8Array())).toEqual(refused);
  const newer = bytes.slice();
  newer[7] = 9;
  expect(String(load(newer))).toContain("they are of version 9; this package reads versions 2 and 3");
  for (let length = 0; length < bytes.length; length += 7) expect(load(bytes.subarray(0, length))).toEqual(refused);
  expect(String(load(Uint8Array.of(...bytes, 0)))).toContain("1 bytes are left over");
});

test("damaged trees are refused rather than walked for ever", async () => {
  const sample = puzzle(200, 1);
  const bytes = serializeModel(await train({ algorithm: "random_forest", ...sample, params: { n_estimators: 2 } }));
  let refusals = 0;
  for (let at = 0; at < bytes.length; at += 5) {
    const damaged = bytes.slice();
    damaged[at]! ^= 0x41;
    try {
      loadModel(damaged).predict(sample.columns);
    } catch (error) {
      expect(error).toMatchObject({ name: "LearnError" });
      refusals++;
    }
  }
  expect(refusals).toBeGreaterThan(100);
});
