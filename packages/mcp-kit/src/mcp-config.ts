import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ToolError } from "./errors.ts";
import type { HttpServer, StdioServer } from "./location.ts";

// Other clients keep keys of their own here (`disabled`, `type`, …): they are passed over.
const StdioEntry = z.object({
  command: z.string().min(1),
  args: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
  cwd: z.string().optional(),
});
const HttpEntry = z.object({
  url: z.url({ protocol: /^https?$/ }),
  token: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});
const McpConfig = z.object({ mcpServers: z.record(z.string(), z.record(z.string(), z.unknown())) });

/**
 * Reads an `mcp.json` of the standard form `{ "mcpServers": { "<name>": { "command", "args"?, "env"?, "cwd"? } |
 * { "url", "token"?, "headers"? } } }`. `${NAME}` in any text of it is replaced from `env`, `${NAME:-text}` falls back to the text.
 *
 * @throws ToolError `INVALID_CONFIG` that names file, server and field: no such file, no JSON, a wrong value, a variable that is not set.
 */
export async function readMcpConfig(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, StdioServer | HttpServer>> {
  const config = McpConfig.safeParse(await readJson(path));
  if (!config.success) throw invalid(path, undefined, config.error);
  const servers: Record<string, StdioServer | HttpServer> = {};
  for (const [name, raw] of Object.entries(config.data.mcpServers)) {
    const entry = expand(raw, env, (variable) => {
      const field = `mcpServers.${name}`;
      return new ToolError("INVALID_CONFIG", `${path}: "${field}" needs the variable ${variable}, which is not set.`, {
        field,
        hint: `Set ${variable}, or write \${${variable}:-default}.`,
      });
    });
    const parsed = ("url" in raw ? HttpEntry : StdioEntry).safeParse(entry);
    if (!parsed.success) throw invalid(path, name, parsed.error);
    servers[name] = parsed.data;
  }
  return servers;
}

async function readJson(path: string): Promise<unknown> {
  const fail = (problem: string, cause: unknown) =>
    new ToolError("INVALID_CONFIG", `${path}: ${problem}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: 'Expected a JSON file { "mcpServers": { … } }.',
      cause,
    });
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fail("cannot be read", error);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fail("is not JSON", error);
  }
}

function expand(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  unset: (variable: string) => Error,
): unknown {
  if (typeof value === "string")
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g, (_, name: string, fallback?: string) => {
      const text = env[name] ?? fallback;
      if (text === undefined) throw unset(name);
      return text;
    });
  if (Array.isArray(value)) return value.map((item) => expand(item, env, unset));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, env, unset)]));
}

function invalid(path: string, server: string | undefined, error: z.ZodError): ToolError {
  const issue = error.issues[0]!;
  const field = [...(server === undefined ? [] : ["mcpServers", server]), ...issue.path.map(String)].join(".");
  return new ToolError("INVALID_CONFIG", `${path}: "${field}": ${issue.message}.`, { field });
}
