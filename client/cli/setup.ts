import { type NamespaceSetup, setUpNamespace } from "@dagwright/engine/server";
import type { Command } from "commander";
import { z } from "zod";
import { show, UsageError } from "./output.ts";
import { settingsOf } from "./session.ts";

export function addSetup(program: Command): void {
  program
    .command("setup")
    .description("make a Temporal server of your own ready: namespace and search attributes; twice is once")
    .option("--retention <days>", "how long a new namespace keeps runs that have ended", "7")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      "\nExample:\n  $ TEMPORAL_ADDRESS=temporal.internal:7233 TEMPORAL_NAMESPACE=ml dagwright setup\n",
    )
    .action(async (options: { retention: string; json: boolean }) => {
      const { address, namespace, apiKey, tls } = settingsOf().temporal;
      const retentionDays = daysOf(options.retention);
      const done = await setUpNamespace({ address, namespace, apiKey, tls, retentionDays });
      show({ address, ...done }, options.json, setupText);
    });
}

function setupText({ address, namespace, created, added }: NamespaceSetup & { readonly address: string }): string {
  return [
    `${address}, namespace ${namespace}: ${created ? "created" : "is there"}`,
    added.length === 0 ? "search attributes: all there" : `search attributes added: ${added.join(", ")}`,
  ].join("\n");
}

function daysOf(text: string): number {
  const parsed = z.coerce.number().int().min(1).max(3650).safeParse(text);
  if (!parsed.success) throw new UsageError(`--retention is "${text}": expected a whole number of days from 1 to 3650`);
  return parsed.data;
}
