import { currentBody } from "./body.ts";
import type { CommonNodeOptions } from "./node-options.ts";
import type { Ref, RefTo, Wired } from "./ref.ts";

/** What a branch gives: the key that was chosen, and what each arm returned (skipped arms read null in a run). */
export interface Branch<Arms> {
  readonly chosen: Ref<keyof Arms & string>;
  readonly arms: { readonly [Key in keyof Arms]: Arms[Key] extends () => infer Result ? Result : never };
}

/**
 * Runs one arm and skips the others: the one whose key is the value of `ref`. A value that is no key fails the branch.
 * To go on after it whichever arm ran, wait for the arms with `triggerRule: "none_failed_min_one_success"`.
 *
 * @param ref Text, number or boolean; where its type is a union (a zod enum), each value needs its arm.
 * @example branch("drifted", drift.decision, { retrain: () => retrain({ … }), skip: () => derive("skip", [], () => "no drift") });
 */
export function branch<
  Value extends string | number | boolean,
  const Arms extends { readonly [Key in `${Value}`]: () => unknown },
>(id: string, ref: RefTo<Value>, arms: Arms, options: CommonNodeOptions = {}): Branch<Arms> {
  const body = currentBody(`branch "${id}"`);
  const keys = Object.keys(arms);
  if (keys.length === 0) body.mistake(`node "${id}": it has no arms: expected at least one, { key: () => … }`);
  const chosen = body.add<keyof Arms & string>({ id, kind: "branch", input: ref, options, keys });
  const results = Object.entries<() => unknown>(arms).map(([key, arm]) => [key, body.inArm({ branch: id, key }, arm)]);
  // Object.fromEntries forgets which key has which result; Branch says it.
  return { chosen, arms: Object.fromEntries(results) as Branch<Arms>["arms"] };
}

/**
 * Lets a run go on only if a value is truthy; else every node after it (near and far, whatever its trigger rule) is
 * skipped. Nodes come after it by `after: [gate]` or by reading its value.
 */
export function shortCircuit<T>(id: string, value: RefTo<T> | (T & Wired<T>), options: CommonNodeOptions = {}): Ref<T> {
  return currentBody(`shortCircuit "${id}"`).add({ id, kind: "short_circuit", input: value, options });
}

/** A named box around nodes, for drawing: it changes neither ids nor order. Boxes may stand in boxes. */
export function group<R>(name: string, body: () => R): R {
  return currentBody(`group "${name}"`).inGroup(name, body);
}
