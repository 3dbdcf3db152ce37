import { type Expression, type GraphNode, type NodeKind, type NodePolicy, TRIGGER_RULES } from "../core/graph.ts";
import { checkedOutlets } from "./asset.ts";
import { type CacheOption, checkedCache } from "./cache.ts";
import type { Dag, NodeFunction } from "./dag-definition.ts";
import { millisecondsOf } from "./duration.ts";
import { OutsideDagError } from "./errors.ts";
import { isId } from "./id.ts";
import { checkNames } from "./known-options.ts";
import { NODE_NAMES, type NodeOptions } from "./node-options.ts";
import { checkedPolicy, joinedPolicy, POLICY_NAMES, type Policy } from "./policy.ts";
import { makeRef, type Ref, targetOf } from "./ref.ts";
import { checkedSlots, claimsOf, SLOT_NAMES, type SlotOptions } from "./slots.ts";
import { TASK_NAMES, type TaskDefinition } from "./task-definition.ts";
import { expressionOf, sourcesOf } from "./wiring.ts";

/** A node as the language's functions hand it in. */
export interface NodeDraft {
  readonly id: string;
  readonly kind: NodeKind;
  readonly input: unknown;
  readonly options: NodeOptions;
  readonly task?: TaskDefinition;
  readonly run?: NodeFunction;
  readonly keys?: readonly string[];
  readonly approval?: NonNullable<GraphNode["approval"]>;
  /** The DAG that a `subdag` or `trigger` starts a run of, or its id. */
  readonly dag?: Dag | string;
  /** The node is mapped over this list; its input may read what `itemOwner` owns. */
  readonly map?: { readonly over: unknown; readonly maxConcurrent: number | undefined; readonly itemOwner: object };
}

/** How many items of a mapped node run at once, unless it says otherwise. */
const WINDOW = 200;

/** Another DAG's run takes as long as it takes, in milliseconds: ten years. */
const ENDLESS: Partial<NodePolicy> = { timeoutMs: 315_360_000_000 };

/** A DAG while its body runs: collects nodes, and mistakes in place of stopping at the first. */
export class DagBody {
  readonly nodes = new Map<string, GraphNode>();
  readonly tasks = new Map<string, TaskDefinition>();
  readonly functions = new Map<string, NodeFunction>();
  /** The DAGs that nodes start runs of, by node id. */
  readonly children = new Map<string, Dag>();
  private readonly groups: string[] = [];
  private readonly arms: { branch: string; key: string }[] = [];
  private readonly defaults: Partial<NodePolicy>;
  private readonly defaultSlots: SlotOptions;

  constructor(
    readonly dagId: string,
    defaults: Policy & SlotOptions,
    private readonly report: (mistake: string) => void,
  ) {
    checkNames(defaults, { ...POLICY_NAMES, ...SLOT_NAMES }, (message) => report(`defaults: ${message}`));
    this.defaults = checkedPolicy(defaults, (message) => report(`defaults: ${message}`));
    this.defaultSlots = checkedSlots(defaults, (message) => report(`defaults: ${message}`));
  }

  /** Reads what the body wrote; mistakes are told with the place. */
  expression(written: unknown, at: string, mistake: (message: string) => void = this.report): Expression {
    return expressionOf(written, this, at, mistake);
  }

  add<T>(draft: NodeDraft): Ref<T> {
    const { options, kind } = draft;
    const mistake = (message: string) => this.report(`node "${draft.id}": ${message}`);
    const id = this.freeId(draft, mistake);
    checkNames(options, NODE_NAMES, mistake);
    if (draft.task !== undefined) checkNames(draft.task, TASK_NAMES, mistake);
    const input = expressionOf(draft.input, this, "its input", mistake, draft.map?.itemOwner);
    const slots = this.slotsOf(draft, mistake);
    const map = this.mapOf(draft, slots, mistake);
    const when = this.condition(options.when, draft.id, mistake);
    const arms = [...this.arms];
    const upstream = new Set([
      ...sourcesOf([input, ...(when ? [when] : []), ...(map ? [map.over] : [])]),
      ...this.nodesAfter(options, mistake),
    ]);
    const arm = arms.at(-1);
    if (arm !== undefined && ![...upstream].some((one) => this.standsIn(one, arm))) upstream.add(arm.branch);
    const { teardown = false } = options;
    const { triggerRule = teardown ? "all_done" : "all_success" } = options;
    if (teardown && upstream.size === 0)
      mistake("it is a teardown of nothing: name what it cleans up after by `after` or by its input");
    if (teardown && triggerRule !== "all_done")
      mistake(`a teardown runs when all before it have ended: its triggerRule cannot be ${triggerRule}`);
    if (!TRIGGER_RULES.includes(triggerRule)) {
      mistake(`triggerRule is ${JSON.stringify(triggerRule)}: expected one of ${TRIGGER_RULES.join(", ")}`);
    }
    const { queue = draft.task?.queue, light = draft.task?.light ?? false, doc = draft.task?.doc, summary } = options;
    if (draft.dag === "") mistake("it names no DAG");
    const cache = this.cacheOf(draft, light, mistake);
    const outlets = checkedOutlets(options.outlets ?? draft.task?.outlets, mistake);
    const own = checkedPolicy(options, mistake);
    const ofTask = draft.task === undefined ? {} : checkedPolicy(draft.task, mistake);
    // What the scheduler or a pure function does gives the same a second time: the DAG's retries are not for it.
    const policies = kind === "task" ? [this.defaults, ofTask, own] : kind === "subdag" ? [ENDLESS, own] : [own];
    if (queue !== undefined && light)
      mistake("a light task runs inside the scheduler's own step: it cannot have a queue");
    this.nodes.set(id, {
      id,
      kind,
      ...(draft.task === undefined ? {} : { task: draft.task.name }),
      ...(draft.dag === undefined ? {} : { dag: typeof draft.dag === "string" ? draft.dag : draft.dag.id }),
      upstream: [...upstream].sort(),
      triggerRule,
      ...(triggerRule === "all_done_min_one_success" ? { skipsWithUpstream: true } : {}),
      ...(when === undefined ? {} : { when }),
      ...(arms.length === 0 ? {} : { arms }),
      ...(draft.keys === undefined ? {} : { keys: draft.keys }),
      ...(this.groups.length === 0 ? {} : { group: this.groups.join(".") }),
      ...(map === undefined ? {} : { map: triggerRule === "all_success" ? map : boundToSource(map) }),
      ...(kind === "task" ? claimsOf(slots, { dagId: this.dagId, id, mapped: map !== undefined }, mistake) : {}),
      ...(cache === undefined ? {} : { cache }),
      ...(outlets === undefined ? {} : { outlets }),
      ...(teardown ? { teardown } : {}),
      ...(draft.approval === undefined ? {} : { approval: draft.approval }),
      ...(draft.task?.sensor === undefined ? {} : { sensor: this.sensorOf(draft.task.sensor, light, mistake) }),
      input,
      policy: joinedPolicy(draft.task?.sensor === undefined ? policies : policies.map(withoutTotal), mistake),
      light,
      ...(queue === undefined ? {} : { queue }),
      ...(summary === undefined ? {} : { summary }),
      ...(doc === undefined ? {} : { doc }),
    });
    if (draft.task !== undefined) this.tasks.set(id, draft.task);
    if (draft.run !== undefined) this.functions.set(id, draft.run);
    if (draft.dag !== undefined && typeof draft.dag !== "string") this.children.set(id, draft.dag);
    return makeRef<T>({ owner: this, expression: { kind: "node", node: id, path: [] } });
  }

  /** Notes a mistake of the definition. */
  mistake(message: string): void {
    this.report(message);
  }

  inGroup<R>(name: string, body: () => R): R {
    if (!isId(name)) this.report(`group ${JSON.stringify(name)}: expected letters, digits, "_", "-" and "."`);
    this.groups.push(name);
    try {
      return body();
    } finally {
      this.groups.pop();
    }
  }

  inArm<R>(arm: { branch: string; key: string }, body: () => R): R {
    this.arms.push(arm);
    try {
      return body();
    } finally {
      this.arms.pop();
    }
  }

  private sensorOf(
    { poke, timeout, onTimeout }: NonNullable<TaskDefinition["sensor"]>,
    light: boolean,
    mistake: (message: string) => void,
  ): NonNullable<GraphNode["sensor"]> {
    const span = (field: string, given: unknown) => {
      const milliseconds = millisecondsOf(given);
      if (milliseconds === null || milliseconds <= 0)
        mistake(`${field} is ${JSON.stringify(given)}: expected a duration such as "30s"`);
      return milliseconds ?? 0;
    };
    if (light) mistake("a sensor cannot be light: it would hold up the scheduler's own step");
    if (onTimeout !== "fail" && onTimeout !== "skip")
      mistake(`onTimeout is ${JSON.stringify(onTimeout)}: expected "fail" or "skip"`);
    return { pokeMs: span("poke", poke), timeoutMs: span("timeout", timeout), onTimeout };
  }

  private cacheOf(
    { task, options }: NodeDraft,
    light: boolean,
    mistake: (message: string) => void,
  ): GraphNode["cache"] {
    const given: CacheOption | undefined = options.cache ?? task?.cache;
    const cache = given === undefined ? undefined : checkedCache(given, mistake);
    if (cache !== undefined && light) mistake("a light task costs less than looking it up: it cannot have a cache");
    if (cache !== undefined && task?.sensor !== undefined)
      mistake("a sensor looks at the world: it cannot have a cache");
    return cache;
  }

  /** What is said of slots, what goes before last. */
  private slotsOf({ options, task, map }: NodeDraft, mistake: (message: string) => void): SlotOptions[] {
    const own = map?.maxConcurrent === undefined ? options : { ...options, maxConcurrent: map.maxConcurrent };
    return [
      this.defaultSlots,
      ...(task === undefined ? [] : [checkedSlots(task, mistake)]),
      checkedSlots(own, mistake),
    ];
  }

  private mapOf(
    { map }: NodeDraft,
    slots: readonly SlotOptions[],
    mistake: (message: string) => void,
  ): GraphNode["map"] {
    if (map === undefined) return undefined;
    const window = slots.findLast(({ maxConcurrent }) => maxConcurrent !== undefined)?.maxConcurrent ?? WINDOW;
    const { over } = map;
    return { over: this.expression(over, "the list it is mapped over", mistake), window };
  }

  private freeId({ id, kind, task }: NodeDraft, mistake: (message: string) => void): string {
    if (!isId(id))
      mistake('its id must be 1 to 200 letters, digits, "_", "-" and ".", and begin with none of the last two');
    if (!this.nodes.has(id)) return id;
    const wayOut = task === undefined ? `${kind}("${id}_2", …)` : `${task.name}(input, { id: "${id}_2" })`;
    mistake(`the id is taken by an earlier node; give this one its own, such as ${wayOut}`);
    // The rest of the body is read all the same, to find its mistakes too.
    for (let count = 2; ; count += 1) if (!this.nodes.has(`${id}_${count}`)) return `${id}_${count}`;
  }

  private condition(when: unknown, id: string, mistake: (message: string) => void): Expression | undefined {
    if (when === undefined) return undefined;
    if (typeof when !== "boolean" && targetOf(when) === undefined) {
      mistake(`when is ${JSON.stringify(when)}: expected true, false or a Ref of them`);
      return undefined;
    }
    const expression = this.expression(when, "when", mistake);
    if (sourcesOf([expression]).includes(id)) mistake("when reads the node itself");
    return expression;
  }

  private nodesAfter({ after = [] }: NodeOptions, mistake: (message: string) => void): readonly string[] {
    const list: unknown = after;
    if (!Array.isArray(list)) {
      mistake("after: expected a list of nodes, [node]");
      return [];
    }
    return after.flatMap((one, index) => {
      const target = targetOf(one);
      if (target === undefined) mistake(`after[${index}] is no node: expected what wiring a task gave back`);
      else if (target.owner !== this) mistake(`after[${index}] is a node of another DAG`);
      else if (target.expression.kind !== "node")
        mistake(`after[${index}] is of ${target.expression.kind}, which is there from the start: expected a node`);
      else return [target.expression.node];
      return [];
    });
  }

  private standsIn(id: string, arm: { branch: string; key: string }): boolean {
    return this.nodes.get(id)?.arms?.some(({ branch, key }) => branch === arm.branch && key === arm.key) ?? false;
  }
}

/** A sensor's time is its own `timeout`, counted over all its looks. */
function withoutTotal({ totalTimeoutMs: _, ...policy }: Partial<NodePolicy>): Partial<NodePolicy> {
  return policy;
}

/** A map whose list another node makes: under `all_success` the rule itself sees to it that there is one. */
function boundToSource(map: NonNullable<GraphNode["map"]>): NonNullable<GraphNode["map"]> {
  return map.over.kind === "node" ? { ...map, endsWithSource: true } : map;
}

let current: DagBody | undefined;

/** The DAG whose body runs now. @throws OutsideDagError */
export function currentBody(what: string): DagBody {
  if (current === undefined) throw new OutsideDagError(what);
  return current;
}

/** Runs a function as the body of a DAG. */
export function asBody<R>(body: DagBody, run: () => R): R {
  const outer = current;
  current = body;
  try {
    return run();
  } finally {
    current = outer;
  }
}
