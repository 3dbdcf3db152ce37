/** Media types by the ending of a name; whatever is read as text is text, as in MLflow. */
const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  csv: "text/csv",
  gif: "image/gif",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  webp: "image/webp",
};
const TEXTS =
  /^(txt|log|err|cfg|conf|cnf|ini|json|jsonl|js|mjs|ts|tsx|py|r|sh|sql|md|rst|yaml|yml|xml|toml|properties|tsv)$/;

export function mediaTypeOf(name: string): string {
  if (name === "MLmodel" || name === "MLproject") return "text/plain";
  const ending = name.includes(".") ? name.slice(name.lastIndexOf(".") + 1).toLowerCase() : "";
  return TYPES[ending] ?? (TEXTS.test(ending) ? "text/plain" : "application/octet-stream");
}
