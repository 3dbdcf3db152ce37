import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { type BuildFailure, type BuildResult, build, type Message, stop } from "esbuild";
import { bareImports, ownPlaces } from "./bare-imports.ts";
import { importCircle } from "./import-circle.ts";

/** DAG files as modules. */
export interface Compiled {
  /** The module of each file that compiles, by file. */
  readonly modules: ReadonlyMap<string, string>;
  /** The same modules, and those that they share, as CommonJS by path; empty when Node itself has to import them. */
  readonly code: ReadonlyMap<string, string>;
  /** Why each of the others does not, by file: in one line, with the place. */
  readonly broken: ReadonlyMap<string, string>;
  /** The circle of imports in which a file stands, from it back to itself; null where there is none. */
  readonly circleOf: (file: string) => readonly string[] | null;
  /** All local files that were read, the DAG files among them. */
  readonly inputs: readonly string[];
  /** Folders in which a local import was looked for, found or not. */
  readonly lookedIn: readonly string[];
}

const NOTHING: Compiled = {
  ...{ modules: new Map(), code: new Map(), broken: new Map(), circleOf: () => null },
  ...{ inputs: [], lookedIn: [] },
};

/**
 * Compiles files into `cacheFolder`, all in one go, with what they import from each other in pieces of their own: two
 * files that import a third share it. The names hold a hash of the content, so what has not changed keeps its name, and
 * with it its module in Node.
 */
export async function compile(files: readonly string[], cacheFolder: string): Promise<Compiled> {
  if (files.length === 0) return NOTHING;
  const lookedIn = new Set<string>();
  users += 1;
  try {
    const whole = await bundle(files, cacheFolder, lookedIn);
    if ("outputFiles" in whole) return await kept(whole, new Map(), files, lookedIn);
    // One broken file fails all: which one is it?
    const broken = new Map<string, string>();
    await Promise.all(
      files.map(async (file) => {
        const alone = await bundle([file], cacheFolder, lookedIn);
        if (!("outputFiles" in alone)) broken.set(file, lineOf(alone.errors, file));
      }),
    );
    const sound = files.filter((file) => !broken.has(file));
    const rest = await bundle(sound, cacheFolder, lookedIn);
    if ("outputFiles" in rest) return await kept(rest, broken, files, lookedIn);
    for (const file of sound) broken.set(file, lineOf(rest.errors, file));
    return { ...NOTHING, broken, inputs: files, lookedIn: [...lookedIn] };
  } finally {
    users -= 1;
    // Its process is not kept for the rest of this one's life.
    if (users === 0) await stop();
  }
}

/** How many compilations this process has going. */
let users = 0;

type Bundle = BuildResult<{ write: false; metafile: true }>;

async function bundle(
  files: readonly string[],
  cacheFolder: string,
  lookedIn: Set<string>,
): Promise<Bundle | BuildFailure> {
  try {
    return await build({
      entryPoints: [...files],
      outdir: cacheFolder,
      entryNames: "[name]-[hash]",
      chunkNames: "[name]-[hash]",
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "inline",
      sourcesContent: false,
      logLevel: "silent",
      plugins: [bareImports(), ownPlaces(lookedIn)],
    });
  } catch (error) {
    if (isBuildFailure(error)) return error;
    throw error;
  }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

async function kept(
  { outputFiles, metafile }: Bundle,
  broken: ReadonlyMap<string, string>,
  files: readonly string[],
  lookedIn: ReadonlySet<string>,
): Promise<Compiled> {
  await Promise.all(outputFiles.map(({ path, contents }) => keep(path, contents)));
  const modules = new Map<string, string>();
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint !== undefined) modules.set(resolve(entryPoint), resolve(output));
  }
  const inputs = [...new Set([...files, ...Object.keys(metafile.inputs).map((input) => resolve(input))])];
  const code = await asCommonJs(Object.keys(metafile.outputs).map((output) => resolve(output)));
  const circleOf = (file: string) =>
    importCircle(metafile.inputs, relative(process.cwd(), file))?.map((one) => resolve(one)) ?? null;
  return { modules, code, broken, circleOf, inputs, lookedIn: [...lookedIn] };
}

/** Modules as CommonJS, by the path of the module. None when one of them cannot be (it awaits at its top level). */
async function asCommonJs(modules: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const folder = resolve(modules[0] ?? ".", "..");
  try {
    const { outputFiles } = await build({
      entryPoints: [...modules],
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      write: false,
      bundle: false,
      format: "cjs",
      platform: "node",
      target: "node20",
      sourcemap: "inline",
      sourcesContent: false,
      logLevel: "silent",
    });
    return new Map(outputFiles.map(({ path, text }) => [path, text]));
  } catch (error) {
    if (isBuildFailure(error)) return new Map();
    throw error;
  }
}

/** Whole or not at all: other processes read the same folder. */
async function keep(path: string, contents: Uint8Array): Promise<void> {
  if ((await stat(path).catch(() => null))?.size === contents.length) return;
  await mkdir(resolve(path, ".."), { recursive: true });
  await writeFile(`${path}.${process.pid}`, contents);
  await rename(`${path}.${process.pid}`, path);
}

/** "line 3: Expected …" of the file itself; "stages.ts line 3: …" of one that it imports. */
function lineOf([error]: readonly Message[], file: string): string {
  if (error === undefined) return "it does not compile";
  const { location, text } = error;
  if (location === null) return text;
  const own = resolve(location.file) === file;
  return `${own ? "" : `${relative(resolve(file, ".."), resolve(location.file))} `}line ${location.line}: ${text}`;
}
