import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isAlive } from "@dagwright/engine/server";
import { z } from "zod";

const DagPaths = z.array(z.string());

const folderOf = (home: string) => join(home, "up");

/**
 * Notes in the state folder which DAG files this process runs with, so that other commands know them too.
 *
 * @returns Takes the note away.
 */
export function recordUp(home: string, dags: readonly string[]): () => void {
  const file = join(folderOf(home), `${process.pid}.json`);
  mkdirSync(folderOf(home), { recursive: true });
  writeFileSync(file, `${JSON.stringify(dags.map((path) => resolve(path)))}\n`);
  return () => rmSync(file, { force: true });
}

/** The DAG files and folders, absolute, of every `up` that runs on a state folder. */
export function dagsOfUp(home: string): readonly string[] {
  const paths = notes(home).flatMap((name) => {
    // One that was killed left its note behind.
    if (!isAlive(Number.parseInt(name, 10))) return [];
    try {
      return DagPaths.parse(JSON.parse(readFileSync(join(folderOf(home), name), "utf8")));
    } catch {
      // It ended at this moment, or is just being written.
      return [];
    }
  });
  return [...new Set(paths)];
}

function notes(home: string): readonly string[] {
  try {
    return readdirSync(folderOf(home)).filter((name) => /^[1-9]\d*\.json$/.test(name));
  } catch {
    return [];
  }
}
