import type { Json } from "./plan.ts";
import type { ExpectationResult, ValidationReport } from "./validate.ts";

/** What a report is about, shown at its head. */
export interface DataDocsSubject {
  readonly suite: string;
  readonly table: string;
  readonly version?: number | undefined;
  /** The data interval, ISO-8601. */
  readonly interval?: { readonly start: string; readonly end: string } | undefined;
  /** When it was validated, ISO-8601. */
  readonly at?: string | undefined;
  /** The run (or other key) it belongs to. */
  readonly run?: string | undefined;
}

const STYLE = `:root{color-scheme:light dark;--ink:#1c2024;--soft:#5b6570;--line:#d5dae0;--paper:#fff;--card:#f5f7f9;--ok:#146c2e;--bad:#b3141b;--warn:#7a4d00;--info:#1f5a99}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#a5afb9;--line:#3a424b;--paper:#14171a;--card:#1d2125;--ok:#6fd08c;--bad:#ff8f8f;--warn:#f0bf62;--info:#8fc1ff}}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:76rem;padding:2rem 1rem;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{margin:0 0 .25rem;font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}.about{color:var(--soft);margin:0 0 1.5rem}
dl{display:flex;flex-wrap:wrap;gap:.75rem;margin:0}dl div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;min-width:6rem}dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.4rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--soft);padding:.25rem 0}th,td{border-bottom:1px solid var(--line);padding:.5rem .75rem;text-align:left;vertical-align:top}thead th{font-size:.85rem;color:var(--soft)}tbody th{font-weight:600}
code{font:.85rem/1.45 ui-monospace,monospace;unicode-bidi:isolate}.missing{color:var(--soft);font-style:italic}.verdict{font-weight:600;white-space:nowrap}.passed{color:var(--ok)}.failed{color:var(--bad)}.warning{color:var(--warn)}.info{color:var(--info)}.notes{color:var(--soft)}
section>.scroll>table{table-layout:fixed;min-width:60rem}section>.scroll>table>thead th:nth-child(1){width:7rem}section>.scroll>table>thead th:nth-child(2){width:30%}section>.scroll>table>thead th:nth-child(3){width:22%}
details{margin-top:.25rem}summary{cursor:pointer}summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--info);outline-offset:2px}details table{width:max-content;margin-top:.5rem}details td,details th{padding:.2rem .6rem;font-size:.85rem;max-width:20rem;overflow-wrap:break-word}details td{min-width:2rem}`;

/** Rows and values of a kind that are shown. */
const SHOWN = 10;
/** Characters of a value that are shown, and of what is listed or written about it. */
const LONGEST = { value: 300, told: 1000 } as const;

/**
 * A validation as one HTML page (Great Expectations calls it Data Docs): verdict, counts, and every expectation by
 * column, what failed first, with what was observed and up to 10 unexpected rows. The page needs no other file, runs no
 * script, and whatever the data holds is shown as text: its first 300 characters, those that control something as the
 * signs for them.
 */
export function renderDataDocs(report: ValidationReport, subject: DataDocsSubject): string {
  const { evaluated, successful, failed } = report.statistics;
  const title = `${subject.suite}: ${report.success ? "passed" : "failed"}`;
  const counts: readonly (readonly [string, number])[] = [
    ["Expectations", evaluated],
    ["Held", successful],
    ["Critical failed", failed.critical],
    ["Warnings", failed.warning],
    ["For information", failed.info],
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<main>
<h1><span class="${report.success ? "passed" : "failed"}">${escaped(title)}</span></h1>
<p class="about">${aboutOf(subject).map(escaped).join(" · ")}</p>
<dl>${counts.map(([name, count]) => `<div><dt>${name}</dt><dd>${count}</dd></div>`).join("")}</dl>
${sectionsOf(report.results).map(sectionOf).join("\n")}
</main>
</body>
</html>
`;
}

function aboutOf({ table, version, interval, at, run }: DataDocsSubject): string[] {
  return [
    `Table ${table}${version === undefined ? "" : `, version ${version}`}`,
    ...(interval === undefined ? [] : [`data interval ${interval.start} to ${interval.end}`]),
    ...(at === undefined ? [] : [`validated ${at}`]),
    ...(run === undefined ? [] : [`run ${run}`]),
  ];
}

/** Expectations about the table, then by column, in the order of the suite. */
function sectionsOf(results: readonly ExpectationResult[]): [string, ExpectationResult[]][] {
  const sections = new Map<string, ExpectationResult[]>([["Table", []]]);
  for (const result of results) {
    const name = "column" in result.kwargs ? `Column ${result.kwargs.column}` : "Table";
    sections.set(name, [...(sections.get(name) ?? []), result]);
  }
  return [...sections].filter(([, list]) => list.length > 0);
}

function sectionOf([name, results]: [string, ExpectationResult[]], index: number): string {
  const rows = results.toSorted((a, b) => Number(a.success) - Number(b.success));
  const failed = results.filter(({ success }) => !success).length;
  return `<section aria-labelledby="s${index}"><h2 id="s${index}">${escaped(name)}</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="s${index}"><table>
<caption>${results.length} ${results.length === 1 ? "expectation" : "expectations"}, ${failed} not held</caption>
<thead><tr><th scope="col">Verdict</th><th scope="col">Expectation</th><th scope="col">Observed</th><th scope="col">Unexpected</th></tr></thead>
<tbody>
${rows.map(rowOf).join("\n")}
</tbody>
</table></div></section>`;
}

function rowOf(result: ExpectationResult): string {
  const [kind, mark] = result.success
    ? ["passed", "✓ passed"]
    : ({ critical: ["failed", "✗ failed"], warning: ["warning", "⚠ warning"], info: ["info", "ℹ not held"] } as const)[
        result.severity
      ];
  const told = Object.entries(result.kwargs).filter(
    ([key, value]) => key !== "column" && value !== undefined && value !== null && value !== false,
  );
  const kwargs = told.map(([key, value]) => `<code>${shown(`${key}: ${JSON.stringify(value)}`)}</code>`).join("<br>");
  const notes = result.notes === undefined ? "" : `<p class="notes">${shown([result.notes].flat().join(" "))}</p>`;
  return `<tr><td class="verdict ${kind}">${mark}</td><th scope="row">${escaped(sentenceOf(result.type))}<br>${kwargs}${notes}</th><td>${observed(result)}</td><td>${unexpected(result)}</td></tr>`;
}

/** `expect_column_values_to_be_unique`, to be read. */
function sentenceOf(type: string): string {
  return type.replace(/^expect_/, "").replaceAll("_", " ");
}

function observed({ exception, observed: value, elementCount, missingCount }: ExpectationResult): string {
  if (exception !== undefined) return `<strong>Not evaluated:</strong> ${shown(exception)}`;
  if (value !== null) return `<code>${shown(typeof value === "string" ? value : JSON.stringify(value))}</code>`;
  if (elementCount === null) return "";
  return `${elementCount} rows${missingCount === null ? "" : `, ${missingCount} missing`}`;
}

function unexpected(result: ExpectationResult): string {
  const { unexpectedCount, unexpectedPercent, unexpectedValues, missingValues } = result;
  const parts: string[] = [];
  if (unexpectedCount !== null) {
    parts.push(`${unexpectedCount}${unexpectedPercent === null ? "" : ` (${unexpectedPercent.toFixed(2)} %)`}`);
  }
  if (missingValues !== undefined && missingValues.length > 0) {
    parts.push(`missing: <code>${shown(JSON.stringify(missingValues))}</code>`);
  }
  if (unexpectedValues !== undefined && unexpectedValues.length > 0) {
    parts.push(`<code>${shown(JSON.stringify(unexpectedValues))}</code>`);
  }
  const rows = result.sample.slice(0, SHOWN);
  if (rows.length > 0) parts.push(`<details><summary>${rows.length} of the rows</summary>${rowsOf(rows)}</details>`);
  return parts.join("<br>");
}

function rowsOf(rows: readonly Readonly<Record<string, Json>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cell = (value: Json | undefined) =>
    value === null || value === undefined
      ? '<span class="missing">null</span>'
      : shown(typeof value === "string" ? value : JSON.stringify(value), LONGEST.value);
  const head = names.map((name) => `<th scope="col">${escaped(name)}</th>`).join("");
  const body = rows.map((row) => `<tr>${names.map((name) => `<td>${cell(row[name])}</td>`).join("")}</tr>`).join("");
  return `<div class="scroll" tabindex="0" role="region" aria-label="Unexpected rows"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** What may be long, cut where it is. */
function shown(plain: string, longest: number = LONGEST.told): string {
  if (plain.length <= longest) return escaped(plain);
  // Never half a character.
  const start = plain.slice(0, longest).replace(/[\ud800-\udbff]$/, "");
  return `${escaped(start)}<span class="missing">… (${plain.length} characters)</span>`;
}

/** The signs that Unicode has for controls, from NUL on; tab and the ends of lines are what they are. */
const SIGNS = 0x2400;

function escaped(plain: string): string {
  return plain
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
    .replace(/(?![\t\n\r])[\p{Cc}]/gu, (control) => {
      const code = control.charCodeAt(0);
      return code < 32 ? String.fromCharCode(SIGNS + code) : "\ufffd";
    });
}
