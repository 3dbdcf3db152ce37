import type { ExpectationResult, ValidationReport } from "./validate.ts";

/** What a report is about, shown at its head. */
export interface DataDocsSubject {
  readonly suite: string;
  readonly table: string;
  readonly version?: number | undefined;
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #ddd;padding:.4rem .6rem;text-align:left;vertical-align:top}
code{font-size:13px;overflow-wrap:anywhere}.passed{color:#176b2c}.failed{color:#b3141b}.warned{color:#8a5a00}`;

/**
 * A validation as one HTML page (Great Expectations calls it Data Docs): verdict, counts, and every expectation with
 * what was observed and up to 10 unexpected rows. The page needs no other file and runs no script.
 */
export function renderDataDocs(report: ValidationReport, subject: DataDocsSubject): string {
  const { evaluated, successful, failed } = report.statistics;
  const table = subject.version === undefined ? subject.table : `${subject.table}, version ${subject.version}`;
  const title = `${subject.suite}: ${report.success ? "passed" : "failed"}`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<h1 class="${report.success ? "passed" : "failed"}">${escaped(title)}</h1>
<p>Table ${escaped(table)}. ${successful} of ${evaluated} expectations hold; ${failed.critical} critical ones failed, ${failed.warning} warnings, ${failed.info} for information.</p>
<table>
<thead><tr><th>Verdict</th><th>Expectation</th><th>Observed</th><th>Unexpected</th></tr></thead>
<tbody>
${report.results.map(rowOf).join("\n")}
</tbody>
</table>
</body>
</html>
`;
}

function rowOf(result: ExpectationResult): string {
  const verdict = result.success ? "passed" : result.severity === "critical" ? "failed" : "warned";
  return `<tr><td class="${verdict}">${verdict}</td><td><strong>${escaped(result.type)}</strong><br><code>${escaped(JSON.stringify(result.kwargs))}</code></td><td>${observed(result)}</td><td>${unexpected(result)}</td></tr>`;
}

function observed({ exception, observed: value, elementCount, missingCount }: ExpectationResult): string {
  if (exception !== undefined) return escaped(exception);
  if (value !== null) return `<code>${escaped(JSON.stringify(value))}</code>`;
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
    parts.push(`missing: <code>${escaped(JSON.stringify(missingValues))}</code>`);
  }
  const shown = unexpectedValues ?? result.sample.slice(0, 10);
  if (shown.length > 0) {
    const lines = shown.map((value) => `<code>${escaped(JSON.stringify(value))}</code>`).join("<br>");
    parts.push(`<details><summary>${shown.length} shown</summary>${lines}</details>`);
  }
  return parts.join("<br>");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(plain: string): string {
  return plain.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
