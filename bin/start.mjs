import { ensureInstalled } from "./install.mjs";
import { runSource } from "./run-source.mjs";

ensureInstalled();
runSource("client/cli/start.ts", process.argv.slice(2));
