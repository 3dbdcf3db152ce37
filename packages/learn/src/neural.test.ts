import { describe, expect, test } from "vitest";
import { accuracy } from "./classification-metrics.ts";
import { puzzle, wine } from "./fixtures/samples.ts";
import { serializeModel } from "./model-file.ts";
import { regressionMetrics } from "./regression-metrics.ts";
import { train } from "./train.ts";

describe("neural_network", () => {
  const quick = { hidden_layer_sizes: [16], max_iter: 60, learning_rate_init: 0.02, batch_size: 60 };

  test("tells three wines apart, and says what trained it", async () => {
    const learnt = wine(Array.from({ length: 178 }, (_, row) => row).filter((row) => row % 4 !== 0));
    const asked = wine(Array.from({ length: 178 }, (_, row) => row).filter((row) => row % 4 === 0));
    const model = await train({ algorithm: "neural_network", ...learnt, params: quick });
    expect(accuracy(asked.target, model.predict(asked.columns))).toBeGreaterThan(0.93);
    expect(["wasm", "tensorflow"]).toContain(model.backend);
    const again = await train({ algorithm: "neural_network", ...learnt, params: quick });
    expect(Buffer.compare(serializeModel(again), serializeModel(model))).toBe(0);
  });

  test("learns numbers far from zero, with missing values, and ends early", async () => {
    const { columns, target } = puzzle(600, 1, "regression");
    let epochs = 0;
    const model = await train({
      algorithm: "neural_network",
      task: "regression",
      columns,
      target,
      params: { ...quick, activation: "tanh", early_stopping: true, n_iter_no_change: 3, max_iter: 400 },
      onProgress: ({ done }) => {
        epochs = done;
      },
    });
    expect(epochs).toBeLessThan(400);
    const asked = puzzle(300, 2, "regression");
    expect(regressionMetrics(asked.target, model.predict(asked.columns)).r2).toBeGreaterThan(0.5);
  });

  test("ends when the signal is aborted", async () => {
    const abort = new AbortController();
    const training = train({
      algorithm: "neural_network",
      ...wine(),
      signal: abort.signal,
      onProgress: () => abort.abort(new Error("enough")),
    });
    await expect(training).rejects.toThrow("enough");
  });

  test.each([
    [{ hidden_layer_sizes: [] }, "params.hidden_layer_sizes"],
    [{ activation: "swish" }, "params.activation"],
    [{ momentum: 1 }, "params.momentum"],
  ])("refuses %j", async (params, field) => {
    const error = train({ algorithm: "neural_network", ...wine(), params });
    await expect(error).rejects.toMatchObject({ code: "INVALID_PARAM", field });
  });
});
