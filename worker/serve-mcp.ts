/** One MCP server on stdio or HTTP, as `dagwright mcp serve` starts it. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectEngine } from "@dagwright/engine/client";
import { watchDagFiles } from "@dagwright/engine/loader";
import { readSettings } from "@dagwright/engine/settings";
import { openObjectFolder, openRunStore } from "@dagwright/engine/store";
import { serveHttp, serveStdio } from "@dagwright/mcp-kit";
import { reportFailure } from "./readiness.ts";
import { openHouse, SHIPPED_DAGS } from "./wiring.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dags: { type: "string", multiple: true, default: [] },
    http: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
  },
});

try {
  const name = positionals[0] ?? "";
  const settings = readSettings(process.env, process.cwd());
  const { address, namespace, apiKey, tls } = settings.temporal;
  // Agents keep a server for days: it follows the files as the worker does.
  const { registry, first, close } = await watchDagFiles({
    paths: [SHIPPED_DAGS, ...values.dags],
    cacheFolder: join(settings.home, "cache", "dags"),
    onReload: ({ broken }) => tell(broken),
  });
  tell(first.broken);
  const engine =
    name === "workflows"
      ? await connectEngine({
          address,
          namespace,
          taskQueue: settings.taskQueue,
          store: await openRunStore(settings.store, { warn: console.error }),
          objects: openObjectFolder(settings.objectsFolder),
          apiKey,
          tls,
        })
      : null;
  const { servers } = await openHouse(settings, registry, engine);
  const open = servers[name];
  if (open === undefined)
    throw new Error(`There is no MCP server "${name}"; there are: ${Object.keys(servers).join(", ")}`);
  const server = await open();
  if (values.http === undefined) {
    await (await serveStdio(server)).closed;
    close();
  } else {
    const token = process.env["DAGWRIGHT_MCP_TOKEN"];
    const { url } = await serveHttp(server, {
      port: Number(values.http),
      host: values.host,
      ...(token ? { token } : {}),
    });
    console.error(`${name} serves MCP at ${url}${token ? " (bearer token required)" : ""}`);
  }
} catch (error) {
  reportFailure(error);
  process.exit(1);
}

function tell(broken: readonly { readonly line: string }[]): void {
  for (const { line } of broken) console.error(line);
}
