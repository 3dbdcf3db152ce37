import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, sourceArguments } from "./install.mjs";

/** Runs a TypeScript file of this project with the given arguments; ends with its status, hands on its signals. */
export function runSource(file, args) {
  const child = spawn(process.execPath, [...sourceArguments(), join(root, file), ...args], { stdio: "inherit" });
  // The terminal sends Ctrl-C to both; the child decides when it is done.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => signal !== "SIGINT" && child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}
