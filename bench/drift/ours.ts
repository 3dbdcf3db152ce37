/** Ours, in a process of its own: `ours.ts FOLDER COLUMNS`; prints one line of JSON. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { makeData, makeVector, Utf8 } from "apache-arrow";
import { type Column, runReport, type Table } from "evidently-lite";
import { type BenchColumn, benchColumns, fileOf, type Side } from "./columns.ts";

const [folder = "", count = "0"] = process.argv.slice(2);
const columns = benchColumns(Number(count));
let readMs = 0;

/** A buffer is used again for the next column: nothing of a column is needed once it has been compared. */
const buffers = new Map<string, ArrayBuffer>();

function read(file: string, use: string): { buffer: ArrayBuffer; size: number } {
  const begun = performance.now();
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    let buffer = buffers.get(use);
    if (buffer === undefined || buffer.byteLength < size) {
      buffer = new ArrayBuffer(size);
      buffers.set(use, buffer);
    }
    for (let at = 0; at < size; ) at += readSync(handle, new Uint8Array(buffer), at, size - at, at);
    return { buffer, size };
  } finally {
    closeSync(handle);
    readMs += performance.now() - begun;
  }
}

function load(side: Side, column: BenchColumn): Column {
  const { buffer, size } = read(fileOf(folder, side, column), `${side} values`);
  if (column.type === "num") return new Float64Array(buffer, 0, size / 8);
  const offsets = read(fileOf(folder, side, column, "offsets"), `${side} offsets`);
  const valueOffsets = new Int32Array(offsets.buffer, 0, offsets.size / 4);
  return makeVector(
    makeData({
      type: new Utf8(),
      length: valueOffsets.length - 1,
      nullCount: 0,
      valueOffsets,
      data: new Uint8Array(buffer, 0, size),
    }),
  );
}

/** Columns are read from disk one by one, each when the report comes to it. */
function tableOf(side: Side): Table {
  const table = {};
  for (const column of columns)
    Object.defineProperty(table, column.name, { enumerable: true, get: () => load(side, column) });
  return table;
}

const begun = performance.now();
const cpu = process.cpuUsage();
const report = runReport({
  presets: [{ preset: "DataDriftPreset" }],
  reference: tableOf("reference"),
  current: tableOf("current"),
  types: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
});
report.json();
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(cpu);
const drift = report.sections[0]?.drift?.columns ?? [];
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    readSeconds: readMs / 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    columns: drift.map(({ column, method, score, drifted }) => ({ column, method, score, drifted })),
  }),
);
