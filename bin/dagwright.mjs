#!/usr/bin/env node
import { ensureInstalled } from "./install.mjs";
import { runSource } from "./run-source.mjs";

ensureInstalled();
runSource("client/cli/main.ts", process.argv.slice(2));
