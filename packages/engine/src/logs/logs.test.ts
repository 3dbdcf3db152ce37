import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { lineOf, linesIn, plainJson } from "./log-line.ts";
import { LogTail } from "./log-tail.ts";
import { messageOf, printedLine } from "./process-log.ts";
import { sweepLogs } from "./retention.ts";
import { logFiles, RotatingFile } from "./rotating-file.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-logs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("a full file is set aside, and the oldest one goes", () => {
  const file = join(folder, "deep", "a.jsonl");
  const log = new RotatingFile(file, { maxBytes: 10, files: 3 });
  for (const text of ["1234567\n", "2234567\n", "3234567\n", "4234567\n", "a long line of its own\n"]) log.append(text);
  expect(logFiles(file).map((one) => readFileSync(one, "utf8"))).toEqual([
    "3234567\n",
    "4234567\n",
    "a long line of its own\n",
  ]);
  // Another process goes on where this one was.
  new RotatingFile(file, { maxBytes: 100, files: 3 }).append("more\n");
  expect(readFileSync(file, "utf8")).toBe("a long line of its own\nmore\n");
  const single = new RotatingFile(join(folder, "one"), { maxBytes: 6, files: 1 });
  for (const text of ["one\n", "two\n", "three\n"]) single.append(text);
  expect(readdirSync(folder).filter((name) => name.startsWith("one"))).toEqual(["one"]);
});

it("a tail reads each whole line once, over rotation", () => {
  const file = join(folder, "tail.jsonl");
  const log = new RotatingFile(file, { maxBytes: 400, files: 3 });
  const tail = new LogTail(file);
  expect(tail.read()).toEqual([]);
  const read: string[] = [];
  for (let n = 0; n < 30; n += 1) {
    log.append(lineOf("info", `line ${n}`));
    if (n % 4 === 3) read.push(...tail.read().map(({ message }) => message));
  }
  appendFileSync(file, '{"at":"2026-01-01T00:00:00Z","level":"info",');
  read.push(...tail.read().map(({ message }) => message));
  appendFileSync(file, '"message":"in two pieces"}\n');
  read.push(...tail.read().map(({ message }) => message));
  expect(read).toEqual([...Array.from({ length: 30 }, (_, n) => `line ${n}`), "in two pieces"]);
});

it("logs of runs are removed when nothing was written in them for so many days", async () => {
  const logs = join(folder, "logs");
  const now = Date.parse("2026-03-01");
  for (const [run, at] of [
    ["old", "2026-01-01"],
    ["young", "2026-02-20"],
    ["half", "2026-01-01"],
  ] as const) {
    const task = join(logs, run, "task");
    mkdirSync(task, { recursive: true });
    for (const name of ["1.jsonl", "2.jsonl"]) writeFileSync(join(task, name), "");
    const moment = new Date(at);
    for (const path of [join(task, "1.jsonl"), join(task, "2.jsonl"), task, join(logs, run)])
      utimesSync(path, moment, moment);
  }
  const lately = new Date("2026-02-25");
  utimesSync(join(logs, "half", "task", "2.jsonl"), lately, lately);
  writeFileSync(join(logs, "worker.log"), "");
  expect(await sweepLogs(logs, 0, now)).toBe(0);
  expect(await sweepLogs(logs, 30, now)).toBe(1);
  expect(readdirSync(logs).toSorted()).toEqual(["half", "worker.log", "young"]);
  expect(await sweepLogs(join(folder, "nowhere"), 30, now)).toBe(0);
});

it("fields of any kind become JSON", () => {
  const error = Object.assign(new Error("broken"), { code: "E" });
  Object.assign(error, { cause: error });
  const shared = { n: 1n };
  expect(plainJson({ error, a: shared, b: shared, at: new Date(0), none: undefined, f: () => 1 })).toEqual({
    error: { name: "Error", message: "broken", code: "E", stack: error.stack, cause: "[circular]" },
    a: { n: "1" },
    b: { n: "1" },
    at: "1970-01-01T00:00:00.000Z",
  });
  expect(linesIn(lineOf("warn", "told", { error }))).toMatchObject([{ level: "warn", message: "told" }]);
});

it("what a console or another process prints becomes a line", () => {
  expect(messageOf(["%d rows", 3])).toEqual(["3 rows"]);
  expect(messageOf(["loaded", { rows: 3 }])).toEqual(["loaded", { rows: 3 }]);
  expect(messageOf([new Error("broken")])[0]).toContain("Error: broken\n    at ");
  expect(printedLine("plain", "error")).toMatch(/^\{"at":"[^"]+","level":"error","message":"plain"\}\n$/);
  expect(printedLine('{"rows":3}', "info")).toContain('"message":"{\\"rows\\":3}"');
  const line = lineOf("debug", "already one");
  expect(printedLine(line.trim(), "error")).toBe(line);
});
