/** What a registry must do, in a few lines: the model that real ones are compared with. */
import type { ModelStage } from "@dagwright/tracking";

export type Change =
  | {
      readonly kind: "move";
      readonly version: number;
      readonly stage: ModelStage;
      readonly archiveExisting: boolean;
      readonly aliases: readonly string[];
    }
  | { readonly kind: "alias"; readonly version: number; readonly alias: string }
  | { readonly kind: "delete"; readonly version: number }
  | { readonly kind: "register"; readonly key: string };

/** Versions archived, a version, whether something was deleted, or the code of an error. */
export type Answer = readonly number[] | number | boolean | string;

interface Version {
  readonly stage: ModelStage;
  /** Which version's promotion sent it to the archive. */
  readonly replacedBy?: number;
}

export interface Registry {
  readonly versions: ReadonlyMap<number, Version>;
  readonly aliases: ReadonlyMap<string, number>;
  readonly keys: ReadonlyMap<string, number>;
  /** The highest number ever given. */
  readonly last: number;
}

export const EMPTY: Registry = { versions: new Map(), aliases: new Map(), keys: new Map(), last: 0 };

/** One change by itself. */
export function changed(registry: Registry, change: Change): readonly [Registry, Answer] {
  const versions = new Map(registry.versions);
  const aliases = new Map(registry.aliases);
  if (change.kind === "register") {
    const known = registry.keys.get(change.key);
    if (known !== undefined) return [registry, known];
    const version = registry.last + 1;
    versions.set(version, { stage: "none" });
    const keys = new Map(registry.keys).set(change.key, version);
    return [{ versions, aliases, keys, last: version }, version];
  }
  const { version } = change;
  const there = versions.get(version);
  if (there === undefined) {
    const given = version <= registry.last;
    return [registry, change.kind === "delete" && given ? false : "MODEL_VERSION_NOT_FOUND"];
  }
  if (change.kind === "alias") {
    aliases.set(change.alias, version);
    return [{ ...registry, aliases }, version];
  }
  if (change.kind === "delete") {
    if (there.stage === "production") return [registry, "MODEL_VERSION_IN_PRODUCTION"];
    versions.delete(version);
    for (const [alias, points] of aliases) if (points === version) aliases.delete(alias);
    const keys = new Map([...registry.keys].filter(([, made]) => made !== version));
    return [{ ...registry, versions, aliases, keys }, true];
  }
  const { stage } = change;
  const archives = change.archiveExisting && (stage === "production" || stage === "staging");
  if (there.stage !== stage)
    for (const [other, { stage: theirs, replacedBy }] of versions)
      if (replacedBy === version) versions.set(other, { stage: theirs });
  if (archives)
    for (const [other, { stage: theirs }] of versions)
      if (other !== version && theirs === stage) versions.set(other, { stage: "archived", replacedBy: version });
  if (there.stage !== stage) versions.set(version, { stage });
  for (const alias of change.aliases) aliases.set(alias, version);
  const archived = [...versions].filter(([, one]) => one.replacedBy === version && one.stage === "archived");
  return [{ ...registry, versions, aliases }, archives ? archived.map(([one]) => one).sort((a, b) => a - b) : []];
}

/** What can be seen of a registry: `[version, stage, aliases]`, the newest first. */
export function seen({ versions, aliases }: Registry): readonly (readonly [number, ModelStage, readonly string[]])[] {
  return [...versions]
    .sort(([a], [b]) => b - a)
    .map(([version, { stage }]) => [
      version,
      stage,
      [...aliases.keys()].filter((alias) => aliases.get(alias) === version).sort(),
    ]);
}

/** Every order in which one could have carried out what several asked for, each of them one thing after another. */
export function* outcomes(
  registry: Registry,
  asked: readonly (readonly Change[])[],
  answers: readonly (readonly Answer[])[] = asked.map(() => []),
): Generator<readonly [Registry, readonly (readonly Answer[])[]]> {
  if (asked.every(({ length }) => length === 0)) yield [registry, answers];
  for (const [who, [next, ...rest]] of asked.entries()) {
    if (next === undefined) continue;
    const [after, answer] = changed(registry, next);
    yield* outcomes(
      after,
      asked.map((theirs, other) => (other === who ? rest : theirs)),
      answers.map((theirs, other) => (other === who ? [...theirs, answer] : theirs)),
    );
  }
}
