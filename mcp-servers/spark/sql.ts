/** Quotes a column's name for Spark SQL: whatever is inside stays a name. */
export function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
