import { z } from "zod";
import type { Json } from "../core/graph.ts";

/** Params of a run that never had a plan are none. */
const Had = z.record(z.string(), z.custom<Json>()).catch({});

/**
 * The params with which a run begins anew: those it had that its DAG still takes, and those that are given.
 *
 * @param had Params as a run's view tells them.
 * @param known Names of the params that the DAG takes now.
 */
export function paramsAnew(
  had: unknown,
  given: Readonly<Record<string, Json>>,
  known: readonly string[],
): Readonly<Record<string, Json>> {
  const still = Object.entries(Had.parse(had)).filter(([name]) => known.includes(name));
  return { ...Object.fromEntries(still), ...given };
}
