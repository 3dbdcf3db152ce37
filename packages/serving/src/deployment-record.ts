import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errnoOf, messageOf, ServingError } from "./errors.ts";
import { writeWhole } from "./whole-file.ts";

const Served = z.object({ version: z.number().int(), runId: z.string(), modelPath: z.string() });

/** What is deployed under a model's name: `<root>/<model>.json`. */
const DeploymentRecord = Served.extend({
  model: z.string(),
  /** The port it listens on, or listened on last. */
  port: z.number().int(),
  /** Null when it was stopped. */
  pid: z.number().int().nullable(),
  /** Of one server process; null when it was stopped. */
  deploymentId: z.string().nullable(),
  startedAt: z.iso.datetime(),
  previous: Served.nullable(),
  /** Key of the rollback that led here: the same call again must not roll back once more. */
  rollbackKey: z.string().optional(),
});
export type DeploymentRecord = Readonly<z.infer<typeof DeploymentRecord>>;

/** Reads a record; null when there is none. @throws ServingError RECORD_UNREADABLE */
export async function readRecord(file: string): Promise<DeploymentRecord | null> {
  try {
    return DeploymentRecord.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw new ServingError("RECORD_UNREADABLE", `The deployment record ${file} cannot be read: ${messageOf(error)}.`, {
      hint: "Delete the file and deploy the model again.",
      cause: error,
    });
  }
}

/** Writes a record whole or not at all. @throws ServingError DISK_FULL */
export async function writeRecord(file: string, record: DeploymentRecord): Promise<void> {
  await writeWhole(file, new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`));
}

export async function removeRecord(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** Names of the models that have a record, sorted. */
export async function recordedModels(root: string): Promise<string[]> {
  const names = await readdir(root);
  return names
    .filter((name) => name.endsWith(".json") && !name.startsWith("."))
    .map((name) => name.slice(0, -".json".length))
    .sort();
}

export function recordFile(root: string, model: string): string {
  return join(root, `${model}.json`);
}
