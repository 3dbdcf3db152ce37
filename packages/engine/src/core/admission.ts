import type { DagGraph, GraphNode } from "./graph.ts";
import type { ItemList } from "./item-list.ts";
import { placeOf } from "./mapped.ts";
import type { OpenTicket, Place, SchedulerCommand, SchedulerState, TaskStatus } from "./state.ts";
import type { StatusOf } from "./statuses.ts";

/** The decision in the making that tasks are admitted in. */
export interface Floor {
  readonly statusOf: StatusOf;
  readonly commands: SchedulerCommand[];
  /** The items of a mapped node, as they stand in this decision. */
  itemsOf(id: string): ItemList | undefined;
  changePlace(place: Place, to: Partial<TaskStatus>): void;
  /** Starts an attempt. */
  launch(node: GraphNode, index?: number): void;
}

type Slots = NonNullable<SchedulerState["slots"]>;

const NONE: Slots = { last: 0, open: [] };

/**
 * Who may start, in a run whose tasks take slots of pools or whose DAG has `maxActiveTasks`. A task that takes slots is
 * `queued` from when it asks until it has them; each asking has a ticket, and a ticket whose task neither waits nor runs
 * any more is given back, whatever became of the task.
 */
export class Admission {
  private last: number;
  private open: readonly OpenTicket[];

  constructor(
    private readonly floor: Floor,
    private readonly graph: DagGraph,
    { last, open }: Slots = NONE,
  ) {
    this.last = last;
    this.open = open;
  }

  /** Takes a task, or an item, that may start: it starts now, asks for its slots, or waits for its turn. */
  take(node: GraphNode, index?: number): void {
    const { id, pools } = node;
    if (pools !== undefined) this.ask(node, pools, index);
    else if (this.graph.maxActiveTasks === undefined || !needsRoom(node)) this.floor.launch(node, index);
    else if (index === undefined) this.floor.changePlace({ id }, { state: "scheduled", reason: this.whyNoRoom() });
  }

  /** The slots of a ticket are there. */
  grant(node: GraphNode, { id, index, ticket }: OpenTicket): void {
    const status = this.seen({ id, index });
    if (status?.state !== "queued" || status.ticket !== ticket || status.granted) return;
    if (this.graph.maxActiveTasks === undefined) this.floor.launch(node, index);
    else this.floor.changePlace({ id, index }, { state: "queued", ticket, granted: true, reason: this.whyNoRoom() });
  }

  /** Starts as many as there is room for: those that hold slots first, then by priority, then in the order of the graph. */
  fill(): void {
    const { maxActiveTasks } = this.graph;
    if (maxActiveTasks === undefined) return;
    let room = maxActiveTasks;
    const able: { node: GraphNode; index?: number; granted: boolean }[] = [];
    for (const node of this.graph.nodes) {
      if (!needsRoom(node)) continue;
      const status = this.floor.statusOf(node.id);
      if (node.map === undefined) {
        if (status.state === "running") room -= 1;
        else if (status.state === "queued" && status.granted) able.push({ node, granted: true });
        else if (status.state === "scheduled" && node.pools === undefined) able.push({ node, granted: false });
        continue;
      }
      const items = status.state === "running" ? this.floor.itemsOf(node.id) : undefined;
      if (items === undefined) continue;
      let index = 0;
      for (const item of items) {
        if (item.state === "running") room -= 1;
        else if (item.state === "queued" && item.granted) able.push({ node, index, granted: true });
        index += 1;
      }
      if (node.pools !== undefined) continue;
      for (const next of items.waiting(Math.max(0, node.map.window - items.busy)))
        able.push({ node, index: next, granted: false });
    }
    if (room <= 0) return;
    able.sort((a, b) => Number(b.granted) - Number(a.granted) || priorityOf(b.node) - priorityOf(a.node));
    for (const { node, index } of able.slice(0, room)) this.floor.launch(node, index);
  }

  /** Nothing starts any more: who waits for slots asks again when the run goes on. */
  withdraw(): void {
    for (const { id, index } of this.open) {
      const status = this.seen({ id, index });
      if (status?.state === "queued") this.floor.changePlace({ id, index }, { state: "scheduled" });
    }
  }

  /** Gives back what is not needed any more. */
  end(): Slots {
    const needed = this.open.filter((one) => {
      const status = this.seen(one);
      return status?.ticket === one.ticket && (status.state === "queued" || status.state === "running");
    });
    if (needed.length < this.open.length) {
      const kept = new Set(needed);
      const ended = this.open.filter((one) => !kept.has(one));
      // First: whoever asks in the same moment may get them.
      this.floor.commands.unshift(...ended.map((one) => ({ ...one, type: "release_slots" as const })));
    }
    return { last: this.last, open: needed };
  }

  private ask(node: GraphNode, claims: NonNullable<GraphNode["pools"]>, index: number | undefined): void {
    this.last += 1;
    const asked = { ...placeOf(node.id, index), ticket: this.last };
    this.open = [...this.open, asked];
    const wanted = claims.map(({ pool, slots }) => `${slots === 1 ? "a slot" : `${slots} slots`} of pool "${pool}"`);
    this.floor.changePlace(asked, {
      ...{ state: "queued", ticket: this.last },
      reason: `it waits for ${wanted.join(" and ")}`,
    });
    this.floor.commands.push({ ...asked, type: "acquire_slots", claims, priority: priorityOf(node) });
  }

  private seen({ id, index }: Place): Omit<TaskStatus, "mapped"> | undefined {
    return index === undefined ? this.floor.statusOf(id) : this.floor.itemsOf(id)?.at(index);
  }

  private whyNoRoom(): string {
    return `it waits for its turn: at most ${this.graph.maxActiveTasks} tasks of this run run at once (maxActiveTasks)`;
  }
}

/** Whether a node counts among the tasks of a run that run at once: the glue between tasks does not. */
function needsRoom({ kind }: GraphNode): boolean {
  return kind === "task" || kind === "subdag" || kind === "trigger";
}

function priorityOf({ priority = 1 }: GraphNode): number {
  return priority;
}
