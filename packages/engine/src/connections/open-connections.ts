import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { ConnectionNotFoundError, InvalidConnectionError } from "../execution/connection-errors.ts";
import type { TaskServices } from "../language/context.ts";
import { commandParts, printedBy } from "./command.ts";
import { ConnectionCommandError, ConnectionFileError } from "./errors.ts";

/** Where connections and secrets are looked for, first to last: environment, file, command. */
export interface ConnectionOptions {
  /** Variables `DAGWRIGHT_CONN_<NAME>` (a JSON object, or a URL) and `DAGWRIGHT_SECRET_<NAME>`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A JSON object of connections by name; only its owner should be able to read it. It need not exist. */
  readonly connectionsFile: string;
  /** A JSON object of secrets (texts) by name. */
  readonly secretsFile: string;
  /** Prints the connection whose name is its last argument; nothing if there is none. @default none */
  readonly connectionsCommand?: string | undefined;
  /** The same for secrets; one line break at the end does not count. @default none */
  readonly secretsCommand?: string | undefined;
  /** Told of a file that others may read, once. */
  readonly warn: (message: string) => void;
}

/** How long what a command has printed is good for, in milliseconds. */
const GOOD_FOR_MS = 60_000;

/** A name becomes part of a variable's name, and an argument of a command, where it must be no option. */
const NAME = /^[A-Za-z0-9_][\w.-]*$/;

type Kind = "connection" | "secret";

/** Where one kind is looked for. */
interface Place {
  readonly prefix: string;
  readonly file: string;
  readonly command: string | undefined;
  readonly commandVariable: string;
}

/**
 * The ways to connections and secrets that tasks are given. A file is read, and a command run, when a task asks.
 *
 * They throw ConnectionNotFoundError, InvalidConnectionError, ConnectionFileError, ConnectionCommandError.
 */
export function openConnections(options: ConnectionOptions): Required<Pick<TaskServices, "connection" | "secret">> {
  const { env, warn } = options;
  const places: Readonly<Record<Kind, Place>> = {
    connection: {
      prefix: "DAGWRIGHT_CONN_",
      file: options.connectionsFile,
      command: options.connectionsCommand,
      commandVariable: "DAGWRIGHT_CONNECTIONS_COMMAND",
    },
    secret: {
      prefix: "DAGWRIGHT_SECRET_",
      file: options.secretsFile,
      command: options.secretsCommand,
      commandVariable: "DAGWRIGHT_SECRETS_COMMAND",
    },
  };
  const printed = new Map<string, { readonly text: Promise<string>; readonly until: number }>();
  const warned = new Set<string>();

  async function found(kind: Kind, name: string): Promise<unknown> {
    const place = places[kind];
    if (!NAME.test(name))
      throw new InvalidConnectionError(name, "the name is not made of letters, digits, and . _ - inside it");
    const variable = `${place.prefix}${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
    const inEnvironment = env[variable];
    if (inEnvironment !== undefined && inEnvironment !== "") return inEnvironment;
    const inFile = await namedIn(place.file, name);
    if (inFile !== undefined) return inFile;
    const byCommand = place.command === undefined ? "" : await cached(kind, place, place.command, name);
    if (byCommand !== "") return byCommand;
    throw new ConnectionNotFoundError(
      kind,
      name,
      `Set ${variable} for the worker, or add "${name}" to ${place.file}.`,
      [variable, place.file, ...(place.command === undefined ? [] : [place.commandVariable])],
    );
  }

  async function namedIn(file: string, name: string): Promise<unknown> {
    const text = await textOf(file);
    if (text === null) return undefined;
    await warnIfOpen(file);
    const parsed = z.record(z.string(), z.unknown()).safeParse(jsonOf(text));
    if (!parsed.success) throw new ConnectionFileError(file, "it is not a JSON object");
    return Object.hasOwn(parsed.data, name) ? parsed.data[name] : undefined;
  }

  async function warnIfOpen(file: string): Promise<void> {
    if (process.platform === "win32" || warned.has(file)) return;
    const { mode } = await stat(file);
    if ((mode & 0o077) === 0) return;
    warned.add(file);
    warn(`${file} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`);
  }

  async function cached(kind: Kind, place: Place, line: string, name: string): Promise<string> {
    const key = `${kind} ${name}`;
    const known = printed.get(key);
    if (known !== undefined && Date.now() < known.until) return await known.text;
    const parts = commandParts(line);
    if (parts === null)
      throw new ConnectionCommandError(
        place.commandVariable,
        "the command",
        name,
        "expected words, or a JSON list of texts",
      );
    const text = printedBy(parts, name, place.commandVariable).then((all) => all.replace(/\r?\n$/, ""));
    printed.set(key, { text, until: Date.now() + GOOD_FOR_MS });
    // What failed, or was not there, is asked for again.
    const forget = () => printed.delete(key);
    void text.then((one) => one === "" && forget(), forget);
    return await text;
  }

  return {
    connection: async (name) => {
      const written = await found("connection", name);
      const parsed = typeof written === "string" && written.trim().startsWith("{") ? jsonOf(written) : written;
      // The text itself must not stand in a message.
      if (parsed === undefined) throw new InvalidConnectionError(name, "it starts as JSON does, and is none");
      return parsed;
    },
    secret: async (name) => {
      const secret = await found("secret", name);
      if (typeof secret !== "string") throw new InvalidConnectionError(name, "a secret is a text");
      return secret;
    },
  };
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "ENOENT") return null;
    throw new ConnectionFileError(file, `it cannot be read (${code})`);
  }
}

/** Says nothing of why: the parser's words show a piece of the text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
