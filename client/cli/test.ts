import type { Command } from "commander";
import { handOver } from "./worker.ts";

export function addTest(program: Command): void {
  program
    .command("test <file>")
    .description("run a DAG of a file once, in a process of its own and without a server; prints the run as JSON")
    .option("--dag <id>", "which DAG, when the file holds several")
    .option("--params <json>", "params as a JSON object", "{}")
    .option("--conf <json>", "free data for the run, as a JSON object", "{}")
    .option("--logical-date <date>", "the day or moment the run is for")
    .option("--json", "(always on: the run is printed as JSON)", true)
    .addHelpText("after", "\nExample:\n  $ dagwright test workflows/daily-ml-pipeline.ts --logical-date 1998-01-31\n")
    .action(async (file: string, options: { dag?: string; params: string; conf: string; logicalDate?: string }) => {
      process.exitCode = await handOver("run-in-process.ts", [
        file,
        "--params",
        options.params,
        "--conf",
        options.conf,
        ...(options.dag === undefined ? [] : ["--dag", options.dag]),
        ...(options.logicalDate === undefined ? [] : ["--logical-date", options.logicalDate]),
      ]);
    });
}
