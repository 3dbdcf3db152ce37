import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./install.mjs";

/** Runs a TypeScript file of this project with the given arguments; ends with its status, hands on its signals. */
export function runSource(file, args) {
  const tsx = pathToFileURL(createRequire(join(root, "package.json")).resolve("tsx")).href;
  const child = spawn(process.execPath, ["--conditions=source", "--import", tsx, join(root, file), ...args], {
    stdio: "inherit",
  });
  // The terminal sends Ctrl-C to both; the child decides when it is done.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => signal !== "SIGINT" && child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}
