import type { SlotKey, SlotRequest } from "../core/slot-pool.ts";
import type { GrantMessage, PoolMessage, PoolSetting } from "./pool-protocol.ts";

/** Whatever came to a pool as a message: what is no request and no release is left out. */
export function poolMessageOf(value: unknown): PoolMessage {
  const limit = fieldOf(value, "limit");
  return {
    releases: listOf(fieldOf(value, "releases")).flatMap(keyIn),
    requests: listOf(fieldOf(value, "requests")).flatMap(requestIn),
    ...(isSlots(limit) ? { limit } : {}),
  };
}

/** Whatever came to a pool as its setting: it may have been typed by hand. Null when it is none. */
export function poolSettingOf(value: unknown): PoolSetting | null {
  const [slots, description] = [fieldOf(value, "slots"), fieldOf(value, "description")];
  if (!isSlots(slots)) return null;
  return { slots, ...(typeof description === "string" ? { description } : {}) };
}

/** Whatever came to a run as slots that it holds. Null when it is none. */
export function grantOf(value: unknown): GrantMessage | null {
  const [pool, execution] = [fieldOf(value, "pool"), fieldOf(value, "execution")];
  if (typeof pool !== "string" || typeof execution !== "string") return null;
  const tickets = listOf(fieldOf(value, "tickets")).filter((one): one is number => typeof one === "number");
  return { pool, execution, tickets };
}

function keyIn(value: unknown): SlotKey[] {
  const [run, execution, ticket] = ["run", "execution", "ticket"].map((name) => fieldOf(value, name));
  if (typeof run !== "string" || typeof execution !== "string" || typeof ticket !== "number") return [];
  return [{ run, execution, ticket }];
}

function requestIn(value: unknown): SlotRequest[] {
  const [slots, priority, since, task, tie] = ["slots", "priority", "since", "task", "tie"].map((name) =>
    fieldOf(value, name),
  );
  if (!isSlots(slots) || typeof priority !== "number" || typeof since !== "number") return [];
  const told = {
    ...(typeof task === "string" ? { task } : {}),
    ...(typeof tie === "string" ? { tie } : {}),
  };
  return keyIn(value).map((key) => ({ ...key, slots, priority, since, ...told }));
}

function isSlots(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
