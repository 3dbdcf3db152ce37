import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { TableRef } from "./api.ts";
import { Action, type CommitNote, versionName } from "./delta-actions.ts";
import type { Engine } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { checkTableName, nearestNames, quoteLiteral } from "./names.ts";
import type { ObjectStore } from "./object-store.ts";
import { Replay, type Snapshot } from "./replay.ts";

const COMMIT = /^(\d{20})\.json$/;
const CHECKPOINT = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/;
/** Checkpoints of newer protocols, which are named at random. */
const NEWER_CHECKPOINT = /^(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(json|parquet)$/;

const LastCheckpoint = z.object({ version: z.number().int().min(0) });

/** What lies in a table's log. */
interface Listing {
  readonly commits: ReadonlySet<number>;
  /** Names of the parts of each complete checkpoint. */
  readonly checkpoints: ReadonlyMap<number, readonly string[]>;
  readonly newerCheckpoints: readonly number[];
}

/** Reads Delta logs of one store. */
export class DeltaLog {
  readonly store: ObjectStore;
  readonly #engine: Engine;

  readonly #checkName: (table: string) => string;

  /** @param checkName refuses names that no table of the store may have */
  constructor(store: ObjectStore, engine: Engine, checkName = checkTableName) {
    this.store = store;
    this.#engine = engine;
    this.#checkName = checkName;
  }

  /** The key of a file in a table's log. */
  key(table: string, name: string): string {
    return `${this.#checkName(table)}/_delta_log/${name}`;
  }

  /** Names of all folders that hold at least one commit. */
  async tables(): Promise<string[]> {
    const names = (await this.store.folders()).filter((name) => /^[A-Za-z_]\w*$/.test(name));
    const listings = await Promise.all(names.map((name) => this.#list(name)));
    return names.filter((_, i) => listings[i]!.commits.size + listings[i]!.checkpoints.size > 0);
  }

  /** The table at `version` (newest by default), or undefined when there is no such table. */
  async find(table: string, version?: number): Promise<Snapshot | undefined> {
    const listing = version === undefined ? await this.#listNewest(table) : await this.#list(table);
    const { commits, checkpoints, newerCheckpoints } = listing;
    const newest = Math.max(-1, ...commits, ...checkpoints.keys());
    if (newest < 0) return undefined;
    if (version !== undefined && (!Number.isInteger(version) || version < 0 || version > newest)) {
      throw new LakeError(
        "VERSION_NOT_FOUND",
        `The table ${table} has no version ${version}; its newest is ${newest}.`,
        { field: "version" },
      );
    }
    const target = version ?? newest;
    const start = Math.max(-1, ...[...checkpoints.keys()].filter((c) => c <= target));
    const needed = Array.from({ length: target - start }, (_, i) => start + 1 + i);
    const lost = needed.find((v) => !commits.has(v));
    if (lost !== undefined) {
      const why = newerCheckpoints.some((v) => v <= target)
        ? "; it has checkpoints of a newer kind (v2), which are not read here"
        : "";
      throw new LakeError(
        why === "" ? "TABLE_UNREADABLE" : "TABLE_UNSUPPORTED",
        `The log of the table ${table} has no commit ${lost}, which version ${target} needs${why}.`,
      );
    }
    const replay = new Replay(table);
    for (const part of checkpoints.get(start) ?? [])
      for (const action of await this.#checkpoint(table, part)) replay.apply(action);
    for (let i = 0; i < needed.length; i += READ_AT_ONCE) {
      const read = needed.slice(i, i + READ_AT_ONCE).map((v) => this.commit(table, v));
      for (const actions of await Promise.all(read)) for (const action of actions) replay.apply(action);
    }
    return replay.snapshot(target);
  }

  /** @throws LakeError TABLE_NOT_FOUND, with the nearest names as hint */
  async get(table: string, version?: number): Promise<Snapshot> {
    const found = await this.find(table, version);
    if (found) return found;
    const tables = await this.tables();
    const near = nearestNames(table, tables);
    const hint =
      near.length > 0
        ? `Did you mean ${near.join(" or ")}?`
        : `The lake holds ${tables.join(", ") || "no tables yet"}.`;
    throw new LakeError("TABLE_NOT_FOUND", `There is no table ${table}.`, { field: "table", hint });
  }

  /** What a reference means. @throws LakeError TABLE_NOT_FOUND, VERSION_NOT_FOUND, PARAM_TYPE */
  async at({ table, version, timestamp }: TableRef): Promise<Snapshot> {
    if (timestamp === undefined) return await this.get(table, version);
    if (version !== undefined)
      throw new LakeError("PARAM_TYPE", "A table has a version or a timestamp, not both.", { field: "timestamp" });
    const moment = Date.parse(timestamp);
    if (!/^\d{4}-\d{2}-\d{2}(T.+(Z|[+-]\d{2}:\d{2}))?$/.test(timestamp) || Number.isNaN(moment)) {
      throw new LakeError(
        "PARAM_TYPE",
        `timestamp ${JSON.stringify(timestamp)} must be a date, or a moment with its offset: 2026-01-31T12:00:00Z.`,
        { field: "timestamp" },
      );
    }
    const commits = await this.commits(table);
    const found = commits.findLast((c) => c.modified <= moment);
    if (found) return await this.get(table, found.version);
    const [first] = commits;
    if (!first) return await this.get(table);
    const since = new Date(first.modified).toISOString();
    throw new LakeError("VERSION_NOT_FOUND", `The log of the table ${table} begins at ${since}, after ${timestamp}.`, {
      field: "timestamp",
    });
  }

  /** All commits that the log still has, oldest first, with the time (ms) of each: later than that of the one before. */
  async commits(table: string): Promise<{ readonly version: number; readonly modified: number }[]> {
    const prefix = this.key(table, "");
    let last = 0;
    return (await this.store.list(prefix)).flatMap(({ key, modified }) => {
      const version = COMMIT.exec(key.slice(prefix.length))?.[1];
      if (version === undefined) return [];
      last = Math.max(last + 1, Math.floor(modified));
      return [{ version: Number(version), modified: last }];
    });
  }

  /** The actions of one commit. */
  async commit(table: string, version: number): Promise<Action[]> {
    const key = this.key(table, `${versionName(version)}.json`);
    const bytes = await this.store.read(key);
    if (!bytes) throw new LakeError("TABLE_UNREADABLE", `The log of the table ${table} has no commit ${version}.`);
    return new TextDecoder()
      .decode(bytes)
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => parseAction(line, key));
  }

  /** The newest commit of that txn, with what was noted about it. */
  async findTxn(
    table: string,
    newest: number,
    txn: { appId: string; version: number },
  ): Promise<{ version: number; note: CommitNote } | undefined> {
    const { commits } = await this.#list(table);
    for (let v = newest; v >= 0 && commits.has(v); v--) {
      for (const { commitInfo } of await this.commit(table, v)) {
        const note = commitInfo?.dagwright;
        if (note?.txn.appId === txn.appId && note.txn.version === txn.version) return { version: v, note };
      }
    }
    return undefined;
  }

  async #list(table: string, after?: string): Promise<Listing> {
    const prefix = this.key(table, "");
    const names = (await this.store.keys(prefix, after && prefix + after)).map((key) => key.slice(prefix.length));
    const commits = new Set(names.flatMap((n) => COMMIT.exec(n)?.[1] ?? []).map(Number));
    const parts = new Map<number, string[]>();
    for (const name of names) {
      const [, version, , of] = CHECKPOINT.exec(name) ?? [];
      if (version === undefined) continue;
      const known = parts.get(Number(version)) ?? [];
      // A classic checkpoint is whole by itself, one in parts only with all of them.
      if (of === undefined) parts.set(Number(version), [name]);
      else if (known[0]?.split(".").length !== 3) parts.set(Number(version), [...known, name]);
    }
    const whole = [...parts].filter(([, [first = "", ...more]]) => {
      const of = CHECKPOINT.exec(first)?.[3];
      return of === undefined || Number(of) === more.length + 1;
    });
    const newerCheckpoints = names.flatMap((n) => NEWER_CHECKPOINT.exec(n)?.[1] ?? []).map(Number);
    return { commits, checkpoints: new Map(whole), newerCheckpoints };
  }

  /** The log from the last checkpoint on, where the table says which that is. */
  async #listNewest(table: string): Promise<Listing> {
    const hint = await this.store.read(this.key(table, "_last_checkpoint"));
    if (hint) {
      const last = LastCheckpoint.safeParse(jsonOf(new TextDecoder().decode(hint)));
      const listing = last.success ? await this.#list(table, versionName(last.data.version)) : undefined;
      if (last.success && listing?.checkpoints.has(last.data.version)) return listing;
    }
    return await this.#list(table);
  }

  async #checkpoint(table: string, name: string): Promise<Action[]> {
    const key = this.key(table, name);
    const path = this.store.local ? this.store.localPath(key) : join(this.#engine.scratch, `${randomUUID()}.parquet`);
    try {
      if (!this.store.local) await this.store.copyTo(key, path);
      return await this.#engine.session(undefined, async (session) => {
        const rows = await session.rows(
          `SELECT to_json(t)::VARCHAR FROM read_parquet(${quoteLiteral(path)}, hive_partitioning = false) t`,
        );
        return rows.map(([json]) => parseAction(String(json), key));
      });
    } catch (error) {
      if (!(error instanceof LakeError && error.code === "SQL_FAILED")) throw error;
      throw new LakeError("TABLE_UNREADABLE", `The checkpoint ${key} cannot be read: ${error.message}`, {
        cause: error,
      });
    } finally {
      if (!this.store.local) await rm(path, { force: true });
    }
  }
}

/** Commits that are read at once. */
const READ_AT_ONCE = 16;

function parseAction(line: string, key: string): Action {
  const action = Action.safeParse(jsonOf(line));
  if (action.success) return action.data;
  throw new LakeError(
    "TABLE_UNREADABLE",
    `The log file ${key} holds an action that cannot be read: ${z.prettifyError(action.error)}`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
