/** The name nearest to what was written, when it is near enough to be meant: at most a third of its letters differ. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance <= Math.max(1, Math.floor(name.length / 3)) && (best === undefined || distance < best.distance)) {
      best = { name, distance };
    }
  }
  return best?.name;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours, each counted one. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i += 1) {
    const above = rows[i - 1]!;
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const costs = [substituted, above[j]! + 1, row[j - 1]! + 1, ...(swapped ? [rows[i - 2]![j - 2]! + 1] : [])];
      row.push(Math.min(...costs));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
