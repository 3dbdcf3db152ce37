import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureTemporalBinary } from "../packages/engine/src/server/index.ts";

/** Fetches the Temporal binary once, into the project's own state folder, and puts it on the tests' PATH. */
export async function setup(): Promise<void> {
  const home = join(fileURLToPath(new URL("..", import.meta.url)), ".dagwright");
  const binary = await ensureTemporalBinary({ home, log: (line) => console.error(line) });
  process.env["PATH"] = `${dirname(binary)}${delimiter}${process.env["PATH"] ?? ""}`;
}
