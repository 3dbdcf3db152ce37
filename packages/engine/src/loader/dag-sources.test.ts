import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { dagSources } from "./dag-sources.ts";

const home = mkdtempSync(join(tmpdir(), "dagwright-sources-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it("names the file of a DAG by its package, the same on every machine", () => {
  const shop = join(home, "shop");
  mkdirSync(join(shop, "dags", "sales"), { recursive: true });
  writeFileSync(join(shop, "package.json"), '{"name": "shop"}');
  const files = new Map([
    ["daily", join(shop, "dags", "sales", "daily.ts")],
    ["single", join(home, "single.ts")],
    ["elsewhere", "/elsewhere/a.ts"],
  ]);
  writeFileSync(join(home, "single.ts"), "");
  expect(dagSources([join(shop, "dags"), join(home, "single.ts")], files)).toEqual({
    owned: ["shop:dags", join(home, "single.ts")],
    sources: new Map([
      ["daily", "shop:dags/sales/daily.ts"],
      ["single", join(home, "single.ts")],
    ]),
  });
  expect(dagSources([shop], files)).toEqual({
    owned: ["shop:"],
    sources: new Map([["daily", "shop:dags/sales/daily.ts"]]),
  });
});
