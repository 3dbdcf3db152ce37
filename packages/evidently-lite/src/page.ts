import { escapeHtml } from "./plots.ts";

const CSS = `:root{color-scheme:light dark;--ink:#1c2229;--soft:#5b6672;--paper:#fff;--card:#f6f7f9;--line:#d9dee4;--reference:#8c99a8;--current:#c2410c;--bad:#b42318;--good:#1a7f4b}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa5b1;--paper:#12161b;--card:#1b2128;--line:#303841;--reference:#7d8b9a;--current:#f97316;--bad:#ff8a7a;--good:#4ade80}}
*{box-sizing:border-box}body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;padding:1.25rem;max-width:1200px;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:0 0 .25rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .25rem}p{margin:.25rem 0;overflow-wrap:anywhere}.soft{color:var(--soft)}
.scroll{overflow-x:auto;max-width:100%}table{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid var(--line);padding:.3rem .7rem .3rem 0;text-align:left;vertical-align:top;max-width:min(26rem,60vw)}.long{min-width:9rem;overflow-wrap:anywhere}.short{white-space:nowrap}th{color:var(--soft);font-weight:600}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:1rem;margin-top:.75rem}
figure{margin:0;min-width:0;padding:.75rem;background:var(--card);border-radius:8px}.wide{grid-column:1/-1}figcaption{font-weight:600;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block}text{font-size:10px;fill:var(--soft)}.grid{stroke:var(--line)}
.reference{fill:var(--reference)}.current{fill:var(--current)}.drifted{fill:var(--bad)}.stable{fill:var(--reference)}
.curve,.guide,.line{fill:none;stroke:var(--current);stroke-width:2}.guide{stroke:var(--reference);stroke-width:1}.line.reference{stroke:var(--reference)}
.limit{stroke:var(--bad);stroke-dasharray:4 3}.bad{color:var(--bad);font-weight:600}.good{color:var(--good);font-weight:600}.verdict{font-weight:600;font-size:1.05rem}
.key span+span{margin-left:.8em}.key i{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.3em}.key .r{background:var(--reference)}.key .c{background:var(--current)}
td.hit{background:color-mix(in srgb,var(--current) 18%,transparent)}`;

/** A page that needs nothing else: no script and nothing from elsewhere, and its policy allows none. */
export function page(title: string, body: string): string {
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`,
    `<title>${escapeHtml(title)}</title><style>${CSS}</style>`,
  ];
  return `<!doctype html><html lang="en"><head>${head.join("")}</head><body>${body}</body></html>\n`;
}

/** A cell of a table: text, or text with a class. */
export type Cell = string | { readonly text: string; readonly kind: "bad" | "good" | "hit" | "soft" };

/** A text of no more letters than these is not broken into lines. */
const UNBROKEN = 24;

/** A table that scrolls sideways where it is too wide. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const fit = (text: string) => (text.length <= UNBROKEN ? "short" : "long");
  const heads = head.map((text) => `<th class="${fit(text)}">${escapeHtml(text)}</th>`).join("");
  const cell = (one: Cell) => {
    const { text, kind } = typeof one === "string" ? { text: one, kind: "" } : one;
    return `<td class="${kind === "" ? fit(text) : `${fit(text)} ${kind}`}">${escapeHtml(text)}</td>`;
  };
  const body = rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("");
  return `<div class="scroll"><table><thead><tr>${heads}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** A plot or a small table under its caption. */
export interface Figure {
  readonly caption: string;
  readonly body: string;
  /** Takes a row of its own. */
  readonly wide?: boolean;
}

/** Plots with their captions, as many beside each other as there is room for. */
export function plots(figures: readonly Figure[]): string {
  if (figures.length === 0) return "";
  const drawn = figures.map(
    ({ caption, body, wide }) =>
      `<figure${wide === true ? ' class="wide"' : ""}><figcaption>${escapeHtml(caption)}</figcaption>${body}</figure>`,
  );
  return `<div class="plots">${drawn.join("")}</div>`;
}

/** What the colours mean. */
export const COLOUR_KEY =
  '<p class="key soft"><span><i class="r"></i>reference</span><span><i class="c"></i>current</span></p>';
