import type { Metafile } from "esbuild";

/**
 * The circle in which a file stands with others by importing each other, from it back to itself, the shortest there is:
 * a value that it needs while it is read may not be there yet. Null where there is none.
 *
 * @param inputs What each file imports, as esbuild tells it; a path is as it stands there.
 */
export function importCircle(inputs: Metafile["inputs"], file: string): readonly string[] | null {
  const ways: string[][] = [[file]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const { path } of inputs[way.at(-1) ?? file]?.imports ?? []) {
      if (path === file) return [...way, file];
      if (seen.has(path) || !(path in inputs)) continue;
      seen.add(path);
      ways.push([...way, path]);
    }
  }
  return null;
}
