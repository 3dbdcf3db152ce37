import type { ParamImportance, Trial } from "@dagwright/learn";

const WIDTH = 720;
const HEIGHT = 260;
const MARGIN = 48;

/** What the page of a study shows. */
export interface StudyView {
  readonly name: string;
  readonly score: string;
  readonly isLoss: boolean;
  readonly trials: readonly Trial[];
  readonly importance: readonly ParamImportance[];
}

/** A page with a study's history and the importance of its parameters; nothing is loaded from elsewhere. */
export function studyPage(view: StudyView): string {
  const name = escaped(view.name);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${name}</title>
<style>body{font:14px system-ui;margin:2rem auto;max-width:760px}h2{font-size:1rem;margin-top:2rem}text{font:11px system-ui}</style>
<h1>${name}</h1><h2>${escaped(view.score)} by trial, and the best so far</h2>${history(view)}
<h2>Importance of the parameters</h2>${importances(view.importance)}</html>
`;
}

function history({ trials, isLoss }: StudyView): string {
  const points = trials.flatMap(({ number, value }) => (value === null ? [] : [{ number, value }]));
  if (points.length === 0) return "<p>No trial is complete.</p>";
  const values = points.map(({ value }) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const last = Math.max(1, ...points.map(({ number }) => number));
  const x = (number: number) => MARGIN + (number / last) * (WIDTH - 2 * MARGIN);
  const y = (value: number) => HEIGHT - MARGIN - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * MARGIN);
  let best = values[0]!;
  const path = points.map(({ number, value }) => {
    best = isLoss ? Math.min(best, value) : Math.max(best, value);
    return `${x(number).toFixed(1)},${y(best).toFixed(1)}`;
  });
  const dots = points.map(
    ({ number, value }) =>
      `<circle cx="${x(number).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3" fill="#4878a8"><title>trial ${number}: ${value}</title></circle>`,
  );
  const label = (value: number) => `<text x="4" y="${y(value).toFixed(1)}">${value.toPrecision(4)}</text>`;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${label(low)}${label(high)}${dots.join("")}<polyline points="${path.join(" ")}" fill="none" stroke="#c44" stroke-width="1.5"/></svg>`;
}

function importances(all: readonly ParamImportance[]): string {
  const bars = all.map(({ parameter, importance }, at) => {
    const top = at * 24;
    return `<text x="0" y="${top + 15}">${escaped(parameter)}</text><rect x="220" y="${top + 3}" width="${(importance * 420).toFixed(1)}" height="16" fill="#4878a8"/><text x="${(226 + importance * 420).toFixed(1)}" y="${top + 15}">${importance.toFixed(3)}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${Math.max(24, all.length * 24)}" role="img">${bars.join("")}</svg>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
