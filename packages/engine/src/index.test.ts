import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as language from "./index.ts";

const SOURCES = dirname(fileURLToPath(import.meta.url));

/** All that a file imports at run time, near and far: its own files, and the packages it names. */
function importsOf(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, kind, from = ""] of text.matchAll(
      /^(import type|export type|import|export)\b(?:[^;]*?\bfrom)?\s*"([^"]+)";/gms,
    )) {
      if (kind?.endsWith("type")) continue;
      if (from.startsWith(".")) visit(join(dirname(file), from));
      else packages.add(from);
    }
  };
  visit(join(SOURCES, entry));
  return { files, packages };
}

describe("what may be loaded where", () => {
  it("the language needs neither Temporal nor Node", () => {
    const { files, packages } = importsOf("index.ts");
    expect(files.size).toBeGreaterThan(20);
    expect([...packages].sort()).toEqual(["@dagwright/mcp-kit/nearest", "croner", "zod"]);
  });

  it("the core needs nothing at all", () => {
    const { files, packages } = importsOf("core/index.ts");
    expect(files.size).toBeGreaterThan(10);
    expect([...packages]).toEqual([]);
    for (const file of files)
      expect(readFileSync(file, "utf8")).not.toMatch(/Date\.now|Math\.random|new Date\(\)|setTimeout|process\./);
  });

  it("running in this process needs no Temporal", () => {
    const packages = [...importsOf("testing/index.ts").packages].sort();
    expect(packages).toEqual(["@dagwright/mcp-kit/nearest", "croner", "node:crypto", "zod"]);
  });
});

it("the front door shows these names", () => {
  expect(Object.keys(language).sort()).toMatchInlineSnapshot(`
    [
      "AssetNotOutletError",
      "BackfillRangeError",
      "DagDefinitionError",
      "DagNotFoundError",
      "DuplicateDagError",
      "InvalidAssetError",
      "InvalidControllerError",
      "InvalidExtraError",
      "InvalidLogicalDateError",
      "InvalidParamsError",
      "OutsideDagError",
      "SkipTask",
      "TRIGGER_RULES",
      "approval",
      "asset",
      "backfillDates",
      "branch",
      "createRegistry",
      "cron",
      "dagsOfModule",
      "dataIntervalFor",
      "defineDag",
      "derive",
      "every",
      "group",
      "intervalEndingAt",
      "intervalsToCome",
      "intervalsWithin",
      "isDag",
      "isToRun",
      "lastCompleteInterval",
      "normalMoment",
      "onAssets",
      "paramsAnew",
      "parseLogicalDate",
      "planRun",
      "retrainingController",
      "scheduleText",
      "sensor",
      "shortCircuit",
      "subdag",
      "task",
      "trigger",
      "wait",
      "workflowIdFor",
    ]
  `);
});
