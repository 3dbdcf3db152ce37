import { currentBody } from "./body.ts";
import { type Duration, millisecondsOf } from "./duration.ts";
import type { CommonNodeOptions } from "./node-options.ts";
import type { Ref, RefTo } from "./ref.ts";

/**
 * Waits for a span of time, or until a moment; it takes no worker's slot, and outlasts workers and servers. A moment that
 * has passed does not wait.
 *
 * @param time A duration, counted from when the node may start, or `{ until }`: an ISO-8601 moment, plain or a `Ref`.
 * @returns The moment at which it went on, ISO-8601.
 * @example wait("cool_off", "1d", { after: [trained] });
 */
export function wait(
  id: string,
  time: Duration | { readonly until: RefTo<string> | string },
  options: CommonNodeOptions = {},
): Ref<string> {
  const body = currentBody(`wait "${id}"`);
  if (typeof time === "object") return body.add({ id, kind: "wait", input: { until: time.until }, options });
  const delayMs = millisecondsOf(time);
  if (delayMs === null)
    body.mistake(`node "${id}": it waits for ${JSON.stringify(time)}: expected a duration such as "5m"`);
  return body.add({ id, kind: "wait", input: { delayMs: delayMs ?? 0 }, options });
}
