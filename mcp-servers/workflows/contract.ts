import type { Json } from "@dagwright/engine";
import { defineContract } from "@dagwright/mcp-kit/contract";
import { z } from "zod";

const AnyJson = z.custom<Json>((value) => value !== undefined, "expected a JSON value");
const JsonRecord = z.record(z.string(), AnyJson);
const DagId = z.string().min(1).describe("Id of a DAG, as list_dags gives it.");
const RunId = z.string().min(1).describe("<dag id>/<logical date or name>, as start_workflow gives it.");
const Who = z.string().trim().min(1).max(200);
const Note = z.string().max(1_000).optional().describe("Why; shown beside the schedule.");
const Moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: "expected an ISO date (1998-01-31) or moment (1998-01-31T00:00:00Z)",
});
const RunState = z.enum(["queued", "running", "paused", "success", "failed", "cancelled"]);
const RunTrigger = z.enum(["schedule", "manual", "backfill", "asset", "signal"]);
const TaskState = z.enum([
  "none",
  "scheduled",
  "queued",
  "running",
  "deferred",
  "up_for_retry",
  "success",
  "failed",
  "skipped",
  "upstream_failed",
  "removed",
]);

const TaskError = z.object({
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  hint: z.string().optional(),
  retryable: z.boolean(),
  stack: z.string().optional(),
});

const AssetEvent = z.object({
  id: z.string(),
  uri: z.string(),
  at: z.string(),
  extra: JsonRecord,
  source: z.union([
    z.object({ dagId: z.string(), runId: z.string(), taskId: z.string(), index: z.int().exactOptional() }),
    z.object({ by: z.string() }),
  ]),
});

const MappedView = z.object({
  state: TaskState,
  attempts: z.int(),
  lost: z.int().exactOptional(),
  startedAt: z.string().nullable().exactOptional(),
  endedAt: z.string().nullable().exactOptional(),
  output: AnyJson.exactOptional(),
  error: TaskError.exactOptional(),
  reason: z.string().exactOptional(),
  dueAt: z.string().exactOptional(),
  clears: z.int().exactOptional(),
  assetEvents: z.array(AssetEvent).readonly().exactOptional(),
});

const TaskView = z.object({
  ...MappedView.shape,
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  asks: AnyJson.exactOptional(),
  mapped: z.array(MappedView).readonly().exactOptional(),
  progress: z
    .object({ done: z.number(), total: z.number().exactOptional(), note: z.string().exactOptional() })
    .exactOptional(),
});

/** The run view of the engine (`RunView`). */
const RunView = z.object({
  runId: z.string(),
  dagId: z.string(),
  dagVersion: z.string(),
  logicalDate: z.string(),
  dataInterval: z.object({ start: z.string(), end: z.string() }),
  trigger: RunTrigger,
  conf: JsonRecord,
  params: AnyJson,
  state: RunState,
  startedAt: z.string().exactOptional(),
  endedAt: z.string().exactOptional(),
  output: AnyJson,
  error: TaskError.exactOptional(),
  tasks: z.record(z.string(), TaskView),
  assetEvents: z.array(AssetEvent).readonly().exactOptional(),
});

/** DAGs and their runs: what a scheduler, a person and an agent do with them. */
export const workflows = defineContract({
  name: "workflows",
  instructions:
    "Starts and follows pipelines. list_dags says what there is and which params a DAG takes (JSON Schema); start_workflow starts a run; get_run shows its tasks, outputs and errors.",
  tools: {
    list_dags: {
      description: "Lists the DAGs with their schedules and the JSON Schema of their params.",
      input: z.object({}),
      output: z.object({
        dags: z.array(
          z.object({
            id: z.string(),
            description: z.string(),
            /** In words; null when the DAG runs on demand only. */
            schedule: z.string().nullable(),
            /** Null when no schedule exists on the server. */
            paused: z.boolean().nullable(),
            tags: z.array(z.string()),
            params: AnyJson,
            version: z.string(),
          }),
        ),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    start_workflow: {
      description:
        "Starts a run of a DAG; there is one run per logical date, so a second call finds the first one's run. Params are checked before anything starts.",
      input: z.object({
        dag: DagId,
        params: JsonRecord.default({}).describe("Parameters by name; those left out have the DAG's defaults."),
        conf: JsonRecord.default({}).describe("Free remarks that tasks can read as run.conf."),
        logicalDate: Moment.optional().describe("The date the run is for. Default: now, as a manual run."),
        runId: RunId.optional().describe("<dag id>/<name>. Default: from DAG and logical date."),
      }),
      output: z.object({
        runId: z.string(),
        dagId: z.string(),
        state: z.enum(["started", "already_running", "already_done"]),
        logicalDate: z.string().optional(),
        temporalRunId: z.string().optional(),
      }),
      annotations: { idempotent: true },
    },
    get_run: {
      description: "Shows one run: its state, tasks, attempts, outputs and errors.",
      input: z.object({ runId: RunId }),
      output: RunView,
      annotations: { readOnly: true, idempotent: true },
    },
    list_runs: {
      description: "Lists runs, the newest first.",
      input: z.object({
        dag: DagId.optional(),
        state: RunState.optional().describe("Only runs in this state."),
        limit: z.int().min(1).max(1000).default(20).describe("The newest so many."),
      }),
      output: z.object({
        runs: z.array(
          z.object({
            runId: z.string(),
            dagId: z.string(),
            logicalDate: z.string().nullable(),
            state: RunState,
            trigger: RunTrigger,
            startedAt: z.string().nullable(),
            endedAt: z.string().nullable(),
          }),
        ),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    explain_run: {
      description: "Says why a run and each of its tasks waits, failed or did not run, and what to do next.",
      input: z.object({ runId: RunId }),
      output: z.object({
        runId: z.string(),
        state: RunState,
        why: z.string(),
        next: z.string().exactOptional(),
        tasks: z
          .array(
            z.object({
              task: z.string(),
              state: TaskState,
              why: z.string(),
              next: z.string().exactOptional(),
              log: z.array(z.string()).readonly().exactOptional(),
            }),
          )
          .readonly(),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    get_task_logs: {
      description: "Gives the log lines of a run's attempts, or of one task's, the oldest attempt first.",
      input: z.object({
        runId: RunId,
        task: z.string().min(1).optional().describe("Only this task's; all tasks' when left out."),
        limit: z.int().min(1).max(1000).default(200).describe("The last so many lines of each attempt."),
      }),
      output: z.object({
        attempts: z.array(
          z.object({ task: z.string(), attempt: z.int(), state: z.string(), lines: z.array(z.string()) }),
        ),
      }),
      annotations: { readOnly: true, idempotent: true },
    },
    clear_tasks: {
      description:
        "Runs tasks of a run again, by default those that failed, and all that comes after them; the others keep their outputs. dryRun says what would run again.",
      input: z.object({
        runId: RunId,
        tasks: z.array(z.string().min(1)).min(1).optional().describe("Tasks, or items of mapped ones as measure[3]."),
        downstream: z.boolean().default(true).describe("What comes after them runs again too."),
        upstream: z.boolean().default(false).describe("What comes before them runs again too."),
        onlyFailed: z.boolean().default(false).describe("Of these tasks only those that failed or did not run."),
        params: JsonRecord.default({}).describe("Other params than the run had, by name; of a run that has ended."),
        dryRun: z.boolean().default(false).describe("Changes nothing."),
      }),
      output: z.object({
        runId: z.string(),
        cleared: z.array(z.string()).readonly(),
        dryRun: z.literal(true).exactOptional(),
      }),
      annotations: { destructive: true },
    },
    approve: {
      description: "Answers an approval of a run: get_run shows what it asks as tasks.<id>.asks.",
      input: z.object({
        runId: RunId,
        task: z.string().min(1).describe("The approval that waits, by its id in the DAG."),
        approved: z.boolean().default(true).describe("false rejects it, which fails the task."),
        by: Who.describe("Who answers; kept with the run."),
        comment: z.string().max(10_000).optional().describe("Why; kept with the answer."),
      }),
      output: z.object({ runId: z.string(), task: z.string(), approved: z.boolean() }),
    },
    backfill: {
      description:
        "Runs a DAG for every logical date of a range, by its schedule, and goes on by itself; dryRun shows the dates and starts nothing. list_runs shows its runs.",
      input: z.object({
        dag: DagId,
        from: Moment.describe("First logical date."),
        to: Moment.describe("Last logical date, included."),
        order: z
          .enum(["forward", "backward"])
          .default("forward")
          .describe("Whether the oldest or the newest dates run first."),
        concurrency: z.int().min(1).max(500).default(16).describe("How many runs go on at once; 1: one after another."),
        reprocess: z
          .enum(["missing", "failed", "all"])
          .default("missing")
          .describe("Dates without a run, failed ones too, or all of them."),
        params: JsonRecord.default({}).describe("Parameters of every run, by name."),
        assetEvents: z
          .enum(["none", "each", "once"])
          .default("each")
          .describe("Which runs tell assets of what they make: none, each, or only the last one."),
        stopOnFailure: z.boolean().default(false).describe("Start no further runs once one has failed."),
        id: z
          .string()
          .regex(/^[\w.:-]{1,200}$/)
          .optional()
          .describe("A name of its own; the same twice is refused."),
        dryRun: z.boolean().default(false).describe("Says which dates would run, and starts nothing."),
      }),
      output: z.object({
        /** Null of a dry run. */
        backfillId: z.string().nullable(),
        dag: z.string(),
        /** How many logical dates the range has. */
        total: z.int(),
        /** The first hundred, in the order in which they start. */
        dates: z.array(z.string()),
      }),
    },
    signal_drift: {
      description:
        "Reports drift of a model to its retraining controller, which gathers reports and starts a retraining run when it is due.",
      input: z.object({
        model: z.string().min(1).describe("Name of the registered model."),
        reason: z.string().min(1).max(10_000).describe("One sentence: which drift, how much."),
        evidence: JsonRecord.default({}).describe("Numbers behind it, e.g. PSI by feature."),
        id: z.string().min(1).optional().describe("The same id twice counts once."),
      }),
      output: z.object({ accepted: z.literal(true), controllerId: z.string() }),
    },
    pause_dag: {
      description: "Stops a DAG's schedule; runs under way go on.",
      input: z.object({ dag: DagId, note: Note }),
      output: z.object({ dag: z.string(), paused: z.boolean() }),
      annotations: { idempotent: true },
    },
    unpause_dag: {
      description: "Lets a DAG's schedule go on.",
      input: z.object({ dag: DagId, note: Note }),
      output: z.object({ dag: z.string(), paused: z.boolean() }),
      annotations: { idempotent: true },
    },
  },
});
