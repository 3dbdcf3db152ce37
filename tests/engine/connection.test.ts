/** What a client and a worker say when there is no Temporal. */
import { createRegistry } from "@dagwright/engine";
import { connectEngine } from "@dagwright/engine/client";
import { createDagWorker } from "@dagwright/engine/worker";
import { expect, it } from "vitest";
import { freePort } from "../product.ts";

it("TEMPORAL_UNREACHABLE within five seconds, with address and reason", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const services = { mcp: () => expect.unreachable() };
  for (const connect of [
    () => connectEngine({ address }),
    () => createDagWorker({ address, registry: createRegistry([]), services }),
  ]) {
    const since = Date.now();
    await expect(connect()).rejects.toMatchObject({
      code: "TEMPORAL_UNREACHABLE",
      retryable: true,
      message: expect.stringContaining(address),
      hint: expect.stringContaining("TEMPORAL_ADDRESS"),
    });
    expect(Date.now() - since).toBeLessThan(5_500);
  }
});
