import { SourceMap } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ENGINE_FOLDER } from "./bare-imports.ts";

/** A place in a stack: "at step (file:///home/ada/orders.ts:3:9)". */
const FRAME = /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?\.m?[tj]s):(\d+):(\d+)\)?$/;
const INLINE_MAP = /\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/;

/**
 * Where an error was thrown: "line 3" of the file itself, or "stages.ts line 3" of another near it. Null when its stack
 * leads to no source.
 *
 * @param code Compiled modules with their source maps: Node follows these only when it is told to.
 */
export function placeOfError(error: unknown, file: string, code: ReadonlyMap<string, string>): string | null {
  const frames = error instanceof Error ? (error.stack ?? "").split("\n") : [];
  for (const frame of frames) {
    const [, place = "", line = "", column = ""] = FRAME.exec(frame) ?? [];
    const path = place.startsWith("file://") ? fileURLToPath(place) : place;
    if (path === "" || path.startsWith(ENGINE_FOLDER) || path.includes("node_modules")) continue;
    const at = sourceOf(path, Number(line), Number(column), code.get(path));
    return at.path === file ? `line ${at.line}` : `${relative(dirname(file), at.path)} line ${at.line}`;
  }
  return null;
}

function sourceOf(path: string, line: number, column: number, compiled = ""): { path: string; line: number } {
  const [, encoded] = INLINE_MAP.exec(compiled) ?? [];
  if (encoded === undefined) return { path, line };
  const entry = new SourceMap(JSON.parse(Buffer.from(encoded, "base64").toString())).findEntry(line - 1, column - 1);
  if (!("originalSource" in entry)) return { path, line };
  return { path: resolve(dirname(path), entry.originalSource), line: entry.originalLine + 1 };
}
