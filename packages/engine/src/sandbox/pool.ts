import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  scheduleActivity,
  setHandler,
  sleep,
  workflowInfo,
} from "@temporalio/workflow";
import {
  changePool,
  EMPTY_POOL,
  type HeldSlots,
  keyOf,
  type SlotChange,
  type SlotPool,
  usedSlots,
} from "../core/slot-pool.ts";
import { poolMessageOf, poolSettingOf } from "./pool-messages.ts";
import {
  type GrantMessage,
  POOL_ACTIVITY,
  type PoolConfig,
  type PoolMemory,
  type PoolParty,
  type PoolView,
  QUERY_POOL,
  SIGNAL_GRANTED,
  SIGNAL_SET_POOL,
  SIGNAL_SLOTS,
} from "./pool-protocol.ts";
import { poolViewOf } from "./pool-view.ts";

const CHECK_EVERY_MS = 15_000;
/** While nobody waits, holders are looked at more seldom by this factor. */
const CALM = 4;
/** How many of those that wait are looked at. */
const WAITING_CHECKED = 50;
/** How many of those that wait are carried over: those behind ask again by themselves. */
const WAITING_KEPT = 5_000;

/**
 * One pool: hands out slots to runs for ever. Runs ask, and give back, by signals; the same request twice is one. A run
 * that holds slots and has ended, however it ended, loses them: now and then the pool looks.
 */
export async function dagwrightPool(config: PoolConfig, memory?: PoolMemory): Promise<void> {
  const { name, checkEveryMs = CHECK_EVERY_MS, continueAfter = Number.POSITIVE_INFINITY } = config;
  let pool: SlotPool = { ...EMPTY_POOL, ...memory };
  let { isSet = false, description } = memory ?? {};
  const untold = new Set(memory?.untold);
  let telling = 0;
  /** History grows long: nobody is told anything more in this execution. */
  const isFull = () => workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > continueAfter;

  function change(what: SlotChange): void {
    const changed = changePool(pool, what, Date.now());
    pool = changed.pool;
    for (const one of changed.granted) untold.add(keyOf(one));
    if (!isFull()) tellAll();
  }

  /** Tells every run that got slots so; one that is not there to be told gives them back. */
  function tellAll(): void {
    const byRun = new Map<string, HeldSlots[]>();
    for (const one of pool.held) {
      if (!untold.has(keyOf(one))) continue;
      const key = `${one.execution} ${one.run}`;
      byRun.set(key, [...(byRun.get(key) ?? []), one]);
    }
    untold.clear();
    for (const granted of byRun.values()) void tell(granted);
  }

  async function tell(granted: readonly HeldSlots[]): Promise<void> {
    const [first] = granted;
    if (first === undefined) return;
    const { run, execution } = first;
    const message: GrantMessage = { pool: name, execution, tickets: granted.map(({ ticket }) => ticket) };
    telling += 1;
    try {
      await CancellationScope.nonCancellable(() => getExternalWorkflowHandle(run).signal(SIGNAL_GRANTED, message));
    } catch {
      // There is no such run any more.
      change({ releases: granted });
    } finally {
      telling -= 1;
    }
  }

  setHandler(defineSignal<[unknown]>(SIGNAL_SLOTS), (payload) => {
    const { limit, releases, requests } = poolMessageOf(payload);
    if (limit !== undefined) isSet = true;
    change({ releases, requests, slots: limit });
  });
  setHandler(defineSignal<[unknown]>(SIGNAL_SET_POOL), (payload) => {
    const setting = poolSettingOf(payload);
    if (setting === null) return;
    isSet = true;
    description = setting.description ?? description;
    change({ slots: setting.slots });
  });
  setHandler(
    defineQuery<PoolView>(QUERY_POOL),
    (): PoolView => poolViewOf(name, pool, { isSet, description, used: usedSlots(pool) }),
  );

  async function check(): Promise<void> {
    for (;;) {
      await condition(() => pool.held.length > 0);
      await condition(() => pool.waiting.length > 0, checkEveryMs * CALM);
      if (pool.waiting.length > 0) await sleep(checkEveryMs, { summary: "until a look at who holds slots" });
      if (pool.held.length === 0) continue;
      try {
        // Of those that wait, the next ones: one that is gone gives its slots back as soon as it is told of them.
        const parties = [...pool.held, ...pool.waiting.slice(0, WAITING_CHECKED)];
        const ended = new Set((await endedOf(parties)).map(({ execution }) => execution));
        const releases = parties.filter(({ execution }) => ended.has(execution));
        if (releases.length > 0) change({ releases });
      } catch (error) {
        log.warn("It could not be seen whether those that hold slots are still there", { error: String(error) });
      }
    }
  }

  if (untold.size > 0) tellAll();
  // Cancelling a pool would take slots from nobody who works, and hand them out twice: it goes on.
  await CancellationScope.nonCancellable(async () => {
    void check();
    await condition(() => isFull() && telling === 0);
  });
  await continueAsNew<typeof dagwrightPool>(config, {
    ...{ slots: pool.slots, isSet, held: pool.held, waiting: pool.waiting.slice(0, WAITING_KEPT) },
    ...(description === undefined ? {} : { description }),
    untold: [...untold],
  });
}

/** Which of the executions that hold slots or wait for them have ended. */
async function endedOf(parties: readonly PoolParty[]): Promise<readonly PoolParty[]> {
  const known = new Map(parties.map(({ run, execution }) => [execution, { run, execution }]));
  return await scheduleActivity<readonly PoolParty[]>(POOL_ACTIVITY.ended, [[...known.values()]], {
    startToCloseTimeout: "2m",
    retry: { maximumAttempts: 3 },
    summary: "who of those that hold slots has ended",
  });
}
