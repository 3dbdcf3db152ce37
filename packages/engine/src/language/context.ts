import type { Contract, Progress, ToolClient } from "@dagwright/mcp-kit/contract";
import type { z } from "zod";
import type { Json } from "../core/graph.ts";
import type { AssetEvent, RunInfo } from "../core/state.ts";
import type { Asset } from "./asset.ts";

/** A field of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a task writes its log; kept per attempt. */
export interface TaskLog {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What is needed to reach another system: address, names, keys. */
export interface ConnectionValue {
  readonly [field: string]: Json;
}

/** The run that a task belongs to. */
export interface TaskRun extends RunInfo {
  /** The events that it was started by, in the order in which they came; empty unless assets started it. */
  readonly assetEvents: readonly AssetEvent[];
}

/** What a running task knows and may ask for. */
export interface TaskContext {
  /** Counts from 1; an attempt lost with its worker is not counted. */
  readonly attempt: number;
  /** The same for every attempt of this task in this run, another once it was cleared: what an effect is to be remembered by. */
  readonly idempotencyKey: string;
  /** Aborts when the run is cancelled, the attempt times out, or the worker shuts down. */
  readonly signal: AbortSignal;
  readonly run: TaskRun;
  /** The node's id; of an item of a mapped node with its place, such as `measure[3]`. */
  readonly taskId: string;
  readonly log: TaskLog;
  /** Says how far the task has come; shown live. */
  progress(progress: Progress): void;
  /**
   * Says something of the update of one of its `outlets`: whoever runs by it reads it as the event's `extra`. Of several
   * calls for one asset the last counts; an attempt that does not succeed has said nothing.
   * @throws AssetNotOutletError, InvalidExtraError
   */
  emit(asset: Asset, extra: { readonly [key: string]: Json }): void;
  /** The way to an MCP server's tools. */
  mcp<C extends Contract>(contract: C): ToolClient<C>;
  /**
   * A connection by its name, from the environment (`DAGWRIGHT_CONN_<NAME>`), a file or a command; its values are
   * replaced by `***` in all that leaves the attempt. One given as a URL has the fields `url, scheme, host, port, user,
   * password, path, query`, those that it has.
   *
   * @throws CONNECTION_NOT_FOUND, INVALID_CONNECTION (it does not fit the schema)
   * @example const { url } = await ctx.connection("warehouse", z.object({ url: z.string() }));
   */
  connection(name: string): Promise<ConnectionValue>;
  connection<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S>>;
  /**
   * A single secret by its name, from `DAGWRIGHT_SECRET_<NAME>`, a file or a command; replaced likewise.
   * @throws SECRET_NOT_FOUND
   */
  secret(name: string): Promise<string>;
}

/** What a call to an MCP server carries on behalf of a task. */
export interface McpOptions {
  readonly signal: AbortSignal;
  readonly idempotencyKey: string;
  readonly onProgress: (progress: Progress) => void;
  /** How often this attempt has called each tool, by "server.tool"; kept by whoever makes the calls. */
  readonly calls: Map<string, number>;
  /** The trace that the calls belong to, as W3C `traceparent`. @default none */
  readonly traceparent?: string | undefined;
}

/** Which attempt of which task is meant. */
export interface TaskAttempt {
  readonly run: RunInfo;
  readonly taskId: string;
  readonly attempt: number;
}

/** What whoever runs tasks (a worker, a test) gives them. */
export interface TaskServices {
  mcp<C extends Contract>(contract: C, options: McpOptions): ToolClient<C>;
  /** Where an attempt writes its log. @default nowhere */
  log?(attempt: TaskAttempt): TaskLog;
  /** A connection as it was written down: a JSON object, or the text of a URL. @default there are none */
  connection?(name: string): Promise<unknown>;
  /** @default there are none */
  secret?(name: string): Promise<string>;
}
