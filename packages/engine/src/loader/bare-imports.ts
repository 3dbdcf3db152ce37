import { readFile, stat } from "node:fs/promises";
import { createRequire, isBuiltin } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Loader, Plugin } from "esbuild";

/** The folder of this package. */
export const ENGINE_FOLDER = fileURLToPath(new URL("../../", import.meta.url));

const requireOurs = createRequire(join(ENGINE_FOLDER, "package.json"));

/** Leaves packages outside the compiled files: those of the importing file's folder, else those of this engine. */
export function bareImports(): Plugin {
  const known = new Map<string, Promise<string | null>>();
  return {
    name: "bare-imports",
    setup(bundle) {
      bundle.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (kind === "entry-point" || pluginData === LOOK) return undefined;
        if (isBuiltin(path)) return { path, external: true };
        const key = `${resolveDir}\0${path}`;
        const found =
          known.get(key) ??
          packageFile(path, resolveDir, async () => {
            const { path: file } = await bundle.resolve(path, { kind, resolveDir, pluginData: LOOK });
            return file;
          });
        known.set(key, found);
        const url = await found;
        if (url !== null) return { path: url, external: true };
        return { errors: [{ text: `cannot find the package "${path}"; install it beside the file` }] };
      });
    },
  };
}

/** Marks a question of ours to esbuild, which asks its plugins first. */
const LOOK = Symbol("look");

async function packageFile(path: string, folder: string, look: () => Promise<string>): Promise<string | null> {
  const theirs = createRequire(join(folder, "dag.js"));
  for (const require of [theirs, requireOurs]) {
    const found = resolvedBy(require, path);
    if (found !== null) return pathToFileURL(await esmTwin(found)).href;
  }
  // A package for `import` alone is none to `require`.
  const found = await look();
  return found === "" ? null : pathToFileURL(found).href;
}

function resolvedBy(require: NodeJS.Require, path: string): string | null {
  try {
    return require.resolve(path);
  } catch {
    return null;
  }
}

/** `require.resolve` finds the CommonJS build of a package that has two; the ES module beside it is the one others load. */
async function esmTwin(file: string): Promise<string> {
  if (!file.endsWith(".cjs")) return file;
  const twin = `${file.slice(0, -".cjs".length)}.js`;
  return (await stat(twin).catch(() => null)) === null ? file : twin;
}

const LOADERS: Readonly<Record<string, Loader>> = { ".ts": "ts", ".mts": "ts", ".js": "js", ".mjs": "js" };

/** Compiled elsewhere, a module still knows itself by its own place; and where it looked for others is noted. */
export function ownPlaces(lookedIn: Set<string>): Plugin {
  return {
    name: "own-places",
    setup(bundle) {
      bundle.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        lookedIn.add(dirname(resolve(resolveDir, path)));
        return undefined;
      });
      bundle.onLoad({ filter: /\.m?[tj]s$/ }, async ({ path }) => {
        const text = await readFile(path, "utf8").catch(() => null);
        const loader = LOADERS[extname(path)];
        if (text === null || loader === undefined || !text.includes("import.meta.")) return undefined;
        const contents = text
          .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
          .replaceAll("import.meta.filename", JSON.stringify(path))
          .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)));
        return { contents, loader };
      });
    },
  };
}
