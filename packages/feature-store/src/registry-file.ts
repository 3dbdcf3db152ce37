import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Entity, FeatureView } from "./definitions.ts";

/** Writes the applied definitions as JSON, whole or not at all, and only when they differ from what is there. */
export async function writeRegistry(
  file: string,
  entities: readonly Entity[],
  views: readonly FeatureView[],
): Promise<void> {
  const registry = {
    schema: 1,
    entities,
    featureViews: views.map((view) => ({ ...view, entities: view.entities.map(({ name }) => name) })),
  };
  const text = `${JSON.stringify(registry, null, 2)}\n`;
  if ((await readIfThere(file)) === text) return;
  await mkdir(dirname(file), { recursive: true });
  const half = `${file}.${process.pid}.${Date.now()}.tmp`;
  const handle = await open(half, "w");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(half, file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
