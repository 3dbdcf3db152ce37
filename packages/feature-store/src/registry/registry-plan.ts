import type { RecordedDefinitions } from "./registry.ts";

const KINDS = {
  entities: "entity",
  featureViews: "feature view",
  onDemandViews: "on-demand view",
  featureServices: "feature service",
} as const;

/** One difference between what is applied and what is defined. */
export interface RegistryChange {
  readonly change: "add" | "remove" | "change";
  readonly kind: (typeof KINDS)[keyof typeof KINDS];
  readonly name: string;
  /** Of a changed definition, what differs: `ttl`, `features.spend`. */
  readonly fields: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[];
}

/** What applying would do. */
export interface RegistryPlan {
  /** The version of the registry that the plan was made for. */
  readonly version: number;
  readonly changes: readonly RegistryChange[];
  /** The changes as lines of `+`, `-` and `~`; empty when there are none. */
  readonly text: string;
}

/** Compares applied with given definitions. */
export function planOf(version: number, applied: RecordedDefinitions, given: RecordedDefinitions): RegistryPlan {
  const changes: RegistryChange[] = [];
  for (const key of ["entities", "featureViews", "onDemandViews", "featureServices"] as const) {
    const [before, after] = [
      new Map<string, object>(Object.entries(applied[key])),
      new Map(Object.entries(given[key])),
    ];
    const kind = KINDS[key];
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [old, now] = [before.get(name), after.get(name)];
      if (old === undefined) changes.push({ change: "add", kind, name, fields: [] });
      else if (now === undefined) changes.push({ change: "remove", kind, name, fields: [] });
      else {
        const fields = differences(old, now);
        if (fields.length > 0) changes.push({ change: "change", kind, name, fields });
      }
    }
  }
  return { version, changes, text: changes.map(lineOf).join("\n") };
}

function differences(before: object, after: object): RegistryChange["fields"] {
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((field) => {
    const [one, other] = [old.get(field), now.get(field)];
    return JSON.stringify(one) === JSON.stringify(other) ? [] : [{ field, before: one, after: other }];
  });
}

/** Fields by their paths: those of the records `features` and `request` one by one, lists as a whole. */
function flat(definition: object): Map<string, unknown> {
  return new Map(
    Object.entries(definition).flatMap(([field, value]: [string, unknown]): [string, unknown][] =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([name, type]) => [`${field}.${name}`, type])
        : [[field, value]],
    ),
  );
}

function lineOf({ change, kind, name, fields }: RegistryChange): string {
  if (change === "add") return `+ ${kind} ${name}`;
  if (change === "remove") return `- ${kind} ${name}`;
  const told = fields.map(({ field, before, after }) => `${field}: ${said(before)} → ${said(after)}`);
  return [`~ ${kind} ${name}`, ...told.map((line) => `    ${line}`)].join("\n");
}

function said(value: unknown): string {
  return value === undefined ? "none" : JSON.stringify(value);
}
