import { type Cell, page, plots, table } from "./page.ts";
import { escapeHtml, shortNumber, timePlot } from "./plots.ts";
import type { Snapshot } from "./snapshot.ts";

/** The last moments that a table shows; plots show all. */
const MOST_LISTED = 12;
/** More plots of one kind than these are left out; the page says how many. */
const MOST_PLOTS = 60;

/**
 * A page that shows how drift and quality went over time, from snapshots in any order; of two of the same moment and
 * title the later in the list counts. It opens offline.
 */
export function historyPage(
  snapshots: readonly Snapshot[],
  options: { readonly title?: string | undefined; readonly notes?: readonly string[] | undefined } = {},
): string {
  const title = options.title ?? "Monitoring";
  const ordered = [...new Map(snapshots.map((one) => [`${one.timestamp} ${one.title}`, one])).values()].sort(
    (a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp),
  );
  const last = ordered.at(-1);
  const head = `<h1>${escapeHtml(title)}</h1>`;
  const notes = (options.notes ?? []).map((note) => `<p class="soft">${escapeHtml(note)}</p>`).join("");
  if (last === undefined) return page(title, `${head}${notes}<p>There is no snapshot yet.</p>`);
  const said = `<p class="soft">${ordered.length} snapshot${ordered.length === 1 ? "" : "s"}, the last of ${escapeHtml(last.timestamp)}</p>`;
  return page(
    title,
    head + said + notes + verdict(last) + driftOverTime(ordered) + columnsOverTime(ordered) + metricsOverTime(ordered),
  );
}

function verdict({ drift, columns }: Snapshot): string {
  if (drift === null) return "";
  const names = columns.filter(({ drifted }) => drifted).map(({ column }) => column);
  const which = names.length === 0 ? "" : `: ${names.join(", ")}`;
  return `<p class="verdict ${drift.datasetDrift ? "bad" : "good"}">${drift.datasetDrift ? "Drift" : "No drift"} of the data set now; ${drift.count} of ${columns.length} columns have drifted${escapeHtml(which)}</p>`;
}

function driftOverTime(ordered: readonly Snapshot[]): string {
  const measured = ordered.filter(({ drift }) => drift !== null);
  if (measured.length === 0) return "";
  const plot = timePlot(
    "Share of drifted columns",
    "share",
    measured.map(({ timestamp }) => timestamp),
    [{ kind: "current", values: measured.map(({ drift }) => drift?.share ?? null) }],
  );
  return `<h2>Drift</h2>${plots([{ caption: "Share of drifted columns", body: plot }])}`;
}

function columnsOverTime(ordered: readonly Snapshot[]): string {
  const names = [...new Set(ordered.flatMap(({ columns }) => columns.map(({ column }) => column)))];
  if (names.length === 0) return "";
  const recent = ordered.slice(-MOST_LISTED);
  const find = ({ columns }: Snapshot, name: string) => columns.find(({ column }) => column === name);
  const rows = names.map((name): Cell[] => [
    name,
    ...recent.map((snapshot): Cell => {
      const found = find(snapshot, name);
      if (found === undefined) return "";
      const text = found.score === null ? "NaN" : shortNumber(found.score);
      return found.drifted ? { text: `${text} drifted`, kind: "bad" } : text;
    }),
  ]);
  const drawn = names.slice(0, MOST_PLOTS).map((name) => {
    const found = ordered.map((snapshot) => find(snapshot, name));
    const { method, threshold } = found.findLast((one) => one !== undefined) ?? { method: "", threshold: 0 };
    const values = found.map((one) => one?.score ?? null);
    const moments = ordered.map(({ timestamp }) => timestamp);
    return {
      caption: `${name} (${method})`,
      body: timePlot(`${method} of ${name}`, `score of ${method}`, moments, [{ kind: "current", values }], threshold),
    };
  });
  const day = ({ timestamp }: Snapshot) => timestamp.slice(0, 16).replace("T", " ");
  return `<h2>Columns</h2>${table(["column", ...recent.map(day)], rows)}${plots(drawn)}${leftOut(names.length)}`;
}

function metricsOverTime(ordered: readonly Snapshot[]): string {
  const names = [...new Set(ordered.flatMap(({ metrics }) => Object.keys(metrics)))];
  if (names.length === 0) return "";
  const moments = ordered.map(({ timestamp }) => timestamp);
  const drawn = names.slice(0, MOST_PLOTS).map((name) => {
    const values = ordered.map(({ metrics }) => metrics[name] ?? null);
    const now = values.at(-1) ?? null;
    return {
      caption: `${name}${now === null ? "" : `: ${shortNumber(now)}`}`,
      body: timePlot(name, "value", moments, [{ kind: "current", values }]),
    };
  });
  return `<h2>Metrics</h2>${plots(drawn)}${leftOut(names.length)}`;
}

function leftOut(size: number): string {
  return size > MOST_PLOTS ? `<p class="soft">${size - MOST_PLOTS} more are not drawn.</p>` : "";
}
