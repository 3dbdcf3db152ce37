import { InvalidParamsError, type Json, paramsAnew, planRun } from "@dagwright/engine";
import type { EngineClient } from "@dagwright/engine/client";
import type { RunStore } from "@dagwright/engine/store";
import { nearest } from "@dagwright/mcp-kit/nearest";
import { z } from "zod";
import { knownDags, settingsOf } from "./session.ts";

type Params = Readonly<Record<string, Json>>;

const ParamsSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()).default({}) });

/**
 * Checks params that a run is to be cleared with before it is touched: by the DAG as the code at hand has it, together
 * with those that the run had; of a DAG that no file at hand has, their names by the version that ran.
 *
 * @throws InvalidParamsError naming the param, its value and what was expected.
 */
export async function checkClearedParams(
  engine: EngineClient,
  store: RunStore,
  runId: string,
  given: Params,
  files: readonly string[],
): Promise<void> {
  if (Object.keys(given).length === 0) return;
  const { dagId, dagVersion, params } = await engine.getRun(runId);
  const { dags } = await knownDags(settingsOf(), files);
  const dag = dags.find(({ id }) => id === dagId);
  if (dag !== undefined) {
    const all = paramsAnew(params, given, Object.keys(dag.params.shape));
    planRun(dag, { runId: "check", params: all, conf: {}, trigger: "manual", now: new Date() });
    return;
  }
  const kept = ParamsSchema.safeParse((await store.getDag(dagId, dagVersion))?.params);
  if (!kept.success) return;
  const known = Object.keys(kept.data.properties);
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  const [first] = unknown;
  if (first === undefined) return;
  const problems = unknown.map((name) => {
    const meant = nearest(name, known);
    const suggestion = meant === undefined ? "" : `; did you mean "${meant}"?`;
    return `version ${dagVersion}, which ran, has no param "${name}"${suggestion} (if the code has it by now: --dags FILE)`;
  });
  throw new InvalidParamsError(dagId, first, problems, known);
}
