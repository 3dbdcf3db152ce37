import type { GraphNode } from "../core/graph.ts";
import { type Duration, millisecondsOf } from "./duration.ts";

/** Whether a task's output is taken from an earlier run that gave it the same input, with the same code. */
export type CacheOption =
  | boolean
  | {
      /** How long an output may be taken. @default for ever */
      readonly ttl?: Duration;
      /** Stands for code that the task calls and that is not its own text: raise it when that changes. */
      readonly version?: string;
    };

/** What a cache option means in the graph; what is wrong with it is told to `mistake`. */
export function checkedCache(option: CacheOption, mistake: (message: string) => void): GraphNode["cache"] {
  if (option === false) return undefined;
  if (option === true) return {};
  const { ttl, version } = option;
  const ttlMs = ttl === undefined ? undefined : millisecondsOf(ttl);
  if (ttlMs === null || (ttlMs !== undefined && ttlMs <= 0))
    mistake(`cache.ttl is ${JSON.stringify(ttl)}: expected a duration such as "7d"`);
  return {
    ...(ttlMs === undefined || ttlMs === null ? {} : { ttlMs }),
    ...(version === undefined ? {} : { version: String(version) }),
  };
}
