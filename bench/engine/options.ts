import { parseArgs } from "node:util";

/** The parts of the bench, in the order in which they run. */
export const PARTS = ["ours", "floor", "mapped", "postgres", "prefect", "airflow"] as const;
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  readonly parts: readonly Part[];
  /** How often each workload is measured; Airflow's, which take a minute, half as often. */
  readonly rounds: number;
}

const HELP = `npm run bench -- engine [--only ${PARTS.join(",")}] [--rounds 5]`;

/** Reads the arguments; says what is wrong with them and ends the process with 2. */
export function readOptions(args: readonly string[]): BenchOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { only: { type: "string", default: PARTS.join(",") }, rounds: { type: "string", default: "5" } },
    });
    const named = values.only.split(",").map((name) => name.trim());
    const unknown = named.find((name) => !PARTS.some((part) => part === name));
    if (unknown !== undefined) throw new Error(`There is no part "${unknown}"`);
    const rounds = Number(values.rounds);
    if (!(Number.isInteger(rounds) && rounds >= 1)) throw new Error(`--rounds is ${values.rounds}: expected 1 or more`);
    // The floor and the mapped tasks are measured on the server that ours has started.
    const onOurs = named.includes("floor") || named.includes("mapped");
    return { parts: PARTS.filter((part) => named.includes(part) || (part === "ours" && onOurs)), rounds };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${HELP}`);
    process.exit(2);
  }
}
