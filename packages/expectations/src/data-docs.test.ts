import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { renderDataDocs } from "./data-docs.ts";
import { defineSuite } from "./suite.ts";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const browser =
  process.env["CHROME_PATH"] ??
  (process.env["PATH"] ?? "")
    .split(":")
    .flatMap((folder) => BROWSERS.map((name) => join(folder, name)))
    .find(existsSync);

/** A page in which every text is long and without a place to break it. */
function longPage(): string {
  const long = "a_very_long_name_".repeat(20);
  const suite = defineSuite({
    name: long,
    expectations: [
      {
        type: "expect_column_values_to_match_regex",
        kwargs: { column: long, regex: `^${"a".repeat(400)}` },
        notes: "n".repeat(400),
      },
      { type: "expect_column_values_to_not_be_null", kwargs: { column: "<b>bold</b>" } },
    ],
  });
  const results = suite.expectations.map((expectation, index) => ({
    ...{ ...expectation, success: false, observed: null, elementCount: 9, missingCount: 0 },
    ...{ unexpectedCount: 1, unexpectedPercent: 100 / 9, unexpectedValues: [long] },
    sample: [{ id: 1, [long]: `<b>${long}</b>`, note: "some words ".repeat(40) }],
    ...(index === 0 ? {} : { exception: `Column "${long}" does not exist` }),
  }));
  const statistics = { evaluated: 2, successful: 0, failed: { critical: 2, warning: 0, info: 0 } };
  return renderDataDocs(
    { success: false, results, facts: undefined, statistics },
    { suite: long, table: long, run: long },
  );
}

test("what the data holds is text, and one expectation is one expectation", () => {
  const page = longPage();
  expect(page).not.toContain("<b>");
  expect(page).toContain("1 expectation, 1 not held");
});

test("a value is shown by its first characters, controls by their signs, and null is not the text null", () => {
  const page = renderDataDocs(
    {
      success: false,
      facts: undefined,
      statistics: { evaluated: 1, successful: 0, failed: { critical: 1, warning: 0, info: 0 } },
      results: [
        {
          ...{ type: "expect_column_values_to_be_null", kwargs: { column: "x" }, severity: "critical", success: false },
          ...{ observed: null, elementCount: 4, missingCount: 0, unexpectedCount: 4, unexpectedPercent: 100 },
          sample: [{ x: `${"é".repeat(299)}😀${"x".repeat(10_000)}` }, { x: "a\0b" }, { x: "null" }, { x: null }],
        },
      ],
    },
    { suite: "s", table: "t" },
  );
  expect(page).toContain(`<td>${"é".repeat(299)}<span class="missing">… (10301 characters)</span></td>`);
  expect(page).toContain("<td>a\u2400b</td>");
  expect(page).toContain('<td>null</td></tr><tr><td><span class="missing">null</span></td>');
});

test.skipIf(browser === undefined && process.env["CI"] !== "true")(
  "no name and no value makes the page wider than the window (Debian: apt-get install chromium, or CHROME_PATH)",
  async () => {
    if (browser === undefined) throw new Error("there is no Chromium on the PATH: install it, or set CHROME_PATH");
    const folder = await mkdtemp(join(tmpdir(), "data-docs-"));
    try {
      // The page's own policy lets no script run; the measure is one.
      const measure =
        "<script>const e=document.documentElement;document.title=e.scrollWidth+' of '+e.clientWidth</script>";
      const page = longPage()
        .replace(/<meta http-equiv[^>]*>/, "")
        .replaceAll("<details>", "<details open>")
        .replace("</body>", `${measure}</body>`);
      await writeFile(join(folder, "page.html"), page);
      const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=900,900", "--dump-dom"];
      const url = pathToFileURL(join(folder, "page.html")).href;
      const profile = `--user-data-dir=${join(folder, "profile")}`;
      const { stdout } = await promisify(execFile)(browser, [...flags, profile, url], { timeout: 100_000 });
      const [, needed, given] = /<title>(\d+) of (\d+)<\/title>/.exec(stdout) ?? [];
      expect(Number(given)).toBeGreaterThan(0);
      expect(Number(needed)).toBe(Number(given));
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  },
  120_000,
);
