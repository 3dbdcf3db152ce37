import { rounded } from "./measures.ts";

/** What was measured of one engine; times in seconds. */
export interface PeerMeasures {
  readonly name: string;
  readonly seconds: {
    readonly chain: number;
    readonly fan: number;
    readonly twenty?: number;
    readonly chainLight?: number;
    readonly fanLight?: number;
  };
  readonly dueToStart?: { readonly p50: number; readonly p99: number; readonly samples: number };
  /** From nothing running until it answers, and until a first run has ended. */
  readonly upSeconds?: number;
  readonly coldStartSeconds?: number;
  /** Of all its processes but the database. */
  readonly idleMiB?: number;
  /** 200 files of ten tasks read in process, and by what the engine does with them in production. */
  readonly loadSeconds?: number;
  readonly loadWholeSeconds?: number;
}

/** A part that was not measured, and why. */
export interface Skipped {
  readonly part: string;
  readonly why: string;
}

/** One engine's measures, for a person. */
export function tell(title: string, { name: _, ...measures }: PeerMeasures): void {
  console.log(`\n${title}`);
  const { seconds, dueToStart, ...rest } = measures;
  const told: Record<string, string> = {
    "chain of 100": inSeconds(seconds.chain),
    "fan-out of 200 and join": inSeconds(seconds.fan),
    "20 runs of 10 at once": inSeconds(seconds.twenty),
    "chain of 100, light": inSeconds(seconds.chainLight),
    "fan-out of 200, light": inSeconds(seconds.fanLight),
    "due to first task":
      dueToStart === undefined
        ? ""
        : `p50 ${inSeconds(dueToStart.p50)}, p99 ${inSeconds(dueToStart.p99)} of ${dueToStart.samples}`,
    "up from cold": inSeconds(rest.upSeconds),
    "first run done from cold": inSeconds(rest.coldStartSeconds),
    "memory at rest": rest.idleMiB === undefined ? "" : `${rest.idleMiB.toFixed(0)} MiB`,
    "200 files read": inSeconds(rest.loadSeconds),
    "200 files, as in production": inSeconds(rest.loadWholeSeconds),
  };
  for (const [what, value] of Object.entries(told)) if (value !== "") console.log(`  ${what.padEnd(28)} ${value}`);
}

/** How many times as long others took, by workload: more than 1 is ours being faster. */
export function ratios(
  others: PeerMeasures["seconds"] | null | undefined,
  ours: PeerMeasures["seconds"],
  pairs: Readonly<Record<string, readonly [theirs: keyof PeerMeasures["seconds"], own: keyof PeerMeasures["seconds"]]>>,
): Record<string, number> {
  const found = Object.entries(pairs).flatMap(([name, [theirs, own]]) => {
    const [their, mine] = [others?.[theirs], ours[own]];
    return their === undefined || mine === undefined ? [] : [[name, rounded(their / mine, 2)] as const];
  });
  return Object.fromEntries(found);
}

/** Measures as JSON, with as many digits as they carry. */
export function asJson(value: unknown): unknown {
  if (typeof value === "number") return rounded(value, Math.abs(value) < 100 ? 3 : 0);
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, asJson(field)]));
}

function inSeconds(value: number | undefined): string {
  return value === undefined ? "" : `${value.toFixed(value < 10 ? 3 : 1)} s`;
}
