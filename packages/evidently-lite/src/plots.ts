import { histogramShares, sturgesEdges } from "./bins.ts";
import type { ColumnType, Value } from "./values.ts";

const WIDTH = 360;
const HEIGHT = 180;
const MARGIN = 24;
/** More categories than these are left out of a plot; it says how many. */
const MOST_CATEGORIES = 12;
/** More points than these are thinned evenly. */
const MOST_POINTS = 2000;

/** Text made safe for HTML and SVG. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A number with four significant digits. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4)
    ? value.toExponential(3)
    : String(Number(value.toPrecision(4)));
}

function svg(label: string, body: string): string {
  return `<svg role="img" aria-label="${escapeHtml(label)}" viewBox="0 0 ${WIDTH} ${HEIGHT}">${body}</svg>`;
}

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end" = "start"): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeHtml(content)}</text>`;
}

/** Samples of a column: the first is drawn as reference where there are two. */
export type Samples = readonly { readonly side: "reference" | "current"; readonly values: ArrayLike<Value> }[];

/** Shares of each sample, side by side: in equal bins for numbers, by value for categories. */
export function distributionPlot(label: string, samples: Samples, type: ColumnType): string {
  return type === "num" ? numbersPlot(label, samples) : categoriesPlot(label, samples);
}

function numbersPlot(label: string, samples: Samples): string {
  const sorted = samples.map(({ side, values }) => ({
    side,
    values: Float64Array.from(
      Array.from(values, (value) => (value === null || value === undefined ? Number.NaN : Number(value))).filter(
        Number.isFinite,
      ),
    ).sort(),
  }));
  const filled = sorted.filter(({ values }) => values.length > 0);
  if (filled.length === 0) return svg(label, text(WIDTH / 2, HEIGHT / 2, "no values", "middle"));
  const first = Math.min(...filled.map(({ values }) => values[0]!));
  const last = Math.max(...filled.map(({ values }) => values.at(-1)!));
  const edges = sturgesEdges(
    first,
    last,
    filled.reduce((sum, { values }) => sum + values.length, 0),
    false,
  );
  const bars = filled.map(({ side, values }) => ({ side, shares: [...histogramShares(values, edges)] }));
  const ends = text(MARGIN, HEIGHT - 6, shortNumber(first)) + text(WIDTH - 6, HEIGHT - 6, shortNumber(last), "end");
  return svg(label, barsOf(bars) + ends);
}

function categoriesPlot(label: string, samples: Samples): string {
  const counted = samples.map(({ side, values }) => {
    const counts = new Map<string, number>();
    for (let row = 0; row < values.length; row++) {
      const value = values[row];
      if (value !== null && value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    }
    return { side, counts, total: [...counts.values()].reduce((sum, count) => sum + count, 0) };
  });
  const totals = new Map<string, number>();
  for (const { counts } of counted)
    for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count);
  const names = [...totals].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const shown = names.slice(0, MOST_CATEGORIES);
  const bars = counted.map(({ side, counts, total }) => ({
    side,
    shares: shown.map((name) => (counts.get(name) ?? 0) / Math.max(1, total)),
  }));
  const step = (WIDTH - MARGIN - 6) / Math.max(1, shown.length);
  const labels = shown.map((name, at) => text(MARGIN + step * (at + 0.5), HEIGHT - 6, name.slice(0, 8), "middle"));
  const rest = names.length - shown.length;
  return svg(label, barsOf(bars) + labels.join("") + (rest > 0 ? text(WIDTH - 6, 10, `${rest} more`, "end") : ""));
}

function barsOf(bars: readonly { side: string; shares: readonly number[] }[]): string {
  const highest = Math.max(1e-12, ...bars.flatMap(({ shares }) => shares));
  const scale = (HEIGHT - 2 * MARGIN) / highest;
  const drawn = bars.flatMap(({ side, shares }, at) =>
    shares.map((share, bin) => {
      const step = (WIDTH - MARGIN - 6) / shares.length;
      const width = (step * 0.9) / bars.length;
      const x = MARGIN + bin * step + at * width;
      const y = HEIGHT - MARGIN - share * scale;
      return `<rect class="${side}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${(share * scale).toFixed(1)}"/>`;
    }),
  );
  return text(0, MARGIN - 4, `${shortNumber(100 * highest)} %`) + drawn.join("");
}

/** A curve over the unit square, with its diagonal. */
export function curvePlot(label: string, points: readonly (readonly [number, number])[]): string {
  const at = ([x, y]: readonly [number, number]) =>
    `${(MARGIN + x * (WIDTH - 2 * MARGIN)).toFixed(1)},${(HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN)).toFixed(1)}`;
  const line = (of: readonly (readonly [number, number])[], kind: string) =>
    `<polyline class="${kind}" points="${of.map(at).join(" ")}"/>`;
  const diagonal: [number, number][] = [
    [0, 0],
    [1, 1],
  ];
  return svg(label, line(diagonal, "guide") + line(thin(points), "curve"));
}

/** Points over both axes, with a line at y = 0. */
export function scatterPlot(label: string, points: readonly (readonly [number, number])[]): string {
  const shown = thin(points);
  const range = (values: readonly number[]) => {
    const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    return { low, size: high - low || 1 };
  };
  const x = range(shown.map((point) => point[0]));
  const y = range([0, ...shown.map((point) => point[1])]);
  const left = (value: number) => (MARGIN + ((value - x.low) / x.size) * (WIDTH - 2 * MARGIN)).toFixed(1);
  const top = (value: number) => (HEIGHT - MARGIN - ((value - y.low) / y.size) * (HEIGHT - 2 * MARGIN)).toFixed(1);
  const zero = `<polyline class="guide" points="${MARGIN},${top(0)} ${WIDTH - MARGIN},${top(0)}"/>`;
  const dots = shown.map(([a, b]) => `<circle class="current" cx="${left(a)}" cy="${top(b)}" r="2"/>`);
  const ends =
    text(MARGIN, HEIGHT - 6, shortNumber(x.low)) + text(WIDTH - 6, HEIGHT - 6, shortNumber(x.low + x.size), "end");
  return svg(label, zero + dots.join("") + ends);
}

function thin<T>(points: readonly T[]): readonly T[] {
  if (points.length <= MOST_POINTS) return points;
  const step = (points.length - 1) / (MOST_POINTS - 1);
  return Array.from({ length: MOST_POINTS }, (_, at) => points[Math.round(at * step)]!);
}
