import { randomUUID } from "node:crypto";
import { createClient, RESP_TYPES } from "redis";
import type { FeatureView } from "../definitions.ts";
import { OnlineStoreUnavailableError } from "../errors.ts";
import type { OnlineRow, OnlineStore, OnlineValues } from "./online-store.ts";
import { type Layout, layoutIdOf, layoutOf, pack, RowReader, spaceOf } from "./packed-values.ts";

/** Rows that one script brings in: Redis does nothing else meanwhile. */
const ROWS_OF_A_SCRIPT = 500;

/** Scripts that are under way at once. */
const SCRIPTS_AT_ONCE = 8;

/** Digits of a moment, and of two in a row: event, then creation. */
const MOMENT_LENGTH = 20;
const STAMP_LENGTH = 2 * MOMENT_LENGTH;

/**
 * Puts rows whose stamp is newer, or the same with other values. KEYS: the space's hash, then the rows'. ARGV: as many
 * rows. A row is its stamp (event and creation, of fixed width, so that text compares as the moments do), then its values.
 */
const PUT = `
local changed, added, newest = 0, 0, redis.call('HGET', KEYS[1], 'newest') or ''
for i = 2, #KEYS do
  local new, old = ARGV[i - 1], redis.call('GET', KEYS[i])
  if not old or (old ~= new and string.sub(new, 1, ${STAMP_LENGTH}) >= string.sub(old, 1, ${STAMP_LENGTH})) then
    redis.call('SET', KEYS[i], new)
    changed = changed + 1
    if not old then added = added + 1 end
    local event = string.sub(new, 1, ${MOMENT_LENGTH})
    if event > newest then newest = event end
  end
end
if newest ~= '' then redis.call('HSET', KEYS[1], 'newest', newest) end
redis.call('HINCRBY', KEYS[1], 'entities', added)
return changed
`;

/** Removes rows, those whose stamp begins before ARGV[1] when that is given. KEYS: the space's hash, then the rows'. */
const REMOVE = `
local removed = 0
for i = 2, #KEYS do
  local old = redis.call('GET', KEYS[i])
  if old and (not ARGV[1] or string.sub(old, 1, ${MOMENT_LENGTH}) < ARGV[1]) then
    redis.call('DEL', KEYS[i])
    removed = removed + 1
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  if redis.call('HINCRBY', KEYS[1], 'entities', -removed) <= 0 then redis.call('HDEL', KEYS[1], 'newest') end
end
return removed
`;

export interface RedisOnlineStoreOptions {
  /** `redis://user:password@host:port/db`, or `rediss://…` for TLS. */
  readonly url: string;
  /** What the keys begin with; stores of different names in one Redis know nothing of each other. @default "dagwright:features" */
  readonly prefix?: string | undefined;
  /** How long a command waits for a Redis that is away, in milliseconds. @default 2000 */
  readonly timeoutMs?: number | undefined;
}

/**
 * Opens the online store in a Redis; several processes may use it. Connects with the first command, and again by itself.
 * @throws OnlineStoreUnavailableError from every method while Redis is away.
 */
export function openRedisOnlineStore(options: RedisOnlineStoreOptions): OnlineStore {
  const { url, prefix = "dagwright:features", timeoutMs = 2_000 } = options;
  const { host } = new URL(url);
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: timeoutMs, reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, 2_000) },
  });
  // Every command says itself what is wrong.
  client.on("error", () => {});
  const inBytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const layouts = new Map<number, Layout>();
  const keyOf = (space: string, entity: readonly string[]) => `${prefix}:v:${space}:${jsonOf(entity)}`;
  const hashOf = (space: string) => `${prefix}:space:${space}`;
  const layoutsKey = `${prefix}:packed-layouts`;

  /** A command's answer. A Redis that hangs keeps the connection: the command itself cannot be taken back. */
  async function inTime<T>(command: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([command, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  let connecting: Promise<unknown> | undefined;
  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (!client.isReady) await connected();
      return await work();
    } catch (error) {
      if (error instanceof Error && error.name === "ErrorReply") throw error;
      throw new OnlineStoreUnavailableError(host, error);
    }
  }
  /** Waits for the connection, as long as a command may. */
  async function connected(): Promise<void> {
    if (!client.isOpen) {
      connecting = client.connect();
      connecting.catch(() => {});
    }
    const deadline = Date.now() + timeoutMs;
    let lastError: unknown = new Error(`no connection within ${timeoutMs} ms`);
    const remember = (error: unknown) => {
      lastError = error;
    };
    client.on("error", remember);
    try {
      while (!client.isReady && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      client.off("error", remember);
    }
    if (!client.isReady) throw lastError;
  }

  async function keepLayout(view: FeatureView): Promise<Layout> {
    const layout = layoutOf(view);
    await inTime(client.hSetNX(layoutsKey, String(layout.id), JSON.stringify(layout.columns)));
    return layout;
  }

  async function layoutWith(id: number): Promise<Layout> {
    const known = layouts.get(id);
    if (known !== undefined) return known;
    const columns: Layout["columns"] = JSON.parse((await inTime(client.hGet(layoutsKey, String(id)))) ?? "[]");
    const layout = { id, columns };
    layouts.set(id, layout);
    return layout;
  }

  async function putSome(space: string, rows: readonly OnlineRow[], packed: readonly Buffer[]): Promise<number> {
    const keys = [hashOf(space), ...rows.map(({ entity }) => keyOf(space, entity))];
    return Number(await inTime(client.eval(PUT, { keys, arguments: [...packed] })));
  }

  /** Removes the rows of a space under these keys, or those of them that are older. */
  async function removeKeys(space: string, keys: readonly string[], before?: number): Promise<number> {
    if (keys.length === 0) return 0;
    const args = before === undefined ? [] : [momentText(before)];
    return Number(await inTime(client.eval(REMOVE, { keys: [hashOf(space), ...keys], arguments: args })));
  }

  async function removeScanned(space: string, before?: number): Promise<number> {
    let removed = 0;
    const pattern = `${keyPattern(`${prefix}:v:${space}:`)}*`;
    for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: ROWS_OF_A_SCRIPT })) {
      removed += await removeKeys(space, keys, before);
    }
    return removed;
  }

  return {
    identity: () =>
      ask(async () => {
        const key = `${prefix}:identity`;
        await inTime(client.setNX(key, randomUUID()));
        return String(await inTime(client.get(key)));
      }),
    put: (view, rows) =>
      ask(async () => {
        const space = spaceOf(view);
        const layout = await keepLayout(view);
        if (rows.length === 0) return putSome(space, [], []);
        let changed = 0;
        const batches: (readonly OnlineRow[])[] = [];
        for (let from = 0; from < rows.length; from += ROWS_OF_A_SCRIPT)
          batches.push(rows.slice(from, from + ROWS_OF_A_SCRIPT));
        for (let from = 0; from < batches.length; from += SCRIPTS_AT_ONCE) {
          const some = batches.slice(from, from + SCRIPTS_AT_ONCE);
          const counts = await Promise.all(
            some.map((batch) =>
              putSome(
                space,
                batch,
                batch.map((row) => Buffer.concat([Buffer.from(stampOf(row)), pack(layout, row.values)])),
              ),
            ),
          );
          for (const count of counts) changed += count;
        }
        return changed;
      }),
    read: (queries) =>
      ask(async () => {
        const keys = queries.flatMap(({ view, entities }) => {
          const space = spaceOf(view);
          return entities.map((entity) => keyOf(space, entity));
        });
        const found = keys.length === 0 ? [] : await inTime(inBytes.mGet(keys));
        let at = 0;
        const answers: (OnlineValues | undefined)[][] = [];
        for (const { view, features, entities } of queries) {
          const answer: (OnlineValues | undefined)[] = [];
          let reader: RowReader | undefined;
          for (const _ of entities) {
            const row = found[at++];
            if (row === null || row === undefined) {
              answer.push(undefined);
              continue;
            }
            const id = layoutIdOf(row, STAMP_LENGTH);
            if (reader?.layoutId !== id) reader = new RowReader(await layoutWith(id), view, features);
            answer.push({ eventUs: momentIn(row), values: reader.read(row, STAMP_LENGTH) });
          }
          answers.push(answer);
        }
        return answers;
      }),
    holds: (view) => ask(async () => (await inTime(client.exists(hashOf(spaceOf(view))))) === 1),
    statistics: (view) =>
      ask(async () => {
        const { entities = "0", newest } = await inTime(client.hGetAll(hashOf(spaceOf(view))));
        return { entities: Number(entities), newestUs: newest === undefined ? null : momentOf(newest) };
      }),
    remove: (view, entities) =>
      ask(async () => {
        const space = spaceOf(view);
        return removeKeys(space, [...new Set(entities.map((entity) => keyOf(space, entity)))]);
      }),
    removeBefore: (view, us) => ask(() => removeScanned(spaceOf(view), us)),
    removeAllBut: (views) =>
      ask(async () => {
        const kept = new Set(views.map(spaceOf));
        let removed = 0;
        for await (const hashes of client.scanIterator({ MATCH: `${keyPattern(hashOf(""))}*`, COUNT: 1000 })) {
          for (const hash of hashes) {
            const space = hash.slice(hashOf("").length);
            if (kept.has(space)) continue;
            removed += await removeScanned(space);
            await inTime(client.del(hash));
          }
        }
        return removed;
      }),
    close: async () => {
      if (client.isOpen) client.destroy();
      await connecting?.catch(() => {});
    },
  };
}

/** Event and creation of a row as text of fixed width that compares as the moments do. */
function stampOf({ eventUs, createdUs }: OnlineRow): string {
  return momentText(eventUs) + (createdUs === null ? "0".repeat(MOMENT_LENGTH) : momentText(createdUs));
}

/** Moments before 1970 are counted from 10^19 down, so that no sign is needed. */
const EPOCH = 10n ** 19n;

function momentText(us: number): string {
  return (EPOCH + BigInt(us)).toString().padStart(MOMENT_LENGTH, "0");
}

function momentOf(text: string): number {
  return Number(BigInt(text) - EPOCH);
}

const [ZERO, ONE] = [0x30, 0x31];

/** The event of a row, read from its stamp. */
function momentIn(row: Buffer): number {
  if (row[0] !== ONE) return momentOf(row.toString("latin1", 0, MOMENT_LENGTH));
  // From 1970 on without a text and a big integer, which cost more than the values.
  let us = 0;
  for (let at = 1; at < MOMENT_LENGTH; at += 1) us = us * 10 + (row[at] ?? ZERO) - ZERO;
  return us;
}

/** What JSON writes between quotes as it is. */
const PLAIN = /^[\w.:-]*$/;

/** `JSON.stringify`, without its cost for what most keys are. */
function jsonOf(entity: readonly string[]): string {
  return entity.length > 0 && entity.every((key) => PLAIN.test(key))
    ? `["${entity.join('","')}"]`
    : JSON.stringify(entity);
}

/** A text in which nothing is special to Redis' patterns. */
function keyPattern(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, "\\$&");
}
