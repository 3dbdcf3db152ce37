import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  ParentClosePolicy,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
  workflowInfo,
} from "@temporalio/workflow";
import type { Json } from "../core/graph.ts";
import {
  type ControllerConfig,
  type ControllerView,
  type DriftSignal,
  QUERY_STATE,
  SIGNAL_CONFIGURE,
  SIGNAL_DRIFT,
} from "./controller-protocol.ts";

/** How many reasons are remembered. */
const REASONS_KEPT = 20;
/** How many ids of signals are remembered, to count each once. */
const IDS_KEPT = 500;
/** How many waiting signals are kept in full. */
const SIGNALS_KEPT = 200;
/** How many pieces of evidence a run is given. */
const EVIDENCE_KEPT = 20;

interface PendingSignal extends DriftSignal {
  readonly at: number;
}

/** What a controller carries over when it continues as new. */
interface Memory {
  readonly pending: readonly PendingSignal[];
  readonly seen: readonly string[];
  readonly started: number;
  readonly coolDownUntil: number;
  readonly reasons: ControllerView["reasons"];
  readonly lastRunId: string | null;
  /** Signals that were counted and not kept. */
  readonly uncounted?: number;
}

const BLANK: Memory = { pending: [], seen: [], started: 0, coolDownUntil: 0, reasons: [], lastRunId: null };

/**
 * Takes `drift` signals for one model for ever. The first signal opens a debounce; when it is over, one run of the DAG is
 * started for all signals that have come. During the cool-down that follows, signals are kept, and lead to one more run
 * when it ends; one that says `ignoreCoolDown` does not wait for it.
 */
export async function retrainingController(given: ControllerConfig, memory: Memory = BLANK): Promise<void> {
  let config = given;
  let { pending, seen, started, coolDownUntil, reasons, lastRunId, uncounted = 0 } = memory;

  setHandler(defineSignal<[ControllerConfig]>(SIGNAL_CONFIGURE), (changed) => {
    config = { ...config, ...changed };
  });
  setHandler(defineSignal<[unknown?]>(SIGNAL_DRIFT), (payload) => {
    const signal = { ...driftSignalOf(payload), at: Date.now() };
    if (signal.id !== undefined) {
      if (seen.includes(signal.id)) return;
      seen = [...seen, signal.id].slice(-IDS_KEPT);
    }
    pending = [...pending, signal];
    // A flood during a long cool-down: the first says when it began, the last say what it is about.
    if (pending.length > SIGNALS_KEPT) {
      const urgent = pending.find(({ ignoreCoolDown }) => ignoreCoolDown);
      const kept = [
        ...pending.slice(0, 1),
        ...(urgent === undefined ? [] : [urgent]),
        ...pending.slice(-SIGNALS_KEPT / 2),
      ];
      uncounted += pending.length - kept.length;
      pending = kept;
    }
    reasons = [...reasons, { at: new Date(signal.at).toISOString(), reason: signal.reason }].slice(-REASONS_KEPT);
  });
  setHandler(
    defineQuery<ControllerView>(QUERY_STATE),
    (): ControllerView => ({
      model: config.model,
      dagId: config.dagId,
      debounceMs: config.debounceMs,
      coolDownMs: config.coolDownMs,
      pending: pending.length + uncounted,
      started,
      lastRunId,
      dueAt: moment(dueAt()),
      coolDownUntil: moment(coolDownUntil > Date.now() ? coolDownUntil : null),
      reasons,
    }),
  );

  /** When the next run is due; null while nothing asks for one. */
  function dueAt(): number | null {
    const [first] = pending;
    if (first === undefined) return null;
    const urgent = pending.find(({ ignoreCoolDown }) => ignoreCoolDown);
    const calm = Math.max(first.at + config.debounceMs, coolDownUntil);
    return urgent === undefined ? calm : Math.min(calm, urgent.at + config.debounceMs);
  }

  for (;;) {
    const due = dueAt();
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew(config, {
        pending,
        seen,
        started,
        coolDownUntil,
        reasons,
        lastRunId,
        uncounted,
      } satisfies Memory);
    }
    if (due === null) {
      await condition(() => pending.length > 0);
    } else if (due > Date.now()) {
      await condition(() => dueAt() !== due || workflowInfo().continueAsNewSuggested, due - Date.now());
    } else {
      const signals = pending;
      const count = pending.length + uncounted;
      pending = [];
      uncounted = 0;
      coolDownUntil = Date.now() + config.coolDownMs;
      ({ started, runId: lastRunId } = await startRun(config, signals, count, started + 1));
    }
  }
}

/** Starts the run that `signals` ask for, under the first free number from `number` on. */
async function startRun(
  { model, dagId, params = {} }: ControllerConfig,
  signals: readonly PendingSignal[],
  count: number,
  number: number,
): Promise<{ started: number; runId: string }> {
  const reason = [...new Set(signals.map((signal) => signal.reason))].slice(0, 5).join("; ");
  const evidence = signals.flatMap((signal) => (signal.evidence === undefined ? [] : [signal.evidence]));
  const logicalDate = signals.findLast((signal) => signal.logicalDate !== undefined)?.logicalDate;
  const input = {
    params,
    conf: { retraining: true, reason, evidence: evidence.slice(0, EVIDENCE_KEPT), signals: count },
    trigger: "signal",
    ...(logicalDate === undefined ? {} : { logicalDate }),
  };
  for (let started = number; ; started += 1) {
    const runId = `${dagId}/retraining-${model}-${started}`;
    try {
      await startChild(dagId, {
        workflowId: runId,
        args: [input],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        typedSearchAttributes: [
          { key: { name: "DagId", type: "KEYWORD" }, value: dagId },
          { key: { name: "RunState", type: "KEYWORD" }, value: "queued" },
          { key: { name: "RunTrigger", type: "KEYWORD" }, value: "signal" },
        ],
        staticSummary: `retraining of ${model}`,
      });
      return { started, runId };
    } catch (error) {
      // A former controller of this model, which was ended, had come further.
      if (!(error instanceof Error) || error.name !== "WorkflowExecutionAlreadyStartedError") throw error;
    }
  }
}

/** Whatever came as a signal, made into one: it may have been typed by hand, or carry nothing at all. */
function driftSignalOf(payload: unknown): DriftSignal {
  if (typeof payload === "string" && payload !== "") return { reason: payload };
  if (typeof payload !== "object" || payload === null) return { reason: "no reason given" };
  const field = (name: string): unknown => Reflect.get(payload, name);
  const text = (name: string) => {
    const value = field(name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const id = text("id");
  const evidence = field("evidence");
  const logicalDate = text("logicalDate");
  return {
    reason: text("reason") ?? "no reason given",
    ...(id === undefined ? {} : { id }),
    // It came as JSON through Temporal.
    ...(evidence === undefined || evidence === null ? {} : { evidence: evidence as Json }),
    ...(logicalDate === undefined ? {} : { logicalDate }),
    ...(field("ignoreCoolDown") === true ? { ignoreCoolDown: true } : {}),
  };
}

function moment(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
