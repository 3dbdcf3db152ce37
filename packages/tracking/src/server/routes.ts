import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";
import { TrackingError } from "../errors.ts";
import type { Store } from "../open-tracking.ts";
import { parsed } from "./request.ts";

/** What routes stand on. */
export interface Served extends Store {
  readonly app: FastifyInstance;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/**
 * One endpoint, under the paths of MLflow's REST API and of its UI.
 *
 * @param path after `/api/2.0/mlflow`
 * @param schema of the fields: query parameters of a GET, else the body; parameters of the path come in too
 */
export function endpoint<Schema extends z.ZodType>(
  { app }: Served,
  methods: Method | readonly Method[],
  path: string,
  schema: Schema,
  answer: (fields: z.output<Schema>) => Promise<unknown>,
): void {
  for (const prefix of ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"])
    app.route({
      method: typeof methods === "string" ? methods : [...methods],
      url: `${prefix}${path}`,
      handler: async (request) => (await answer(parsed(schema, fieldsOf(request)))) ?? {},
    });
}

function fieldsOf(request: FastifyRequest): unknown {
  const { body, query, params } = request;
  const queried = typeof query === "object" && query !== null ? query : {};
  const inPath = typeof params === "object" && params !== null ? params : {};
  const inBody = asObject(body);
  const fields = request.method === "GET" && Object.keys(queried).length > 0 ? queried : inBody;
  return { ...fields, ...inPath };
}

/** Older clients send their JSON as a text within JSON. */
function asObject(body: unknown): object {
  if (body === undefined || body === null || body === "") return {};
  if (typeof body === "string") {
    try {
      return asObject(JSON.parse(body));
    } catch {
      throw new TrackingError("INVALID_ARGUMENT", "The body is no JSON.", { field: "body" });
    }
  }
  if (typeof body === "object" && !Array.isArray(body)) return body;
  throw new TrackingError("INVALID_ARGUMENT", "The body is no JSON object.", { field: "body" });
}
