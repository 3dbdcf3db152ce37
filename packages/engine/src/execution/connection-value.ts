import { z } from "zod";
import type { Json } from "../core/graph.ts";
import type { ConnectionValue } from "../language/context.ts";
import { InvalidConnectionError } from "./connection-errors.ts";

/** A field of a connection that names those of its fields which are no secrets. */
const PUBLIC = "$public";

const Fields = z.record(z.string(), z.json());
const Names = z.array(z.string());

/** Parameters of a URL whose names say that they are secret. */
const SECRET_PARAMETER = /pass|pwd|secret|token|key|sig|auth|credential/i;

/** A path of so many characters is more than the name of a database. */
const LONG_PATH = 16;

/** A connection as a task is given it, and what in it must not be told. */
interface ReadConnection {
  readonly value: ConnectionValue;
  readonly secrets: Json;
}

/**
 * Reads a connection as it was written down. Of an object every text is secret, but those of the fields that `$public`
 * names; of a URL the whole, the password (without one the user's name, which then is a token), a long path, and
 * parameters named like a secret.
 *
 * @throws InvalidConnectionError
 */
export function connectionOf(name: string, written: unknown): ReadConnection {
  if (typeof written === "string") return ofUrl(name, written.trim());
  const fields = Fields.safeParse(written);
  if (!fields.success) throw new InvalidConnectionError(name, "it is neither a JSON object nor a URL");
  const { [PUBLIC]: open = [], ...value } = fields.data;
  const names = Names.safeParse(open);
  if (!names.success) throw new InvalidConnectionError(name, `"${PUBLIC}" is not a list of names of fields`);
  const secrets = Object.fromEntries(Object.entries(value).filter(([field]) => !names.data.includes(field)));
  return { value, secrets };
}

function ofUrl(name: string, text: string): ReadConnection {
  if (!URL.canParse(text)) throw new InvalidConnectionError(name, "its text is neither a JSON object nor a URL");
  const url = new URL(text);
  const query = Object.fromEntries(url.searchParams);
  const given = {
    host: url.hostname,
    user: decoded(url.username),
    password: decoded(url.password),
    path: decoded(url.pathname.replace(/^\//, "")),
  };
  const value = {
    url: text,
    scheme: url.protocol.replace(/:$/, ""),
    ...Object.fromEntries(Object.entries(given).filter(([, field]) => field !== "")),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...(url.search === "" ? {} : { query }),
  };
  const secretParameters = Object.entries(query).flatMap(([key, one]) => (SECRET_PARAMETER.test(key) ? [one] : []));
  // The address of a webhook is its key.
  const longPath = given.path.length >= LONG_PATH ? [given.path] : [];
  const keys = [given.password || given.user, url.password || url.username, ...secretParameters, ...longPath];
  return { value, secrets: [text, url.href, ...keys] };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
