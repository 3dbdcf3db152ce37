/**
 * Which way imports run in this house; `tests/house.test.ts` holds them, and holds that each rule can fail.
 * The parser is swc: with TypeScript 7 the default one reads no module and finds nothing.
 */
import { builtinModules } from "node:module";

const TEST = "\\.test\\.ts$";
const PRODUCT = "client|worker|workflows|activities|mcp-servers";
const CONTRACT = "^mcp-servers/[^/]+/contract\\.ts$";
const BUILTIN = `^(node:)?(${builtinModules.filter((name) => !name.startsWith("_")).join("|")})$`;

const rule = (name, comment, from, to) => ({ name, severity: "error", comment, from, to });

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    rule("no-circles", "Imports have no circles; imports of types count.", {}, { circular: true }),
    rule(
      "packages-know-no-product",
      "A package could be published alone.",
      { path: "^packages/" },
      { path: `^(${PRODUCT}|tests|bench)/` },
    ),
    rule(
      "servers-look-down",
      "A server knows packages only.",
      { path: "^mcp-servers/", pathNot: TEST },
      { path: "^(client|worker|workflows|activities)/" },
    ),
    rule(
      "servers-are-strangers",
      "What two servers share is a package.",
      { path: "^mcp-servers/([^/]+)/" },
      { path: "^mcp-servers/", pathNot: "^mcp-servers/$1/" },
    ),
    rule(
      "activities-look-down",
      "A stage does not know the pipelines it is part of.",
      { path: "^activities/", pathNot: TEST },
      { path: "^(client|worker|workflows)/" },
    ),
    rule(
      "workflows-look-down",
      "A pipeline does not know who starts or runs it.",
      { path: "^workflows/", pathNot: TEST },
      { path: "^(client|worker)/" },
    ),
    rule(
      "worker-knows-no-client",
      "The worker runs without a client.",
      { path: "^worker/", pathNot: TEST },
      { path: "^client/" },
    ),
    rule(
      "servers-by-contract",
      "Clients, pipelines and stages see of a server its contract; the worker alone wires the rest.",
      { path: "^(client|workflows|activities)/", pathNot: TEST },
      { path: "^mcp-servers/", pathNot: CONTRACT },
    ),
    rule(
      "packages-by-name",
      "A package is imported by its name, never by a path into it.",
      // Vitest loads its global setup by Node's own conditions, which do not lead to sources.
      { path: `^(${PRODUCT}|tests|bench)/`, pathNot: "^tests/global-setup\\.ts$" },
      { path: "^packages/", dependencyTypesNot: ["aliased", "npm", "undetermined"] },
    ),
    rule(
      "packages-by-name-among-themselves",
      "A package imports another by its name.",
      { path: "^packages/([^/]+)/" },
      { path: "^packages/", pathNot: "^packages/$1/", dependencyTypesNot: ["aliased", "npm", "undetermined"] },
    ),
    rule(
      "no-own-front-door",
      "Nobody inside a package imports its index; only tests come in that way.",
      { path: "^packages/([^/]+)/src/", pathNot: TEST },
      { path: "^packages/$1/src/index\\.ts$" },
    ),
    rule(
      "evidently-lite-stands-alone",
      "evidently-lite has no dependencies and runs in a browser.",
      { path: "^packages/evidently-lite/src/", pathNot: TEST },
      { pathNot: "^packages/evidently-lite/src/" },
    ),
    rule(
      "sandbox-is-sealed",
      "The interpreter knows the core and @temporalio/workflow, nothing else: determinism hangs on it.",
      { path: "^packages/engine/src/sandbox/", pathNot: TEST },
      { pathNot: "^packages/engine/src/(sandbox|core)/|(^|/)node_modules/@temporalio/workflow/" },
    ),
    rule(
      "engine-face-is-pure",
      "The language loads without Temporal and without Node, by whatever path.",
      { path: "^packages/engine/src/index\\.ts$" },
      { path: `(^|/)node_modules/@temporalio/(worker|client)/|${BUILTIN}`, reachable: true },
    ),
    rule(
      "nothing-imports-tests",
      "Tests are leaves.",
      { pathNot: `^(tests|bench)/|${TEST}` },
      { path: `^(tests|bench)/|${TEST}` },
    ),
    rule(
      "no-orphans",
      "A file that imports nothing and that nobody imports is dead.",
      { orphan: true, pathNot: `${TEST}|^tests/global-setup\\.ts$|/fixtures?/|\\.d\\.ts$` },
      {},
    ),
    rule("nothing-unresolvable", "Every import leads to a file.", {}, { couldNotResolve: true }),
  ],
  options: {
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|coverage)/" },
    enhancedResolveOptions: {
      conditionNames: ["source", "import", "node", "default", "types"],
      exportsFields: ["exports"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".json", ".d.ts"],
      mainFields: ["module", "main", "types", "typings"],
    },
  },
};
