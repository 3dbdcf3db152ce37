import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Rows of each side. */
  readonly rows: number;
  readonly columns: number;
  /** Rows of the stream that is measured alone; 0 for none. */
  readonly stream: number;
  readonly peer: boolean;
}

const HELP = "npm run bench -- drift [--rows 1000000] [--columns 50] [--stream 100000000] [--only-ours]";

/** Reads the arguments; says what is wrong with them and ends the process with 2. */
export function readOptions(args: readonly string[]): BenchOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rows: { type: "string", default: "1000000" },
        columns: { type: "string", default: "50" },
        stream: { type: "string", default: "100000000" },
        "only-ours": { type: "boolean", default: false },
      },
    });
    const number = (name: "rows" | "columns" | "stream", least: number) => {
      const value = Number(values[name]);
      if (Number.isInteger(value) && value >= least) return value;
      throw new Error(`--${name} is ${values[name]}: expected a whole number, ${least} or more`);
    };
    return {
      rows: number("rows", 2),
      columns: number("columns", 1),
      stream: number("stream", 0),
      peer: !values["only-ours"],
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${HELP}`);
    process.exit(2);
  }
}
