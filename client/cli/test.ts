import type { Command } from "commander";
import { handOver } from "./worker.ts";

interface TestOptions {
  dag?: string;
  params: string;
  conf: string;
  logicalDate?: string;
  cache: boolean;
  answers: string;
  mocks: string;
  json: boolean;
}

export function addTest(program: Command): void {
  program
    .command("test <file>")
    .description("run a DAG of a file once, in a process of its own and without a server; prints the run as JSON")
    .option("--dag <id>", "which DAG, when the file holds several")
    .option("--params <json>", "params as a JSON object", "{}")
    .option("--conf <json>", "free data for the run, as a JSON object", "{}")
    .option("--logical-date <date>", "the day or moment the run is for")
    .option("--no-cache", "tasks with a cache run all the same")
    .option("--answers <json>", "what a person would answer, by approval", "{}")
    .option("--mocks <json>", "outputs that stand in for tasks, by task or node", "{}")
    .option("--json", "errors as JSON, too (the run always is)", false)
    .addHelpText(
      "after",
      `
Examples:
  $ dagwright test workflows/daily-ml-pipeline.ts --logical-date 1998-01-31
  $ dagwright test release.ts --answers '{"go":{"approved":true,"by":"ada"}}' --mocks '{"build":{"image":"x"}}'
`,
    )
    .action(async (file: string, options: TestOptions) => {
      process.exitCode = await handOver("run-in-process.ts", [
        file,
        ...["--params", options.params, "--conf", options.conf],
        ...["--answers", options.answers, "--mocks", options.mocks],
        ...(options.cache ? [] : ["--no-cache"]),
        ...(options.json ? ["--json"] : []),
        ...(options.dag === undefined ? [] : ["--dag", options.dag]),
        ...(options.logicalDate === undefined ? [] : ["--logical-date", options.logicalDate]),
      ]);
    });
}
