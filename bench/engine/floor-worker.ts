/** The worker of the floor, a process of its own: `ADDRESS`, then the task queue "by-hand". */
import { fileURLToPath } from "node:url";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";

Runtime.install({ logger: new DefaultLogger("WARN"), shutdownSignals: [] });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: process.argv[2] ?? "" }),
  taskQueue: "by-hand",
  workflowsPath: fileURLToPath(new URL("imperative-workflows.ts", import.meta.url)),
  activities: { step: async (value: number) => value + 1 },
});
process.on("SIGTERM", () => process.exit(0));
process.send?.("ready");
await worker.run();
