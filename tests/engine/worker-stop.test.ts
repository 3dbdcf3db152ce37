import { createRegistry } from "@dagwright/engine";
import { createDagWorker } from "@dagwright/engine/worker";
import { expect, it } from "vitest";
import { services, startEmbedded } from "./embedded.ts";

it("a worker that is asked to stop before it polls ends as soon as it would poll", async () => {
  const { address, close } = await startEmbedded();
  try {
    const worker = await createDagWorker({ address, registry: createRegistry([]), services });
    worker.shutdown();
    await expect(worker.run()).resolves.toBeUndefined();
  } finally {
    await close();
  }
});
