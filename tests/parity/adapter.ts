/**
 * `npm run --silent parity`: reads one JSON request a line ({ id, op, input }) and answers one JSON line, in order.
 * Each area's operations stand in `ops/`; they call the public functions of the packages and nothing more.
 */
import { createInterface } from "node:readline";
import { z } from "zod";
import { ops as ab } from "./ops/ab.ts";
import { ops as drift } from "./ops/drift.ts";
import { ops as engine } from "./ops/engine.ts";
import { ops as features } from "./ops/features.ts";
import { ops as hpo } from "./ops/hpo.ts";
import { ops as metrics } from "./ops/metrics.ts";
import { ops as ml } from "./ops/ml.ts";
import { ops as quality } from "./ops/quality.ts";

const ops: Record<string, (input: unknown) => unknown> = {
  ...ab,
  ...drift,
  ...engine,
  ...features,
  ...hpo,
  ...metrics,
  ...ml,
  ...quality,
};
const Request = z.object({ id: z.unknown().optional(), op: z.string(), input: z.unknown() });

/** Non-finite numbers as the strings that the other side reads; everything else as JSON has it. */
function encode(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

async function answer(line: string): Promise<unknown> {
  try {
    const { op, input } = Request.parse(JSON.parse(line));
    const handler = ops[op];
    if (handler === undefined) throw new Error(`unknown op ${op}`);
    return await handler(input);
  } catch (error) {
    return { error: true, message: error instanceof Error ? error.message : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  process.stdout.write(`${JSON.stringify(await answer(line), encode) ?? "null"}\n`);
}
process.stdout.write("", () => process.exit());
