/**
 * Random DAGs with random outcomes, cleared and marked at random: both shells give the same, and the laws of
 * docs/semantics.md hold. `PROPERTY_RUNS` says how many; a failure prints the seed, which `PROPERTY_SEED` takes.
 */
import type { Dag, DagRegistry } from "@dagwright/engine";
import { Client, Connection } from "@temporalio/client";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { dagOf, scenarios } from "./random-dags.ts";
import { holdToLaws } from "./random-laws.ts";
import { comparable, inProcess, onTemporal, type Shell } from "./random-runs.ts";

/** Scenarios on the server at once. */
const AT_ONCE = 8;
const runs = Number(process.env["PROPERTY_RUNS"] ?? 40);
const seed = process.env["PROPERTY_SEED"] === undefined ? {} : { seed: Number(process.env["PROPERTY_SEED"]) };

let count = 0;

describe("for every DAG, outcome and clear", () => {
  it("the laws hold in process", async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const dag = dagOf("random", scenario);
        holdToLaws(dag, await inProcess(dag, `random/${++count}`, scenario));
      }),
      { numRuns: runs * 8, ...seed },
    );
  }, 120_000);
});

describe("for every DAG, outcome and clear, on a server", () => {
  let embedded: Embedded;
  let connection: Connection;
  let shell: Shell;
  const dags = new Map<string, Dag>();
  beforeAll(async () => {
    embedded = await startEmbedded("random");
    await embedded.worker(growing(dags));
    connection = await Connection.connect({ address: embedded.address });
    shell = onTemporal(embedded, new Client({ connection }), "random");
  });
  afterAll(async () => {
    await connection.close();
    await embedded.close();
  });

  it("the laws hold, and this process gives the same", async () => {
    const several = fc.array(scenarios, { minLength: 1, maxLength: AT_ONCE, size: "max" });
    await fc.assert(
      fc.asyncProperty(several, async (list) => {
        const checks = list.map(async (scenario) => {
          const id = `random_${++count}`;
          const dag = dagOf(id, scenario);
          for (const one of [dag, ...dag.children.values()]) dags.set(one.id, one);
          const temporal = await shell(dag, `${id}/one`, scenario);
          const here = await inProcess(dag, `${id}/one`, scenario);
          holdToLaws(dag, temporal);
          expect(here.map(comparable)).toEqual(temporal.map(comparable));
        });
        await Promise.all(checks);
      }),
      // About half of the most at once, on the average.
      { numRuns: Math.ceil((runs * 2) / AT_ONCE), ...seed, interruptAfterTimeLimit: 170_000 },
    );
  }, 180_000);
});

/** A registry that takes new DAGs. */
function growing(dags: ReadonlyMap<string, Dag>): DagRegistry {
  return {
    list: () => [...dags.values()],
    get: (id) => {
      const dag = dags.get(id);
      if (dag === undefined) throw new Error(`No DAG "${id}"`);
      return dag;
    },
  };
}
