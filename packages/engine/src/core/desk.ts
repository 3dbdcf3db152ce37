import type { Readable } from "./expression.ts";
import type { GraphNode } from "./graph.ts";
import type { ItemList } from "./item-list.ts";
import type { Place, SchedulerCommand, TaskStatus } from "./state.ts";
import type { StatusOf } from "./statuses.ts";
import type { Topology } from "./topology.ts";

/** A decision in the making, as those see it who decide a part of it. */
export interface Desk {
  readonly at: number;
  readonly topology: Topology;
  readonly statusOf: StatusOf;
  readonly values: Readable;
  readonly commands: SchedulerCommand[];
  /** Whether the run goes on: it is neither paused nor waits to be started. */
  goesOn(): boolean;
  /** The items of a mapped node that has started, as a copy that may be changed. */
  itemsOf(id: string): ItemList | undefined;
  /** Replaces the items of a node. */
  putItems(id: string, items: ItemList): void;
  /** Replaces a status whole, with its items. */
  put(id: string, status: TaskStatus): void;
  /** Replaces all of a status but its items. */
  restate(id: string, status: TaskStatus): void;
  /** Changes some of a status: what held of its former state alone ends with it. */
  change(id: string, to: Partial<TaskStatus>): void;
  changePlace(place: Place, to: Partial<TaskStatus>): void;
  /** Starts a task, or an item, as soon as there is room for it. */
  admit(node: GraphNode, index?: number): void;
  /** Ends a node: what hangs on it is looked at next. */
  end(id: string, to: Partial<TaskStatus>): void;
}
