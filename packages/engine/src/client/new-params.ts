import { z } from "zod";
import type { DagGraph, Json } from "../core/graph.ts";
import { InvalidParamsError } from "../language/errors.ts";
import { problemsOf } from "../language/problems.ts";

const ObjectSchema = z.looseObject({ properties: z.record(z.string(), z.looseObject({})).default({}) });

/**
 * Checks params that a run is to begin anew with against what its DAG took when it ran last, before anything of it is
 * given up. What the DAG did not know then, and rules that JSON Schema cannot say, are for the worker, which knows the
 * DAG as it is now.
 *
 * @throws InvalidParamsError naming the param, its value and what was expected.
 */
export function checkNewParams({ dagId, params: kept }: DagGraph, params: { readonly [key: string]: Json }): void {
  const schema = ObjectSchema.safeParse(kept);
  if (!schema.success) return;
  const { properties } = schema.data;
  const checked = zodOf(schema.data)?.safeParse(params);
  if (checked === undefined || checked.success) return;
  // What is missing here the run has from before.
  const told = checked.error.issues.filter(({ path: [name] }) => Object.hasOwn(params, String(name ?? "")));
  const problems = problemsOf(told, params);
  if (problems.length === 0) return;
  throw new InvalidParamsError(
    dagId,
    problems[0]?.field ?? "params",
    problems.map(({ message }) => message),
    Object.keys(properties),
  );
}

/** Undefined of a schema that zod cannot read back. */
function zodOf(schema: Parameters<typeof z.fromJSONSchema>[0]): z.ZodType | undefined {
  try {
    return z.fromJSONSchema(schema);
  } catch {
    return undefined;
  }
}
