/**
 * Work on the database, written once for SQLite and PostgreSQL: a generator that asks for one statement after another
 * and goes on with its answer. SQLite answers at once, so nothing comes between two statements of one process;
 * PostgreSQL answers when it can. A piece of work runs in one transaction, and may be run again from its start.
 */
export type Work<T> = Generator<Request, T, Answer>;

export type SqlValue = string | number | null;

/** What work asks of a database. `?` stands for a value. */
export type Request =
  | { readonly kind: "sql"; readonly sql: string; readonly values: readonly SqlValue[] }
  | {
      readonly kind: "insert";
      readonly into: string;
      readonly rows: readonly (readonly SqlValue[])[];
      readonly then: string;
    }
  | { readonly kind: "lock"; readonly name: string };

export interface Answer {
  readonly rows: readonly unknown[];
  /** How many rows a statement without rows changed. */
  readonly changed: number;
}

/** A database that work is done in. */
export interface Database {
  /** Does work over one state of the database; it may only read. */
  read<T>(work: () => Work<T>): Promise<T>;
  /** Does work in one transaction: all of it or nothing. */
  write<T>(work: () => Work<T>): Promise<T>;
  close(): Promise<void>;
}

/** Rows of a query; `Row` is what the statement selects. */
export function* all<Row>(sql: string, ...values: readonly SqlValue[]): Work<Row[]> {
  const { rows } = yield { kind: "sql", sql, values };
  // The one place where a row gets its type: the statement says which.
  return rows as Row[];
}

/** The first row of a query. */
export function* one<Row>(sql: string, ...values: readonly SqlValue[]): Work<Row | undefined> {
  const [row] = yield* all<Row>(sql, ...values);
  return row;
}

/** Runs a statement; returns how many rows it changed. */
export function* run(sql: string, ...values: readonly SqlValue[]): Work<number> {
  const { changed } = yield { kind: "sql", sql, values };
  return changed;
}

/** Inserts rows. @param into table with its columns, `runs (run_id, name)`. @param then what follows, `ON CONFLICT …` */
export function* insert(into: string, rows: readonly (readonly SqlValue[])[], then = ""): Work<void> {
  if (rows.length > 0) yield { kind: "insert", into, rows, then };
}

/** Waits for other writers that hold this lock; it is held to the end of the transaction. */
export function* lock(name: string): Work<void> {
  yield { kind: "lock", name };
}

/** Values of one call of `IN`: databases bound how many a statement may have. */
const MOST_IN = 500;

/** Rows for many keys: `sql` has `(?)` where the keys go. */
export function* allOf<Row>(
  sql: string,
  keys: readonly SqlValue[],
  before: readonly SqlValue[] = [],
  after: readonly SqlValue[] = [],
): Work<Row[]> {
  const rows: Row[] = [];
  for (let at = 0; at < keys.length; at += MOST_IN) {
    const some = keys.slice(at, at + MOST_IN);
    const marks = `(${some.map(() => "?").join(", ")})`;
    for (const row of yield* all<Row>(sql.replace("(?)", marks), ...before, ...some, ...after)) rows.push(row);
  }
  return rows;
}
