import type { AttemptLog, FollowedLine, LogFilter } from "@dagwright/engine/client";
import { LogLevel, logText } from "@dagwright/engine/logs";
import type { Command } from "commander";
import { z } from "zod";
import { show, UsageError } from "./output.ts";
import { settingsOf, withEngine } from "./session.ts";

interface LogOptions {
  readonly attempt?: string;
  readonly level?: string;
  readonly tail?: string;
  readonly follow: boolean;
  readonly json: boolean;
}

export function addRunLogs(runs: Command): void {
  runs
    .command("logs <run> [task]")
    .description("what the attempts of a run, or of one task, have logged")
    .option("--attempt <n>", "only of this attempt, counted from 1")
    .option("--level <level>", `only lines of this level and graver: ${LogLevel.options.join(", ")}`)
    .option("--tail <n>", "the last lines of each attempt")
    .option("--follow", "go on until the run has ended; with --json one line of JSON for each line", false)
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nExamples:\n  $ dagwright runs logs daily_ml_pipeline/1998-01-31T00:00:00Z train --level warn\n  $ dagwright runs logs daily_ml_pipeline/1998-01-31T00:00:00Z --follow --tail 10\n",
    )
    .action(async (runId: string, task: string | undefined, options: LogOptions) => {
      const filter: LogFilter = {
        attempt: countOf("--attempt", options.attempt),
        level: levelOf(options.level),
        tail: countOf("--tail", options.tail),
      };
      await withEngine(settingsOf(), async (engine) => {
        const found = options.follow ? [] : await engine.taskLogs(runId, task, filter);
        if (!options.follow) return show(found, options.json, logsText);
        for await (const line of engine.followLogs(runId, { ...filter, task })) show(line, options.json, followedText);
      });
    });
}

function logsText(found: readonly AttemptLog[]): string {
  if (found.length === 0) return "No attempt was recorded";
  return found
    .flatMap(({ taskId, attempt, state, error, lines }) => [
      `── ${taskId}, attempt ${attempt}: ${state}`,
      ...lines.map(logText),
      ...(error === undefined ? [] : [`${error.code}: ${error.message}`]),
    ])
    .join("\n");
}

function followedText({ taskId, attempt, ...line }: FollowedLine): string {
  return `${taskId}${attempt === 1 ? "" : `#${attempt}`} ${logText(line)}`;
}

function levelOf(text: string | undefined): LogLevel | undefined {
  if (text === undefined) return undefined;
  const parsed = LogLevel.safeParse(text.toLowerCase());
  if (!parsed.success) throw new UsageError(`--level is "${text}": expected one of ${LogLevel.options.join(", ")}`);
  return parsed.data;
}

function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = z.coerce.number().int().min(1).safeParse(text);
  if (!parsed.success) throw new UsageError(`${option} is "${text}": expected a whole number from 1 on`);
  return parsed.data;
}
