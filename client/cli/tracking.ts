import { type Command, InvalidArgumentError } from "commander";
import { show } from "./output.ts";
import { settingsOf } from "./session.ts";

/** MLflow's own port. */
const PORT = 5000;

export function addTracking(program: Command): void {
  const tracking = program.command("tracking").description("experiments, runs and registered models");
  tracking
    .command("serve")
    .description("serve them as an MLflow server for MLflow's clients, without web pages, until it is stopped")
    .option("--port <number>", "port to listen on, 0 for any that is free", portOf, PORT)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--json", "print the address as JSON", false)
    .addHelpText(
      "after",
      "\nExample:\n  $ dagwright tracking serve --port 5000\n  $ MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py\n",
    )
    .action(async ({ port, host, json }: { port: number; host: string; json: boolean }) => {
      const { serveTracking } = await import("@dagwright/tracking");
      const { root, databaseUrl } = settingsOf().tracking;
      const server = await serveTracking({ root, databaseUrl, port, host });
      show({ url: server.url, port: server.port, pid: process.pid }, json, ({ url }) =>
        [`Tracking is served at ${url}`, `  export MLFLOW_TRACKING_URI=${url}`, "Ctrl-C stops it."].join("\n"),
      );
      await new Promise<void>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
      });
      await server.close();
    });
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a port from 0 to 65535.");
}
