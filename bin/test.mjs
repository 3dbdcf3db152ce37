import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureInstalled, root } from "./install.mjs";

ensureInstalled();
const step = (title, file, ...args) => {
  const begun = Date.now();
  console.log(`\n── ${title}`);
  const { status } = spawnSync(process.execPath, [join(root, "node_modules", file), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  console.log(`── ${title}: ${status === 0 ? "ok" : "FAILED"} in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  if (status !== 0) process.exit(status ?? 1);
};
const only = process.argv.slice(2);
if (only.length === 0) {
  step("types", "typescript/bin/tsc", "-p", "tsconfig.json", "--noEmit");
  step("lint and format", "@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".");
  step("dead code", "knip/bin/knip.js");
}
step("tests (unit, property, import direction, replay, whole system)", "vitest/vitest.mjs", "run", ...only);
