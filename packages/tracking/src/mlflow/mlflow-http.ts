import { z } from "zod";
import { TrackingError } from "../errors.ts";

/** An MLflow server, and who asks it. */
export interface MlflowServer {
  /** http://host:port, with the path before `/api` where there is one. */
  readonly url: string;
  /** User and password (HTTP basic authentication), or a bearer token instead. @default nobody */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** How long an answer may take, in milliseconds; the bytes of an artifact may take longer. @default 60000 */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 60_000;

const Refusal = z.object({ error_code: z.string().catch("INTERNAL_ERROR"), message: z.string().catch("") });

/** The server's own refusal, before the caller says what it means. */
export class MlflowRefusal extends Error {
  constructor(
    /** MLflow's code, RESOURCE_DOES_NOT_EXIST. */
    readonly errorCode: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = "MlflowRefusal";
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Requests to an MLflow server. */
export class MlflowHttp {
  readonly #server: MlflowServer;
  /** The address without user and password, for messages. */
  readonly place: string;

  constructor(server: MlflowServer) {
    const { origin, pathname, username, password } = new URL(server.url);
    this.place = `${origin}${pathname.replace(/\/+$/, "")}`;
    this.#server = {
      ...(username === "" ? {} : { username: decodeURIComponent(username), password: decodeURIComponent(password) }),
      ...server,
    };
  }

  /** Asks an endpoint after `/api/2.0/mlflow`. @throws MlflowRefusal, TrackingError */
  async ask<Schema extends z.ZodType>(
    method: "GET" | "POST" | "PATCH" | "DELETE",
    path: string,
    fields: Fields,
    schema: Schema,
  ): Promise<z.output<Schema>> {
    const url = new URL(`${this.place}/api/2.0/mlflow${path}`);
    if (method === "GET")
      for (const [key, value] of Object.entries(fields))
        for (const one of Array.isArray(value) ? value : [value])
          if (one !== undefined) url.searchParams.append(key, String(one));
    const response = await this.#fetch(url, {
      method,
      headers: method === "GET" ? {} : { "content-type": "application/json" },
      ...(method === "GET" ? {} : { body: JSON.stringify(fields, withoutGaps) }),
    });
    const answer = schema.safeParse(await response.json().catch(() => undefined));
    if (answer.success) return answer.data;
    throw new TrackingError(
      "TRACKING_REFUSED",
      `${this.place}${path} answered what no MLflow server does: ${answer.error.issues[0]?.message}.`,
      { hint: "Is MLFLOW_TRACKING_URI the address of an MLflow server?" },
    );
  }

  /** Asks and forgets the answer. */
  async tell(method: "POST" | "PATCH" | "DELETE", path: string, fields: Fields): Promise<void> {
    await this.ask(method, path, fields, z.unknown());
  }

  /** All pages of a search. @param items the field that the page's items are in */
  async *pages<Schema extends z.ZodType>(
    method: "GET" | "POST",
    path: string,
    fields: Fields,
    items: string,
    item: Schema,
  ): AsyncGenerator<z.output<Schema>[]> {
    const Items = z.array(item).default([]);
    const Page = z.looseObject({ next_page_token: z.string().default("") }).transform((page, context) => {
      const found = Items.safeParse(page[items]);
      if (found.success) return { found: found.data, next: page.next_page_token };
      context.addIssue(found.error.issues[0]?.message ?? "no list");
      return z.NEVER;
    });
    for (let token = ""; ; ) {
      const { found, next } = await this.ask(
        method,
        path,
        { ...fields, ...(token === "" ? {} : { page_token: token }) },
        Page,
      );
      yield found;
      if (next === "") return;
      token = next;
    }
  }

  /** Sends or fetches bytes. @param path after the server's address */
  async bytes(method: "GET" | "PUT" | "POST", path: string, body?: Uint8Array): Promise<Uint8Array> {
    const response = await this.#fetch(new URL(`${this.place}${path}`), {
      method,
      ...(body === undefined ? {} : { body, headers: { "content-type": "application/octet-stream" } }),
      timed: false,
    });
    return new Uint8Array(await response.arrayBuffer());
  }

  async #fetch(
    url: URL,
    {
      timed = true,
      headers,
      ...request
    }: { method: string; headers?: Record<string, string>; body?: string | Uint8Array; timed?: boolean },
  ): Promise<Response> {
    const { timeoutMs = TIMEOUT_MS } = this.#server;
    let response: Response;
    try {
      response = await fetch(url, {
        ...request,
        headers: { ...headers, ...this.#identity() },
        ...(timed ? { signal: AbortSignal.timeout(timeoutMs) } : {}),
      });
    } catch (error) {
      throw new TrackingError(
        "TRACKING_UNREACHABLE",
        `The MLflow server ${this.place} does not answer: ${whyOf(error)}.`,
        {
          retryable: true,
          hint: "Is it running? MLFLOW_TRACKING_URI says where it is.",
          cause: error,
        },
      );
    }
    if (response.ok) return response;
    throw await this.#refusal(response);
  }

  #identity(): Record<string, string> {
    const { username, password = "", token } = this.#server;
    if (username !== undefined)
      return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async #refusal(response: Response): Promise<Error> {
    const { status } = response;
    const text = await response.text();
    const { error_code: code, message } = Refusal.catch({ error_code: "", message: "" }).parse(jsonOf(text));
    const said = message || text.slice(0, 200) || response.statusText;
    if (status === 401 || status === 403)
      return new TrackingError("TRACKING_REFUSED", `The MLflow server ${this.place} refuses: ${said}`, {
        hint: "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
      });
    if (status === 429 || status >= 502)
      return new TrackingError("TRACKING_BUSY", `The MLflow server ${this.place} is busy: ${said}`, {
        retryable: true,
      });
    return new MlflowRefusal(code, said, status);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function whyOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  if (cause instanceof Error) return cause.message;
  return error instanceof Error ? error.message : String(error);
}

/** JSON has no NaN and no Infinity: MLflow says them as texts. */
function withoutGaps(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** A text as filter strings quote it; one with both quotes cannot be said. */
export function quoted(text: string): string {
  if (!text.includes("'")) return `'${text}'`;
  if (!text.includes('"')) return `"${text}"`;
  throw new TrackingError("INVALID_ARGUMENT", `${text} holds both kinds of quotes: MLflow cannot search for it.`);
}

/** Says what a refusal means here; whatever else went wrong is thrown as it is. */
export async function meaning<T>(asked: Promise<T>, means: (refusal: MlflowRefusal) => Error | undefined): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof MlflowRefusal)) throw error;
    throw means(error) ?? plainly(error);
  }
}

/** A refusal that nobody expected. */
export function plainly(refusal: MlflowRefusal): TrackingError {
  const invalid = refusal.errorCode === "INVALID_PARAMETER_VALUE";
  return new TrackingError(invalid ? "INVALID_ARGUMENT" : "TRACKING_REFUSED", `MLflow refuses: ${refusal.message}`, {
    retryable: refusal.status >= 500,
    cause: refusal,
  });
}
