import { randomUUID } from "node:crypto";
import { mkdir, readdir, realpath, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import { diskFull, isDiskFull, LakeError } from "./errors.ts";
import { quoteLiteral } from "./names.ts";
import { SPARK_MACROS } from "./spark-macros.ts";

/** A parameter list by name, as DuckDB binds it. */
export type Bindings = Readonly<Record<string, DuckDBValue>>;

/** How others' files are read: checks are not left out because of what a footer claims, and no byte is kept for later. */
const FOREIGN = ["SET disabled_optimizers = 'statistics_propagation'", "SET enable_external_file_cache = false"];

/** One DuckDB instance in memory that may touch files under the lake's root only; each session is a connection. */
export class Engine {
  /** A folder for this process's scratch files, removed by `close`. */
  readonly scratch: string;
  readonly #instance: DuckDBInstance;
  #closed = false;

  private constructor(instance: DuckDBInstance, scratch: string) {
    this.#instance = instance;
    this.scratch = scratch;
  }

  /** @param o.folders beside its scratch folder the only ones that it may touch, with the files `o.files` */
  static async open(o: {
    scratch: string;
    folders: readonly string[];
    files?: readonly string[];
    /** Whether it reads others' files instead of running queries in Spark's words: then it believes no footer. @default false */
    foreign?: boolean;
    memoryLimit: string;
    threads: number;
  }): Promise<Engine> {
    await mkdir(o.scratch, { recursive: true });
    const tmp = await realpath(o.scratch);
    await removeDeadScratch(tmp);
    const scratch = join(tmp, `${hostname()}-${process.pid}-${randomUUID()}`);
    await mkdir(scratch);
    const instance = await DuckDBInstance.create(":memory:", {
      threads: String(o.threads),
      memory_limit: o.memoryLimit,
      temp_directory: scratch,
    });
    const connection = await instance.connect();
    try {
      // At once: each statement by itself is a way to another thread and back.
      const settings = [
        "SET timezone = 'UTC'",
        "SET integer_division = false",
        "SET default_null_order = 'nulls_first_on_asc_last_on_desc'",
        ...(o.foreign ? FOREIGN : SPARK_MACROS),
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        `SET allowed_directories = [${[...o.folders, scratch].map((folder) => quoteLiteral(`${folder}/`)).join(", ")}]`,
        `SET allowed_paths = [${(o.files ?? []).map(quoteLiteral).join(", ")}]`,
        "SET enable_external_access = false",
        "SET lock_configuration = true",
      ];
      await connection.run(settings.join(";\n"));
    } finally {
      connection.closeSync();
    }
    return new Engine(instance, scratch);
  }

  /** Runs `work` on a connection of its own, whose temporary views and tables end with it. `signal` interrupts it. */
  async session<T>(signal: AbortSignal | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) throw new LakeError("LAKE_CLOSED", "The lake is closed.");
    signal?.throwIfAborted();
    const connection = await this.#instance.connect();
    const interrupt = () => connection.interrupt();
    signal?.addEventListener("abort", interrupt);
    try {
      return await work(new Session(connection, signal));
    } finally {
      signal?.removeEventListener("abort", interrupt);
      connection.closeSync();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#instance.closeSync();
    await rm(this.scratch, { recursive: true, force: true });
  }
}

/** One DuckDB connection. */
export class Session {
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;

  constructor(connection: DuckDBConnection, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#signal = signal;
  }

  /** Runs one statement; of `bindings` those are bound that the statement names. */
  async run(sql: string, bindings: Bindings = {}): Promise<DuckDBResult> {
    return this.#guard(async () => {
      const statement = await this.#bound(sql, bindings);
      try {
        return await statement.run();
      } finally {
        statement.destroySync();
      }
    });
  }

  /** Runs one statement and hands over its chunks as they come. */
  async stream<T>(sql: string, bindings: Bindings, read: (result: DuckDBResult) => Promise<T>): Promise<T> {
    return this.#guard(async () => {
      const statement = await this.#bound(sql, bindings);
      try {
        return await read(await statement.stream());
      } finally {
        statement.destroySync();
      }
    });
  }

  /** All rows of a small result, as arrays. */
  async rows(sql: string, bindings: Bindings = {}): Promise<DuckDBValue[][]> {
    const result = await this.run(sql, bindings);
    return this.#guard(() => result.getRows());
  }

  async #bound(sql: string, bindings: Bindings) {
    this.#signal?.throwIfAborted();
    const statement = await this.#connection.prepare(sql);
    const values: Record<string, DuckDBValue> = {};
    const types: Record<string, DuckDBType> = {};
    for (let i = 1; i <= statement.parameterCount; i++) {
      const name = statement.parameterName(i);
      const value = bindings[name];
      if (value === undefined || !Object.hasOwn(bindings, name)) {
        statement.destroySync();
        throw new LakeError(
          "PARAM_MISSING",
          `The SQL names the parameter :${name}, but params holds no value for it.`,
          {
            field: "params",
          },
        );
      }
      values[name] = value;
      const type = numberType(value);
      if (type) types[name] = type;
    }
    statement.bind(values, types);
    return statement;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LakeError) throw error;
      this.#signal?.throwIfAborted();
      throw engineError(error);
    }
  }
}

/** Where the client's own guess would be a HUGEINT, or would take the fraction's sign or range from a number. */
function numberType(value: DuckDBValue): DuckDBType | undefined {
  if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? BIGINT : undefined;
  return typeof value === "number" && (!Number.isSafeInteger(value) || Object.is(value, -0)) ? DOUBLE : undefined;
}

/** What DuckDB threw, as an error of the lake. */
function engineError(error: unknown): LakeError {
  if (isDiskFull(error)) return diskFull("the lake's files", error);
  const message = error instanceof Error ? error.message : String(error);
  if (/^Out of Memory Error/i.test(message)) {
    return new LakeError("OUT_OF_MEMORY", `DuckDB ran out of memory: ${message}`, {
      hint: "Raise the lake's memoryLimit, or aggregate earlier in the query.",
      cause: error,
    });
  }
  // Of the macro spark_truth.
  const [, type] = /^Binder Error: No matching aggregate function\n.*'bool_and\((.*)\)'/.exec(message) ?? [];
  if (type !== undefined) {
    const told = `DATATYPE_MISMATCH: a condition is of type ${type}, BOOLEAN was expected`;
    return new LakeError("SQL_FAILED", told, { hint: "Compare the value: column <> 0.", cause: error });
  }
  return new LakeError("SQL_FAILED", message, { cause: error });
}

/** Removes scratch folders of this machine's processes that no longer live (they were killed before they could). */
async function removeDeadScratch(tmp: string): Promise<void> {
  for (const entry of await readdir(tmp)) {
    const pid = entry.startsWith(`${hostname()}-`) ? Number(/-(\d+)-[0-9a-f-]{36}$/.exec(entry)?.[1]) : 0;
    if (pid > 0 && !isAlive(pid)) await rm(join(tmp, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
