/** The shortest text that is taken for a secret, in characters: shorter ones stand everywhere by chance. */
export const SHORTEST_SECRET = 4;

/** The shortest line of a longer secret (a key in PEM) that is one by itself. */
const SHORTEST_LINE = 8;

/** How a secret may look in a log, an error or a URL: as it is, escaped for JSON or a URL, in base64 or hexadecimal. */
export function formsOfSecret(secret: string): string[] {
  const lines = secret.split(/\r?\n/);
  const parts = [
    secret,
    secret.trim(),
    ...(lines.length > 1 ? lines.filter((one) => one.length >= SHORTEST_LINE) : []),
  ];
  const forms = new Set(parts.flatMap((part) => [...escapedForms(part), ...encodedForms(part)]));
  return [...forms].filter((form) => form.length >= SHORTEST_SECRET);
}

/** What HTML and XML write for signs of theirs: quotes are escaped in attributes only, in one way or another. */
const MARKUP: readonly Readonly<Record<string, string>>[] = [
  { "&": "&amp;", "<": "&lt;", ">": "&gt;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" },
  { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" },
];

function escapedForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  // Half a pair of UTF-16 cannot be encoded.
  const wellFormed = Buffer.from(text, "utf8").toString("utf8");
  const url = new URL("http://host");
  url.password = text;
  const escaped = [
    encodeURIComponent(wellFormed),
    encodeURI(wellFormed),
    new URLSearchParams({ a: text }).toString().slice(2),
    url.password,
  ];
  return [
    text,
    json,
    // JSON within JSON.
    JSON.stringify(json).slice(1, -1),
    ...MARKUP.map((entities) => text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign)),
    ...escaped,
    ...escaped.map((one) => one.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
  ];
}

function encodedForms(text: string): string[] {
  const bytes = Buffer.from(text, "utf8");
  const whole = bytes.toString("base64").replaceAll("=", "");
  const base64 = [whole, ...[0, 1, 2].map((before) => base64Core(bytes, before))];
  const hex = bytes.toString("hex");
  return [...base64, ...base64.map((one) => one.replaceAll("+", "-").replaceAll("/", "_")), hex, hex.toUpperCase()];
}

/** The characters of base64 that stand for these bytes alone, when `before` bytes (modulo 3) come before them. */
function base64Core(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}
