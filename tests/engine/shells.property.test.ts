/**
 * Random DAGs with random outcomes, cleared and marked at random: both shells give the same, and the laws of
 * docs/semantics.md hold. `PROPERTY_RUNS` says how many, `PROPERTY_SEED` which.
 */
import type { Dag, DagRegistry } from "@dagwright/engine";
import { Client, Connection } from "@temporalio/client";
import { DefaultLogger, Runtime } from "@temporalio/worker";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Embedded, startEmbedded } from "./embedded.ts";
import { dagOf, type Scenario, scenarios } from "./random-dags.ts";
import { holdToLaws } from "./random-laws.ts";
import { comparable, inProcess, onTemporal, type Shell } from "./random-runs.ts";

/** Scenarios on the server at once. */
const AT_ONCE = 8;
const runs = Number(process.env["PROPERTY_RUNS"] ?? 40);

let count = 0;

describe("for every DAG, outcome and clear", () => {
  it("the laws hold in process", async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const dag = dagOf("random", scenario);
        holdToLaws(dag, await inProcess(dag, `random/${++count}`, scenario));
      }),
      { numRuns: runs * 8 },
    );
  }, 120_000);
});

describe("for every DAG, outcome and clear, on a server", () => {
  let embedded: Embedded;
  let connection: Connection;
  let shell: Shell;
  const dags = new Map<string, Dag>();
  beforeAll(async () => {
    // Tasks fail by the hundred here, and are meant to: the worker's warnings would tell of each.
    Runtime.install({ logger: new DefaultLogger("ERROR"), shutdownSignals: [] });
    embedded = await startEmbedded("random");
    await embedded.worker(growing(dags));
    connection = await Connection.connect({ address: embedded.address });
    shell = onTemporal(embedded, new Client({ connection }), "random");
  });
  afterAll(async () => {
    await connection.close();
    await embedded.close();
  });

  async function agree(scenario: Scenario): Promise<void> {
    const id = `random_${++count}`;
    const dag = dagOf(id, scenario);
    for (const one of [dag, ...dag.children.values()]) dags.set(one.id, one);
    const temporal = await shell(dag, `${id}/one`, scenario);
    const here = await inProcess(dag, `${id}/one`, scenario);
    expect(here.map(comparable)).toEqual(temporal.map(comparable));
    holdToLaws(dag, temporal);
  }

  it("the laws hold, and this process gives the same", async () => {
    const several = fc.array(scenarios, { minLength: AT_ONCE, maxLength: AT_ONCE });
    await fc.assert(
      fc.asyncProperty(several, async (list) => {
        const checked = await Promise.allSettled(list.map(agree));
        const failed = checked.findIndex(({ status }) => status === "rejected");
        if (failed < 0) return;
        const { reason } = checked[failed] as PromiseRejectedResult;
        throw new Error(`${JSON.stringify(list[failed])}: ${(reason as Error).message}`, { cause: reason });
      }),
      // On a server shrinking would take minutes: the scenario that failed is named.
      { numRuns: Math.ceil(runs / AT_ONCE), endOnFailure: true },
    );
  }, 1_800_000);
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
