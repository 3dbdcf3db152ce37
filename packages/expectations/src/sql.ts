/** A value that a query may bind or give back. */
export type Scalar = string | number | boolean | null;

/** The SQL an engine speaks. */
export type Dialect = "duckdb" | "spark";

/** What stands between two texts: a value to bind, a name to quote, or a piece of SQL that each dialect has its own way. */
type Insert = Scalar | { readonly name: string } | Readonly<Record<Dialect, Fragment>>;

/** A piece of SQL whose values stand apart from its text, so that no value is ever pasted into a query. */
export interface Fragment {
  readonly texts: readonly string[];
  /** What stands between the texts: always one less than there are texts. */
  readonly inserts: readonly Insert[];
}

function isFragment(value: Fragment | Scalar): value is Fragment {
  return typeof value === "object" && value !== null;
}

/** Builds a fragment from a template: a fragment is put in as it is, every other value is bound. */
export function sql(strings: TemplateStringsArray, ...values: readonly (Fragment | Scalar)[]): Fragment {
  const texts: string[] = [strings[0] ?? ""];
  const inserts: Insert[] = [];
  for (const [index, value] of values.entries()) {
    const after = strings[index + 1] ?? "";
    if (isFragment(value)) {
      texts[texts.length - 1] += value.texts[0] ?? "";
      texts.push(...value.texts.slice(1));
      inserts.push(...value.inserts);
      texts[texts.length - 1] += after;
    } else {
      inserts.push(value);
      texts.push(after);
    }
  }
  return { texts, inserts };
}

/** Joins fragments by a separator that is plain SQL text. */
export function join(fragments: readonly Fragment[], separator: string): Fragment {
  return fragments.reduce((all, next, index) => (index === 0 ? next : sql`${all}${text(separator)}${next}`), text(""));
}

/** SQL text that was written here, never taken from a caller. */
export function text(plain: string): Fragment {
  return { texts: [plain], inserts: [] };
}

/** A quoted identifier: any name is safe, also one with spaces or quotation marks. */
export function identifier(name: string): Fragment {
  return { texts: ["", ""], inserts: [{ name }] };
}

/** What the dialects write differently. */
export function perDialect(ways: Readonly<Record<Dialect, Fragment>>): Fragment {
  return { texts: ["", ""], inserts: [ways] };
}

/** A query as an engine takes it. */
export interface Rendered {
  readonly sql: string;
  readonly params: Record<string, Scalar>;
}

/** The query as an engine takes it: `$p0` or, for Spark, `:p0` in the text, the values by those names. */
export function render(fragment: Fragment, dialect: Dialect): Rendered {
  const params: Record<string, Scalar> = {};
  const mark = dialect === "duckdb" ? "$" : ":";
  const quote = dialect === "duckdb" ? '"' : "`";
  const known = new Map<string, string>();
  const write = ({ texts, inserts }: Fragment): string => {
    let query = texts[0] ?? "";
    for (const [index, insert] of inserts.entries()) {
      if (typeof insert !== "object" || insert === null) {
        // Engines bind a whole number as an integer; one beyond 64 bits, or beyond all, has to be said otherwise.
        const isHuge =
          typeof insert === "number" &&
          !Number.isSafeInteger(insert) &&
          (Number.isInteger(insert) || !Number.isFinite(insert));
        const bound = isHuge ? String(insert) : insert;
        const value = `${typeof bound} ${bound}`;
        const name = known.get(value) ?? `p${known.size}`;
        known.set(value, name);
        params[name] = bound;
        query += isHuge ? `CAST(${mark}${name} AS DOUBLE)` : mark + name;
      } else if ("name" in insert) {
        query += quote + insert.name.replaceAll(quote, quote + quote) + quote;
      } else {
        query += write(insert[dialect]);
      }
      query += texts[index + 1] ?? "";
    }
    return query;
  };
  return { sql: write(fragment), params };
}

/** A fragment as a key: two that say the same have the same. */
export function keyOf(fragment: Fragment): string {
  return JSON.stringify([fragment.texts, fragment.inserts]);
}

/** The type names that the dialects do not share. */
export const TEXT = perDialect({ duckdb: text("VARCHAR"), spark: text("STRING") });

/** A condition that every row meets. */
export const ALWAYS = text("true");
