import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { ToolError } from "@dagwright/mcp-kit";
import { readSnapshot, type Snapshot } from "evidently-lite";

/**
 * Writes a report to `root/kind/<key>.json`, whole or not at all; the same key replaces the same file.
 * @param key Any text; kept readable where it fits a file name, and made unique by its hash.
 * @returns The file's URL.
 */
export async function writeReport(root: string, kind: string, key: string, report: unknown): Promise<string> {
  return await writeWhole(join(root, kind, `${fileNameOf(key)}.json`), `${JSON.stringify(report, null, 2)}\n`);
}

/** Writes a page to `root/pages/<kind>-<key>.html`, as `writeReport` does. */
export async function writePage(root: string, kind: string, key: string, html: string): Promise<string> {
  return await writeWhole(join(root, "pages", `${kind}-${fileNameOf(key)}.html`), html);
}

/** Keeps a snapshot of a monitor; the same key replaces the same one. */
export async function keepSnapshot(root: string, monitor: string, key: string, snapshot: Snapshot): Promise<void> {
  await writeWhole(join(root, "snapshots", monitor, `${fileNameOf(key)}.json`), `${JSON.stringify(snapshot)}\n`);
}

/** The moment of a snapshot that was kept under this key; null where there is none. */
export async function snapshotMoment(root: string, monitor: string, key: string): Promise<string | null> {
  try {
    return readSnapshot(await readFile(join(root, "snapshots", monitor, `${fileNameOf(key)}.json`), "utf8")).timestamp;
  } catch {
    return null;
  }
}

/** The snapshots of a monitor in any order. @throws ToolError MONITOR_NOT_FOUND */
export async function readSnapshots(root: string, monitor: string): Promise<Snapshot[]> {
  const monitors = await namesIn(join(root, "snapshots"));
  if (!monitors.includes(monitor))
    throw new ToolError("MONITOR_NOT_FOUND", `Monitor "${monitor}" has no snapshot.`, {
      field: "monitor",
      hint:
        monitors.length === 0
          ? "Call detect_model_drift or monitor_model_performance with `monitor` first."
          : `There are: ${monitors.join(", ")}.`,
    });
  const folder = join(root, "snapshots", monitor);
  const files = (await namesIn(folder)).filter((name) => name.endsWith(".json"));
  return await Promise.all(files.map(async (name) => readSnapshot(await readFile(join(folder, name), "utf8"))));
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

function fileNameOf(key: string): string {
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 16);
  return `${key.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(-80)}-${hash}`;
}

async function writeWhole(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(draft, "wx");
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return pathToFileURL(file).href;
}
