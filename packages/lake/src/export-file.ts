import { randomUUID } from "node:crypto";
import { copyFile, mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { ExportResult } from "./api.ts";
import type { Bindings, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { quoteLiteral } from "./names.ts";

const FORMATS = {
  parquet: "FORMAT parquet, COMPRESSION zstd",
  // A text that is empty is quoted, a null is not.
  csv: "FORMAT csv, HEADER true, NULLSTR '', FORCE_QUOTE *",
} as const;

/** The real path of an export below the folder of exports; its folders are made. @throws LakeError EXPORT_PATH */
export async function exportPath(root: string | undefined, path: string): Promise<string> {
  const bad = (why: string) =>
    new LakeError("EXPORT_PATH", `The export path ${JSON.stringify(path)} ${why}.`, { field: "path" });
  if (root === undefined) throw bad("cannot be written: this lake was opened without exportRoot");
  const parts = path.split("/");
  if (parts.some((part) => !/^[A-Za-z0-9_][\w.-]*$/.test(part))) throw bad("must be a relative path of plain names");
  await mkdir(root, { recursive: true });
  const real = await realpath(root);
  const folder = join(real, dirname(path));
  await mkdir(folder, { recursive: true });
  // A symbolic link on the way may lead out.
  const inside = await realpath(folder);
  if (inside !== real && !inside.startsWith(real + sep)) throw bad("leads out of the folder of exports");
  return join(inside, basename(path));
}

/** Writes the rows of a query to one file, whole or not at all; a file of that name is replaced. */
export async function exportRows(
  session: Session,
  o: { sql: string; bindings: Bindings; format: "parquet" | "csv"; target: string; scratch: string },
): Promise<ExportResult> {
  const draft = join(o.scratch, randomUUID());
  const [[count] = []] = await session.rows(
    `COPY (${o.sql.replace(/;\s*$/, "")}\n) TO ${quoteLiteral(draft)} (${FORMATS[o.format]}, USE_TMP_FILE false)`,
    o.bindings,
  );
  const { size } = await stat(draft);
  await moveFile(draft, o.target);
  return { path: o.target, rows: Number(count), bytes: size };
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    // Another file system: copied beside the target first, so that a reader never sees half of it.
    const beside = `${to}.${randomUUID()}.part`;
    await copyFile(from, beside);
    await rename(beside, to);
    await rm(from, { force: true });
  }
}
