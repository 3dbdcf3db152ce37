import Module, { createRequire, isBuiltin } from "node:module";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What a module exports, by name. */
export type Exports = Readonly<Record<string, unknown>>;

/** Modules that were run, by the path that holds their hash: what has not changed is not run again. */
export type KnownModules = Map<string, Exports>;

/** An import of a package, as CommonJS writes it. */
const PACKAGE = /\brequire\("(file:[^"]+)"\)/g;

/**
 * How to get at compiled modules. Those given as CommonJS are run here: Node's way to import a file goes through a
 * thread of its own, and takes ten times as long.
 */
export async function moduleLoader(
  code: ReadonlyMap<string, string>,
  known: KnownModules,
): Promise<(path: string) => Promise<Exports>> {
  const packages = new Map<string, Exports>();
  const urls = new Set([...code.values()].flatMap((text) => [...text.matchAll(PACKAGE)].map(([, url = ""]) => url)));
  const failed = new Map<string, unknown>();
  await Promise.all(
    [...urls].map(async (url) => {
      try {
        const exported: Exports = await import(url);
        packages.set(url, { ...exported, __esModule: true });
      } catch (error) {
        failed.set(url, error);
      }
    }),
  );
  for (const path of known.keys()) if (!code.has(path)) known.delete(path);
  const run = (path: string): Exports => {
    const before = known.get(path);
    if (before !== undefined) return before;
    const module = new Module(path);
    module.filename = path;
    const ofNode = createRequire(path);
    const require = (name: string): unknown => {
      if (isBuiltin(name)) return ofNode(name);
      if (failed.has(name)) throw failed.get(name);
      return packages.get(name) ?? run(resolve(dirname(path), name));
    };
    Object.assign(module, { require });
    const exported: Exports = module.exports;
    known.set(path, exported);
    try {
      // Node's own way to run CommonJS: it knows source maps, `new Function` does not.
      Reflect.apply(Reflect.get(module, "_compile"), module, [withDefaults(code.get(path) ?? ""), path]);
    } catch (error) {
      known.delete(path);
      throw error;
    }
    const done: Exports = module.exports;
    known.set(path, done);
    return done;
  };
  return async (path) => (code.has(path) ? run(path) : await import(pathToFileURL(path).href));
}

/** In an `.mjs` esbuild takes a package's default export for its `module.exports`, as Node does; ours are ES modules. */
function withDefaults(text: string): string {
  return text.replace(/__toESM\((require\("file:[^"]+"\)), 1\)/g, "__toESM($1)");
}
