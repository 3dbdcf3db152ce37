import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { show } from "./output.ts";
import { projectFiles } from "./project-files.ts";
import { PROJECT } from "./session.ts";

/** What tools leave in a project of ours. */
const LEFT_BY_TOOLS = new Set([".git", "node_modules", "package-lock.json", ".dagwright"]);

/** The folder holds what is not ours. */
class FolderNotEmptyError extends Error {
  readonly code = "FOLDER_NOT_EMPTY";
  readonly retryable = false;
  readonly field = "dir";
  readonly hint = "Name a folder that is new or empty.";
  constructor(folder: string, found: readonly string[]) {
    const some = found.slice(0, 5).join(", ");
    super(`${folder} holds ${some}${found.length > 5 ? ` and ${found.length - 5} more` : ""}: nothing was written`);
    this.name = "FolderNotEmptyError";
  }
}

/** The folder cannot be made, read or written. */
class FolderUnusableError extends Error {
  readonly code = "FOLDER_UNUSABLE";
  readonly retryable = false;
  readonly field = "dir";
  readonly hint = "Name a folder that you may make or write to.";
  constructor(folder: string, cause: unknown) {
    super(`${folder} cannot be used: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = "FolderUnusableError";
  }
}

export function addInit(program: Command): void {
  program
    .command("init <dir>")
    .description("make a small project: a DAG, a test that passes, and what they need")
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample:\n  $ dagwright init my-pipelines && cd my-pipelines && npm install && npm test\n")
    .action((dir: string, options: { json: boolean }) => {
      const folder = resolve(dir);
      const written = madeIn(folder);
      show({ folder, written }, options.json, () => nextSteps(folder, written));
    });
}

/** @throws FolderNotEmptyError, FolderUnusableError */
function madeIn(folder: string): string[] {
  try {
    return makeProject(folder);
  } catch (error) {
    throw error instanceof FolderNotEmptyError ? error : new FolderUnusableError(folder, error);
  }
}

/**
 * Writes the files that are missing. A project that was begun is completed.
 * @throws FolderNotEmptyError naming what is there and is not ours.
 */
function makeProject(folder: string): string[] {
  const files = projectFiles({ name: packageName(folder), clone: PROJECT });
  const foreign = existsSync(folder) ? foreignIn(folder, files) : [];
  if (foreign.length > 0) throw new FolderNotEmptyError(folder, foreign);
  const missing = [...files].filter(([name]) => !existsSync(join(folder, name)));
  for (const [name, text] of missing) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return missing.map(([name]) => name);
}

function foreignIn(folder: string, files: ReadonlyMap<string, string>): string[] {
  if (!statSync(folder).isDirectory()) return ["a file of that name"];
  const ours = new Set([...files.keys()].map((name) => name.split("/")[0]));
  const entries = readdirSync(folder).filter((entry) => !LEFT_BY_TOOLS.has(entry));
  const changed = [...files].flatMap(([name, text]) => {
    const path = join(folder, name);
    return existsSync(path) && readFileSync(path, "utf8") !== text ? [name] : [];
  });
  return [...entries.filter((entry) => !ours.has(entry)), ...changed].sort();
}

/** A name that npm takes. */
function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "");
  return name === "" ? "pipelines" : name;
}

function nextSteps(folder: string, written: readonly string[]): string {
  const near = relative(process.cwd(), folder) || ".";
  const path = near.startsWith("..") ? folder : near;
  const where = /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
  return [
    written.length === 0 ? `${folder} is complete: nothing was written` : `Wrote ${written.join(", ")}`,
    "",
    "Next:",
    `  cd ${where}`,
    "  npm install",
    "  npm test                                          # the DAG in this process, its task mocked",
    "  npx dagwright run hello --dags workflows --wait   # on Temporal, started for as long as it takes",
    "  npx dagwright up --dags workflows                 # schedules, and changes of files as you save them",
  ].join("\n");
}
