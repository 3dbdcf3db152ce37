/** `npm run bench -- NAME`: one benchmark; its last line is JSON with ratios. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const known = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const name = process.argv[2] ?? "";
if (!known.includes(name)) {
  console.error(`There is no benchmark "${name}"; there are: ${known.join(", ")}`);
  process.exit(2);
}
await import(new URL(`${name}/bench.ts`, import.meta.url).href);
process.exit(0);
