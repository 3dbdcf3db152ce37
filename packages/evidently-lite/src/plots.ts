import type { ColumnDistribution } from "./distribution.ts";

const WIDTH = 360;
const HEIGHT = 200;
const LEFT = 44;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
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

/** Lines across the plot with the numbers that they stand for. */
function heightScale({ low, high }: Range, show = shortNumber): string {
  return [0, 0.5, 1]
    .map((part) => {
      const y = TOP + (1 - part) * INNER_HEIGHT;
      const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/>`;
      return line + text(LEFT - 4, y + 3, show(low + part * (high - low)), "end");
    })
    .join("");
}

function widthScale({ low, high }: Range): string {
  const places = [
    [0, "start"],
    [0.5, "middle"],
    [1, "end"],
  ] as const;
  return places
    .map(([part, anchor]) =>
      text(LEFT + part * INNER_WIDTH, HEIGHT - 8, shortNumber(low + part * (high - low)), anchor),
    )
    .join("");
}

const inPercent = (share: number) => `${shortNumber(100 * share)} %`;

/** Shares of each side in the same bins or categories, side by side. */
export function distributionPlot(label: string, distribution: ColumnDistribution): string {
  const sides = [
    ...(distribution.reference === undefined ? [] : [{ side: "reference", shares: distribution.reference }]),
    { side: "current", shares: distribution.current },
  ];
  const highest = sides.reduce((most, { shares }) => shares.reduce((a, b) => Math.max(a, b), most), 0);
  if (highest === 0) return svg(label, text(WIDTH / 2, HEIGHT / 2, "no values", "middle"));
  const bars = heightScale({ low: 0, high: highest }, inPercent) + barsOf(sides, highest);
  if (distribution.edges !== undefined)
    return svg(label, bars + widthScale({ low: distribution.edges[0] ?? 0, high: distribution.edges.at(-1) ?? 0 }));
  const step = INNER_WIDTH / distribution.categories.length;
  const letters = Math.max(3, Math.floor(step / 6));
  const labels = distribution.categories.map((name, at) =>
    text(LEFT + step * (at + 0.5), HEIGHT - 8, shortened(name, letters), "middle"),
  );
  const rest = distribution.others > 0 ? text(WIDTH - RIGHT, TOP + 8, `${distribution.others} more`, "end") : "";
  return svg(label, bars + labels.join("") + rest);
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

/** A curve over the unit square, with its diagonal. */
export function curvePlot(label: string, points: readonly (readonly [number, number])[]): string {
  const unit = { low: 0, high: 1 };
  const at = ([x, y]: readonly [number, number]) =>
    `${(LEFT + x * INNER_WIDTH).toFixed(1)},${(TOP + (1 - y) * INNER_HEIGHT).toFixed(1)}`;
  const line = (of: readonly (readonly [number, number])[], kind: string) =>
    `<polyline class="${kind}" points="${of.map(at).join(" ")}"/>`;
  const diagonal: readonly (readonly [number, number])[] = [
    [0, 0],
    [1, 1],
  ];
  return svg(label, heightScale(unit) + widthScale(unit) + line(diagonal, "guide") + line(points, "curve"));
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
export function scatterPlot(label: string, points: readonly (readonly [number, number])[]): string {
  const x = rangeOf(points.map((point) => point[0]));
  const y = rangeOf([0, ...points.map((point) => point[1])]);
  const top = (value: number) => (TOP + (1 - along(value, y)) * INNER_HEIGHT).toFixed(1);
  const zero = `<line class="guide" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${top(0)}" y2="${top(0)}"/>`;
  const dots = points.map(
    ([a, b]) => `<circle class="current" cx="${(LEFT + along(a, x) * INNER_WIDTH).toFixed(1)}" cy="${top(b)}" r="2"/>`,
  );
  return svg(label, heightScale(y) + widthScale(x) + zero + dots.join(""));
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

/** How far each feature has come towards its threshold, a line there. */
export function driftBarsPlot(label: string, bars: readonly DriftBar[]): string {
  const left = 120;
  const scale = (WIDTH - left - RIGHT) / LONGEST;
  const rows = bars.map(({ name, strength, drifted }, at) => {
    const width = Math.min(LONGEST, Math.max(0, strength)) * scale;
    const y = TOP + at * ROW;
    const bar = `<rect class="${drifted ? "drifted" : "stable"}" x="${left}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 5}"/>`;
    return text(left - 6, y + ROW - 6, shortened(name, 18), "end") + bar;
  });
  const height = TOP + bars.length * ROW + BOTTOM;
  const x = left + scale;
  const line = `<line class="limit" x1="${x}" x2="${x}" y1="${TOP - 4}" y2="${height - BOTTOM + 4}"/>`;
  return svg(label, rows.join("") + line + text(x, height - 8, "threshold", "middle"), height);
}

/** A line of the plot over time; null where there is no value. */
export interface TimeLine {
  readonly kind: string;
  readonly values: readonly (number | null)[];
}

/** Values over moments, evenly spaced; a limit is drawn across where there is one. */
export function timePlot(
  label: string,
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
    text(LEFT, HEIGHT - 8, day(moments[0])) +
    (moments.length > 1 ? text(WIDTH - RIGHT, HEIGHT - 8, day(moments.at(-1)), "end") : "");
  return svg(label, heightScale(y) + across + drawn.join("") + ends);
}
