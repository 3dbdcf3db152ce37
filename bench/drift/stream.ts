/** A column that is never held in memory, in a process of its own: `stream.ts ROWS`; prints one line of JSON. */
import { Profile, profileDrift } from "evidently-lite";
import { uniform } from "./columns.ts";

const rows = Number(process.argv[2]);
const part = new Float64Array(Math.min(rows, 1_000_000));
const reference = new Profile();
const current = new Profile();
const random = uniform(7);
let seconds = 0;
for (let row = 0; row < rows; row += part.length) {
  const size = Math.min(part.length, rows - row);
  for (let at = 0; at < size; at++) part[at] = random() + random();
  const values = part.subarray(0, size);
  const begun = performance.now();
  if (row === 0) reference.add({ x: values });
  current.add({ x: values });
  seconds += (performance.now() - begun) / 1000;
}
const { score } = profileDrift({ reference, current, options: { method: "ks" } }).columns[0] ?? { score: Number.NaN };
const sketch = current.columns.get("x");
if (sketch?.kind !== "num" || Number.isNaN(score)) throw new Error("the stream has no sketch of numbers");
const peakMiB = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ rows, seconds, peakMiB, rankError: sketch.rankError() }));
