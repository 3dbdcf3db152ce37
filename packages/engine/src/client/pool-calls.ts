import { isId } from "../language/id.ts";
import {
  POOL_WORKFLOW,
  type PoolConfig,
  type PoolSetting,
  type PoolView,
  poolIdOf,
  QUERY_POOL,
  SIGNAL_SET_POOL,
} from "../sandbox/pool-protocol.ts";
import { InvalidPoolError, NoWorkerError, PoolNotFoundError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { isNotFound, isTooLate } from "./temporal-call.ts";

/** How long a worker may take to answer for a pool, in milliseconds. */
const QUERY_PATIENCE_MS = 4_000;

/** Pools: one durable workflow each. */
export class PoolCalls {
  constructor(private readonly ground: ClientGround) {}

  async list(): Promise<PoolView[]> {
    const names: string[] = [];
    const query = `WorkflowType = "${POOL_WORKFLOW}" AND ExecutionStatus = "Running"`;
    for await (const { workflowId } of this.ground.temporal.workflow.list({ query })) {
      if (workflowId.startsWith(poolIdOf(""))) names.push(workflowId.slice(poolIdOf("").length));
    }
    const pools = await Promise.all(names.map((name) => this.find(name)));
    return pools.flatMap((pool) => (pool === null ? [] : [pool])).sort((a, b) => a.name.localeCompare(b.name));
  }

  /** @throws PoolNotFoundError, NoWorkerError */
  async get(name: string): Promise<PoolView> {
    const pool = await this.find(name);
    if (pool === null) throw new PoolNotFoundError(name);
    return pool;
  }

  /** Null when nobody has set it, and nobody has asked it for slots. */
  async find(name: string): Promise<PoolView | null> {
    const { temporal, connection, taskQueue } = this.ground;
    try {
      return await connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
        temporal.workflow.getHandle(poolIdOf(name)).query<PoolView>(QUERY_POOL),
      );
    } catch (error) {
      if (isNotFound(error)) return null;
      if (isTooLate(error)) throw new NoWorkerError(taskQueue);
      throw error;
    }
  }

  /** @throws InvalidPoolError */
  async set(name: string, { slots, description }: PoolSetting): Promise<void> {
    if (!isId(name)) throw new InvalidPoolError("name", name, 'letters, digits, "_", "-" and "."');
    if (!Number.isSafeInteger(slots) || slots < 1)
      throw new InvalidPoolError("slots", slots, "a whole number of at least 1");
    const { temporal, taskQueue } = this.ground;
    const config: PoolConfig = { name };
    const setting: PoolSetting = { slots, ...(description === undefined ? {} : { description }) };
    await temporal.workflow.signalWithStart(POOL_WORKFLOW, {
      workflowId: poolIdOf(name),
      taskQueue,
      args: [config],
      signal: SIGNAL_SET_POOL,
      signalArgs: [setting],
      staticSummary: `slots of pool ${name}`,
    });
  }
}
