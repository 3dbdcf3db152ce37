import { createHash } from "node:crypto";
import { mkdir, realpath, rename, stat, writeFile } from "node:fs/promises";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const ENGINE_FOLDER = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Imports a DAG file from anywhere. A file that finds this very engine by its own `node_modules` is imported as it is;
 * any other is compiled into `cacheFolder` with its bare imports (`@dagwright/engine`, `zod`) bound to ours, so that a
 * file in an empty folder works.
 */
export async function importDagFile(file: string, cacheFolder: string): Promise<Record<string, unknown>> {
  const real = await realpath(file);
  if (await findsThisEngine(dirname(real))) return await import(pathToFileURL(real).href);
  const result = await build({
    entryPoints: [real],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    logLevel: "silent",
    plugins: [bareImportsFrom(dirname(real))],
  });
  const code = result.outputFiles[0]?.contents ?? new Uint8Array();
  await mkdir(cacheFolder, { recursive: true });
  const compiled = join(cacheFolder, `${createHash("sha256").update(code).digest("hex").slice(0, 16)}.mjs`);
  await writeFile(`${compiled}.${process.pid}`, code);
  await rename(`${compiled}.${process.pid}`, compiled);
  return await import(pathToFileURL(compiled).href);
}

async function findsThisEngine(folder: string): Promise<boolean> {
  const ours = await realpath(ENGINE_FOLDER);
  for (let at = folder; ; at = dirname(at)) {
    const theirs = await realpath(join(at, "node_modules", "@dagwright", "engine")).catch(() => null);
    if (theirs !== null) return theirs === ours || `${theirs}/` === ours;
    if (dirname(at) === at) return false;
  }
}

/** Leaves packages outside the compiled file: the folder's own where it has them, else those of this engine. */
function bareImportsFrom(folder: string): Plugin {
  const theirs = createRequire(join(folder, "dag.js"));
  const ours = createRequire(join(ENGINE_FOLDER, "package.json"));
  return {
    name: "bare-imports",
    setup(bundle) {
      bundle.onResolve({ filter: /^[^./]/ }, async ({ path, kind }) => {
        if (kind === "entry-point") return undefined;
        if (isBuiltin(path)) return { path, external: true };
        for (const require of [theirs, ours]) {
          const found = resolvedBy(require, path);
          if (found !== null) return { path: pathToFileURL(await esmTwin(found)).href, external: true };
        }
        return { errors: [{ text: `cannot find the package "${path}"; install it beside the file` }] };
      });
    },
  };
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
