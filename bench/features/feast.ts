/** Feast, in a Python process of its own that answers one command at a time. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { pythonPeer } from "../engine/installs.ts";
import { asService } from "../engine/processes.ts";

export const FEAST = "0.67.0";

const Historical = z.object({ seconds: z.number(), rows: z.number() });
const Online = z.object({
  times: z.array(z.number()),
  last: z.record(z.string(), z.array(z.number().nullable())),
});
const Failure = z.object({ error: z.string() });

export interface FeastPeer {
  /** Seconds of one point-in-time join, and how many rows it gave; `saveTo` is a Parquet file for its values. */
  historical(offlineStore: "dask" | "duckdb", saveTo?: string): Promise<z.output<typeof Historical>>;
  /** Seconds of each read, one read for each list of users, and the values of the last, by their names. */
  online(onlineStore: "sqlite" | "redis", users: readonly (readonly number[])[]): Promise<z.output<typeof Online>>;
  end(): Promise<void>;
}

/** Installs Feast where it is missing, and starts it. */
export async function startFeast(
  folder: string,
  data: { readonly tables: Readonly<Record<string, string>>; readonly entities: string; readonly redis: string },
): Promise<FeastPeer> {
  const programs = await pythonPeer("feast", [`feast[duckdb,redis]==${FEAST}`]);
  const script = fileURLToPath(new URL("feast_peer.py", import.meta.url));
  const child = spawn(join(programs, "python"), [script, folder, JSON.stringify(data)], {
    cwd: folder,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-2_000);
  });
  const service = asService("Feast", child, () => words);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  async function ask<T>(schema: z.ZodType<T>, ...command: readonly unknown[]): Promise<T> {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`Feast ended: ${words.trim().split("\n").slice(-3).join(" | ")}`);
      if (!value.startsWith("ANSWER ")) continue;
      const answer: unknown = JSON.parse(value.slice("ANSWER ".length));
      const failure = Failure.safeParse(answer);
      if (failure.success) throw new Error(`Feast: ${failure.data.error.slice(0, 300)}`);
      return schema.parse(answer);
    }
  }
  return {
    historical: (offlineStore, saveTo) =>
      ask(Historical, "historical", offlineStore, ...(saveTo === undefined ? [] : [saveTo])),
    online: (onlineStore, users) => ask(Online, "online", onlineStore, users),
    end: () => service.end(),
  };
}
