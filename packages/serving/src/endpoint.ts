import type { EndpointTest } from "./api.ts";
import { messageOf, ServingError } from "./errors.ts";
import type { FeatureRow } from "./served-model.ts";
import { BatchAnswer, ErrorAnswer, TEST_HEADER } from "./wire.ts";

const RELOAD_LIMIT_MS = 30_000;
const PREDICT_LIMIT_MS = 10_000;

/**
 * Has a server take another version.
 * @throws ServingError MODEL_INVALID, MODEL_FILE_UNREADABLE (it serves what it served), RELOAD_FAILED
 */
export async function reloadModel(endpoint: string, body: { version: number; modelPath: string }): Promise<void> {
  let response: Response;
  try {
    response = await post(`${endpoint}/reload-model`, body, RELOAD_LIMIT_MS);
    if (response.ok) return;
  } catch (error) {
    throw reloadFailed(endpoint, messageOf(error));
  }
  const answer = ErrorAnswer.safeParse(await response.json().catch(() => null));
  const { code, message } = answer.data ?? { code: "", message: `status ${response.status}` };
  if (code === "MODEL_INVALID" || code === "MODEL_FILE_UNREADABLE")
    throw new ServingError(code, message, { field: "model" });
  throw reloadFailed(endpoint, message);
}

function reloadFailed(endpoint: string, why: string): ServingError {
  return new ServingError("RELOAD_FAILED", `The server at ${endpoint} did not take the new version: ${why}.`, {
    retryable: true,
  });
}

/** Asks for predictions; `endpoint` is null where no server runs. */
export async function askPredictions(
  model: string,
  endpoint: string | null,
  rows: readonly FeatureRow[],
): Promise<EndpointTest> {
  const started = performance.now();
  const failed = (message: string): EndpointTest => ({
    ...{ ok: false, endpoint, version: null, predictions: [], message },
    latencyMs: performance.now() - started,
  });
  if (endpoint === null) return failed(`"${model}" has no running endpoint.`);
  try {
    const response = await post(`${endpoint}/predict/batch`, { rows }, PREDICT_LIMIT_MS);
    const body: unknown = await response.json();
    const latencyMs = performance.now() - started;
    if (!response.ok)
      return failed(ErrorAnswer.safeParse(body).data?.message ?? `It answered with status ${response.status}.`);
    const { predictions, version } = BatchAnswer.parse(body);
    if (predictions.length !== rows.length)
      return failed(`It gave ${predictions.length} predictions for ${rows.length} rows.`);
    return { ok: true, endpoint, version, predictions, latencyMs, message: null };
  } catch (error) {
    return failed(`${endpoint} did not answer as it should: ${messageOf(error)}`);
  }
}

async function post(url: string, body: unknown, limitMs: number): Promise<Response> {
  return await fetch(url, {
    method: "POST",
    // What is asked to see whether it answers is no traffic.
    headers: { "content-type": "application/json", [TEST_HEADER]: "1" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(limitMs),
  });
}
