import { currentBody } from "./body.ts";
import type { CommonNodeOptions } from "./node-options.ts";
import type { Ref, Resolved } from "./ref.ts";

/**
 * Works out a value from others: pure glue, run inside the scheduler's own step. The function sees plain values.
 *
 * @param refs `Ref`s, plain values, or structures of both: the function's arguments, in order.
 * @param run Must give the same for the same arguments; its result must be JSON.
 * @example const good = derive("good_enough", [model.metrics.val_f1, params.minF1], (f1, min) => f1 > min);
 */
export function derive<const Refs extends readonly unknown[], Result>(
  id: string,
  refs: Refs,
  run: (...args: { -readonly [Index in keyof Refs]: Resolved<Refs[Index]> }) => Result,
  options: CommonNodeOptions = {},
): Ref<Awaited<Result>> {
  return currentBody(`derive "${id}"`).add({
    id,
    kind: "derive",
    input: refs,
    options: { ...options, light: true },
    run,
  });
}
