import type { ColumnDistribution } from "./distribution.ts";

const WIDTH = 360;
const HEIGHT = 200;
const LEFT = 54;
const RIGHT = 8;
const TOP = 18;
const BOTTOM = 34;
/** The base line of what stands under the plot. */
const TICKS = HEIGHT - BOTTOM + 14;
const INNER_WIDTH = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT = HEIGHT - TOP - BOTTOM;

/** Text made safe for HTML and SVG. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A number with four significant digits. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4)
    ? value.toExponential(3)
    : String(Number(value.toPrecision(4)));
}

/** A number beside an axis: short enough for the margin, and 0 where it is less than the axis can show. */
function tick(value: number, { low, high }: Range): string {
  if (Math.abs(value) < (high - low) / 1000) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(4)));
}

function svg(label: string, body: string, height = HEIGHT): string {
  return `<svg role="img" aria-label="${escapeHtml(label)}" viewBox="0 0 ${WIDTH} ${height}">${body}</svg>`;
}

type Anchor = "start" | "middle" | "end";

function text(x: number, y: number, content: string, anchor: Anchor = "start", kind = ""): string {
  const named = kind === "" ? "" : ` class="${kind}"`;
  return `<text${named} x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeHtml(content)}</text>`;
}

function shortened(name: string, most: number): string {
  const letters = [...name];
  return letters.length <= most ? name : `${letters.slice(0, most - 1).join("")}…`;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** Lines across the plot with the numbers that they stand for, and over them what is measured. */
function heightScale(range: Range, title: string, show = tick): string {
  const lines = [0, 0.5, 1].map((part) => {
    const y = TOP + (1 - part) * INNER_HEIGHT;
    const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/>`;
    return line + text(LEFT - 4, y + 3, show(range.low + part * (range.high - range.low), range), "end");
  });
  return text(LEFT, 9, title) + lines.join("");
}

const widthTitle = (title: string) => text(LEFT + INNER_WIDTH / 2, HEIGHT - 4, title, "middle");

function widthScale(range: Range, title: string): string {
  const places = [
    [0, "start"],
    [0.5, "middle"],
    [1, "end"],
  ] as const;
  const numbers = places.map(([part, anchor]) =>
    text(LEFT + part * INNER_WIDTH, TICKS, tick(range.low + part * (range.high - range.low), range), anchor),
  );
  return numbers.join("") + widthTitle(title);
}

/** Room for names left of lying bars. */
const NAMES = 120;
const inPercent = (share: number) => `${shortNumber(100 * share)} %`;

/** Shares of each side in the same bins or categories, side by side; categories of long names lie under each other. */
export function distributionPlot(label: string, distribution: ColumnDistribution): string {
  const sides = [
    ...(distribution.reference === undefined ? [] : [{ side: "reference", shares: distribution.reference }]),
    { side: "current", shares: distribution.current },
  ];
  const highest = sides.reduce((most, { shares }) => shares.reduce((a, b) => Math.max(a, b), most), 0);
  if (highest === 0) return svg(label, text(WIDTH / 2, HEIGHT / 2, "no values", "middle"));
  const scale = heightScale({ low: 0, high: highest }, "share of values", inPercent);
  const edges = distribution.edges;
  if (edges !== undefined)
    return svg(
      label,
      scale + barsOf(sides, highest) + widthScale({ low: edges[0] ?? 0, high: edges.at(-1) ?? 0 }, "value"),
    );
  const { categories } = distribution;
  const step = INNER_WIDTH / categories.length;
  const letters = Math.max(3, Math.floor(step / 6));
  const rest = distribution.others > 0 ? `${distribution.others} more are not shown` : "";
  if (categories.some((name) => [...name].length > letters)) return lyingBars(label, categories, sides, highest, rest);
  const labels = categories.map((name, at) => text(LEFT + step * (at + 0.5), TICKS, name, "middle"));
  return svg(label, scale + barsOf(sides, highest) + labels.join("") + widthTitle(rest));
}

/** A category a row: its name, and a bar for each side with its share. */
function lyingBars(
  label: string,
  categories: readonly string[],
  sides: readonly { readonly side: string; readonly shares: readonly number[] }[],
  highest: number,
  rest: string,
): string {
  const row = 10 * sides.length + 6;
  const rows = categories.flatMap((name, at) => {
    const y = TOP + at * row;
    const bars = sides.map(({ side, shares }, which) => {
      const share = shares[at] ?? 0;
      const width = (share / highest) * (WIDTH - NAMES - 50);
      const top = y + 10 * which;
      const bar = `<rect class="${side}" x="${NAMES}" y="${top}" width="${width.toFixed(1)}" height="9"/>`;
      return bar + text(NAMES + width + 4, top + 8, inPercent(share));
    });
    const short = `<title>${escapeHtml(name)}</title>`;
    return [`<g>${short}${text(NAMES - 6, y + row / 2 + 1, shortened(name, 18), "end")}</g>`, ...bars];
  });
  const height = TOP + categories.length * row + 14;
  return svg(label, text(NAMES, 9, "share of values") + rows.join("") + text(NAMES, height - 4, rest), height);
}

function barsOf(sides: readonly { side: string; shares: readonly number[] }[], highest: number): string {
  return sides
    .flatMap(({ side, shares }, at) =>
      shares.map((share, bin) => {
        const step = INNER_WIDTH / shares.length;
        const width = (step * 0.9) / sides.length;
        const height = (share / highest) * INNER_HEIGHT;
        const [x, y] = [LEFT + bin * step + at * width, TOP + INNER_HEIGHT - height];
        return `<rect class="${side}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"><title>${inPercent(share)}</title></rect>`;
      }),
    )
    .join("");
}

/** What the axes of a plot measure. */
export interface Axes {
  readonly x: string;
  readonly y: string;
}

/** A curve over the unit square, with its diagonal. */
export function curvePlot(label: string, axes: Axes, points: readonly (readonly [number, number])[]): string {
  const unit = { low: 0, high: 1 };
  const at = ([x, y]: readonly [number, number]) =>
    `${(LEFT + x * INNER_WIDTH).toFixed(1)},${(TOP + (1 - y) * INNER_HEIGHT).toFixed(1)}`;
  const line = (of: readonly (readonly [number, number])[], kind: string) =>
    `<polyline class="${kind}" points="${of.map(at).join(" ")}"/>`;
  const diagonal: readonly (readonly [number, number])[] = [
    [0, 0],
    [1, 1],
  ];
  return svg(
    label,
    heightScale(unit, axes.y) + widthScale(unit, axes.x) + line(diagonal, "guide") + line(points, "curve"),
  );
}

function rangeOf(values: readonly number[]): Range {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = finite.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (low > high) return { low: 0, high: 1 };
  return low === high ? { low: low - 0.5, high: high + 0.5 } : { low, high };
}

const along = (value: number, { low, high }: Range) => (value - low) / (high - low);

/** Points over both axes, with a line at y = 0. */
export function scatterPlot(label: string, axes: Axes, points: readonly (readonly [number, number])[]): string {
  const x = rangeOf(points.map((point) => point[0]));
  const y = rangeOf([0, ...points.map((point) => point[1])]);
  const top = (value: number) => (TOP + (1 - along(value, y)) * INNER_HEIGHT).toFixed(1);
  const zero = `<line class="guide" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${top(0)}" y2="${top(0)}"/>`;
  const dots = points.map(
    ([a, b]) => `<circle class="current" cx="${(LEFT + along(a, x) * INNER_WIDTH).toFixed(1)}" cy="${top(b)}" r="2"/>`,
  );
  return svg(label, heightScale(y, axes.y) + widthScale(x, axes.x) + zero + dots.join(""));
}

/** A bar of the plot of drift over features. */
export interface DriftBar {
  readonly name: string;
  /** 1 at the threshold, more beyond it. */
  readonly strength: number;
  readonly drifted: boolean;
}

/** The longest bar, in thresholds. */
const LONGEST = 3;
const ROW = 18;

/** How far each feature has come towards its threshold, a line there; `rest` features are not among them. */
export function driftBarsPlot(label: string, bars: readonly DriftBar[], rest: number): string {
  const left = NAMES;
  const scale = (WIDTH - left - RIGHT) / LONGEST;
  const rows = bars.map(({ name, strength, drifted }, at) => {
    const width = Math.min(LONGEST, Math.max(0, strength)) * scale;
    const y = TOP + at * ROW;
    const bar = `<rect class="${drifted ? "drifted" : "stable"}" x="${left}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 5}"/>`;
    return text(left - 6, y + ROW - 6, shortened(name, 18), "end") + bar;
  });
  const height = TOP + bars.length * ROW + BOTTOM + 12;
  const x = left + scale;
  const line = `<line class="limit" x1="${x}" x2="${x}" y1="${TOP - 4}" y2="${height - BOTTOM - 8}"/>`;
  const steps = [0, 1, LONGEST].map((times, at) =>
    text(
      left + times * scale,
      height - 32,
      at === 1 ? "threshold" : at === 0 ? "0" : "3 × or more",
      at < 2 ? "middle" : "end",
    ),
  );
  const note = text(8, height - 18, "score in thresholds; p-values: ratio of logarithms");
  const more = rest > 0 ? text(left, height - 4, `${rest} calmer ones are not drawn`) : "";
  return svg(label, rows.join("") + line + steps.join("") + note + more, height);
}

/** A line of the plot over time; null where there is no value. */
export interface TimeLine {
  readonly kind: string;
  readonly values: readonly (number | null)[];
}

/** Values over moments, evenly spaced; a limit is drawn across where there is one. `measured` names the values. */
export function timePlot(
  label: string,
  measured: string,
  moments: readonly string[],
  lines: readonly TimeLine[],
  limit?: number,
): string {
  const present = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  const y = rangeOf([...present, ...(limit === undefined ? [] : [limit]), 0]);
  const step = INNER_WIDTH / Math.max(1, moments.length - 1);
  const at = (value: number, index: number) =>
    [
      LEFT + (moments.length === 1 ? INNER_WIDTH / 2 : index * step),
      TOP + (1 - along(value, y)) * INNER_HEIGHT,
    ] as const;
  const drawn = lines.map(({ kind, values }) => {
    const places = values.flatMap((value, index) =>
      value === null || !Number.isFinite(value) ? [] : [{ place: at(value, index), value, index }],
    );
    const path = places.map(({ place }) => place.map((part) => part.toFixed(1)).join(",")).join(" ");
    const dots = places.map(
      ({ place: [cx, cy], value, index }) =>
        `<circle class="${kind}" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3"><title>${escapeHtml(moments[index] ?? "")}: ${shortNumber(value)}</title></circle>`,
    );
    return `<polyline class="line ${kind}" points="${path}"/>${dots.join("")}`;
  });
  const [, limitY] = at(limit ?? 0, 0);
  const across =
    limit === undefined
      ? ""
      : `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${limitY.toFixed(1)}" y2="${limitY.toFixed(1)}"/>`;
  const day = (moment: string | undefined) => (moment ?? "").slice(0, 10);
  const ends =
    text(LEFT, TICKS, day(moments[0])) +
    (moments.length > 1 ? text(WIDTH - RIGHT, TICKS, day(moments.at(-1)), "end") : "") +
    widthTitle("snapshots in order of time");
  const nothing = present.some(Number.isFinite) ? "" : text(LEFT + INNER_WIDTH / 2, TOP + 20, "no values", "middle");
  return svg(label, heightScale(y, measured) + nothing + across + drawn.join("") + ends);
}
