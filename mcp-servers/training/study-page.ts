import type { Direction, ParamImportance, TrialParams } from "@dagwright/learn";

/** What the page of a study shows. */
export interface StudyView {
  readonly name: string;
  readonly score: string;
  readonly direction: Direction;
  readonly trials: readonly {
    readonly number: number;
    readonly state: string;
    readonly params: TrialParams;
    readonly value: number | null;
    readonly reason: string | null;
  }[];
  readonly importance: readonly ParamImportance[];
}

const CSS = `:root{color-scheme:light dark;--ink:#1c2229;--soft:#5b6672;--paper:#fff;--card:#f6f7f9;--line:#d9dee4;--dot:#8c99a8;--best:#c2410c}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa5b1;--paper:#12161b;--card:#1b2128;--line:#303841;--dot:#7d8b9a;--best:#f97316}}
*{box-sizing:border-box}body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;padding:1.25rem;max-width:900px;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .5rem}p{margin:.25rem 0;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block;background:var(--card);border-radius:8px}text{font-size:12px;fill:var(--soft)}.grid{stroke:var(--line)}
.dot{fill:var(--dot)}.best{fill:none;stroke:var(--best);stroke-width:2}.key i{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin:0 .3em 0 .8em}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{border-bottom:1px solid var(--line);padding:.3rem .9rem .3rem 0;text-align:left;white-space:nowrap}
th{color:var(--soft);font-weight:600}.soft{color:var(--soft)}.bar{background:var(--dot);height:.9rem;border-radius:2px}.shares{width:100%}.share{width:100%;white-space:normal}.name{white-space:normal;overflow-wrap:anywhere;min-width:8rem}
@media (max-width:600px){svg text{font-size:20px}circle{r:6px}}`;

/** A page with a study's history, the importance of its parameters and its trials; nothing is loaded from elsewhere. */
export function studyPage(view: StudyView): string {
  const name = escaped(view.name);
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"><title>${name}</title><style>${CSS}</style>`;
  return `<!doctype html><html lang="en"><head>${head}</head><body><h1>${name}</h1>${summary(view)}
<h2>History</h2>${history(view)}
<h2>Importance of the parameters</h2>${importances(view.importance)}
<h2>Trials</h2>${trialTable(view)}</body></html>
`;
}

function summary({ trials, score, direction }: StudyView): string {
  const best = bestOf(trials, direction);
  const counts = ["complete", "pruned", "failed", "running"].flatMap((state) => {
    const count = trials.filter((trial) => trial.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const said =
    best === undefined
      ? "No trial is complete."
      : `Best: ${escaped(score)} ${shortNumber(best.value)} in trial ${best.number}, with ${escaped(paramsText(best.params))}.`;
  return `<p>${said}</p><p class="soft">${counts.join(", ")}; ${escaped(score)} is to be ${direction === "minimize" ? "small" : "great"}.</p>`;
}

type Complete = StudyView["trials"][number] & { readonly value: number };

function completeOf(trials: StudyView["trials"]): Complete[] {
  return trials.flatMap((trial) => (trial.value === null ? [] : [{ ...trial, value: trial.value }]));
}

/** The first of equals. */
function bestOf(trials: StudyView["trials"], direction: Direction): Complete | undefined {
  let best: Complete | undefined;
  for (const trial of completeOf(trials))
    if (best === undefined || (direction === "minimize" ? trial.value < best.value : trial.value > best.value))
      best = trial;
  return best;
}

const WIDTH = 720;
const HEIGHT = 300;
const LEFT = 110;
const RIGHT = 16;
const TOP = 16;
const BOTTOM = 48;

function history({ trials, score, direction }: StudyView): string {
  const points = completeOf(trials);
  if (points.length === 0) return "<p>No trial is complete.</p>";
  const values = points.map(({ value }) => value);
  const [low, high] = rangeOf(values);
  const last = Math.max(1, ...points.map(({ number }) => number));
  const x = (number: number) => LEFT + (number / last) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const at = (number: number, value: number) => `${x(number).toFixed(1)},${y(value).toFixed(1)}`;
  const heights = [0, 0.25, 0.5, 0.75, 1].map((part) => low + part * (high - low));
  const lines = heights.map(
    (value) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/><text x="${LEFT - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${shortNumber(value)}</text>`,
  );
  const ticks = [...new Set([0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last)))].map(
    (number) => `<text x="${x(number).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${number}</text>`,
  );
  // A step: the best stays until a better one comes.
  const path: string[] = [];
  let best = values[0]!;
  for (const { number, value } of points) {
    path.push(at(number, best));
    best = direction === "minimize" ? Math.min(best, value) : Math.max(best, value);
    path.push(at(number, best));
  }
  const dots = points.map(
    ({ number, value, params }) =>
      `<circle class="dot" cx="${x(number).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3.5"><title>trial ${number}: ${shortNumber(value)}, ${escaped(paramsText(params))}</title></circle>`,
  );
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  const titles = `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">trial</text><text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle">mean ${escaped(score)}</text>`;
  const key = `<p class="key soft"><i style="background:var(--dot)"></i>a trial<i style="background:var(--best)"></i>the best so far</p>`;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(score)} by trial, and the best so far">${lines.join("")}${ticks.join("")}${titles}<polyline class="best" points="${path.join(" ")}"/>${dots.join("")}</svg>${key}`;
}

/** From the least to the greatest; with room around where all are one. */
function rangeOf(values: readonly number[]): readonly [number, number] {
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((most, value) => Math.max(most, value));
  const room = Math.abs(low) * 0.01 || 1;
  return low < high ? [low, high] : [low - room, high + room];
}

function importances(all: readonly ParamImportance[]): string {
  if (all.every(({ importance }) => importance === 0))
    return "<p>Not known before two trials are complete, with different values.</p>";
  const rows = all.map(
    ({ parameter, importance }) =>
      `<tr><td class="name">${escaped(parameter)}</td><td>${importance.toFixed(3)}</td><td class="share"><div class="bar" style="width:${(importance * 100).toFixed(1)}%"></div></td></tr>`,
  );
  return `<table class="shares"><thead><tr><th>parameter</th><th>importance</th><th class="share"></th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** The best first; those without a value last. */
function trialTable({ trials, direction, score }: StudyView): string {
  const sign = direction === "minimize" ? 1 : -1;
  const worst = Number.POSITIVE_INFINITY;
  const rankOf = ({ value }: StudyView["trials"][number]) => (value === null ? worst : sign * value);
  const ranked = trials.toSorted((a, b) => {
    const [left, right] = [rankOf(a), rankOf(b)];
    return left === right ? a.number - b.number : left - right;
  });
  const names = [...new Set(trials.flatMap(({ params }) => Object.keys(params)))];
  const cell = (text: string) => `<td>${escaped(text)}</td>`;
  const rows = ranked.map(({ number, state, value, params, reason }) => {
    const said = reason === null ? state : `${state}: ${reason}`;
    const own = names.map((name) => cell(Object.hasOwn(params, name) ? paramText(params[name]) : "–"));
    return `<tr>${cell(String(number))}${cell(value === null ? "–" : shortNumber(value))}${own.join("")}${cell(said)}</tr>`;
  });
  const heads = ["trial", score, ...names, "state"].map((text) => `<th>${escaped(text)}</th>`);
  return `<div class="scroll"><table><thead><tr>${heads.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function paramsText(params: TrialParams): string {
  return Object.entries(params)
    .map(([name, value]) => `${name} ${paramText(value)}`)
    .join(", ");
}

function paramText(value: TrialParams[string] | undefined): string {
  return typeof value === "number" ? shortNumber(value) : String(value);
}

/** With four significant digits. */
function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(3);
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
}

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
