/** A value that a query may bind or give back. */
export type Scalar = string | number | boolean | null;

/** A piece of SQL whose values stand apart from its text, so that no value is ever pasted into a query. */
export interface Fragment {
  readonly texts: readonly string[];
  /** What stands between the texts: always one less than there are texts. */
  readonly values: readonly Scalar[];
}

function isFragment(value: Fragment | Scalar): value is Fragment {
  return typeof value === "object" && value !== null;
}

/** Builds a fragment from a template: a fragment is put in as it is, every other value is bound. */
export function sql(strings: TemplateStringsArray, ...inserts: readonly (Fragment | Scalar)[]): Fragment {
  const texts: string[] = [strings[0] ?? ""];
  const values: Scalar[] = [];
  for (const [index, insert] of inserts.entries()) {
    const after = strings[index + 1] ?? "";
    if (isFragment(insert)) {
      texts[texts.length - 1] += insert.texts[0] ?? "";
      texts.push(...insert.texts.slice(1));
      values.push(...insert.values);
      texts[texts.length - 1] += after;
    } else {
      values.push(insert);
      texts.push(after);
    }
  }
  return { texts, values };
}

/** Joins fragments by a separator that is plain SQL text. */
export function join(fragments: readonly Fragment[], separator: string): Fragment {
  return fragments.reduce((all, next, index) => (index === 0 ? next : sql`${all}${text(separator)}${next}`), text(""));
}

/** SQL text that was written here, never taken from a caller. */
export function text(plain: string): Fragment {
  return { texts: [plain], values: [] };
}

/** A quoted identifier: any name is safe, also one with spaces or quotation marks. */
export function identifier(name: string): Fragment {
  return text(`"${name.replaceAll('"', '""')}"`);
}

/** The query as an engine takes it: `$p0, $p1, …` in the text, the values by those names. */
export function render(fragment: Fragment): { sql: string; params: Record<string, Scalar> } {
  const params: Record<string, Scalar> = {};
  let query = fragment.texts[0] ?? "";
  for (const [index, value] of fragment.values.entries()) {
    params[`p${index}`] = value;
    query += `$p${index}${fragment.texts[index + 1] ?? ""}`;
  }
  return { sql: query, params };
}
