import { createInterface } from "node:readline/promises";
import { UsageError } from "./output.ts";

/**
 * Whether the person at the terminal agrees, after they have seen what it is about.
 * @throws UsageError when nobody is there to be asked
 */
export async function agreed(question: string, about: string, json: boolean): Promise<boolean> {
  if (!process.stdin.isTTY || json) throw new UsageError(`${question} There is nobody to ask`, "Add --yes");
  process.stderr.write(`${about}\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
