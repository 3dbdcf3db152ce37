/** The language: DAGs, tasks, schedules, and what a started run looks like. Loads without Temporal and without Node. */

export type {
  AssetCondition,
  DagGraph,
  Expression,
  GraphAsset,
  GraphNode,
  GraphSchedule,
  Json,
  NodeKind,
  NodePolicy,
  Overlap,
  PoolClaim,
  TriggerRule,
} from "./core/graph.ts";
export { TRIGGER_RULES } from "./core/graph.ts";
export type {
  Answer,
  AssetEvent,
  AssetSource,
  CallbackName,
  CallbackView,
  MappedView,
  RunInfo,
  RunState,
  RunTrigger,
  RunView,
  TaskError,
  TaskProgress,
  TaskState,
  TaskView,
} from "./core/state.ts";
export { type ApprovalOptions, type Approved, approval } from "./language/approval.ts";
export { type Asset, type AssetExpression, type AssetOptions, asset } from "./language/asset.ts";
export { backfillDates, isToRun, type RangeOfDates } from "./language/backfill-dates.ts";
export type { CacheOption } from "./language/cache.ts";
export type { Callback, CallbackFunction, Deadline, RunEvent } from "./language/callbacks.ts";
export type { Catchup } from "./language/catchup.ts";
export type {
  ConnectionValue,
  LogFields,
  McpOptions,
  TaskAttempt,
  TaskContext,
  TaskLog,
  TaskRun,
  TaskServices,
} from "./language/context.ts";
export { type RetrainingController, retrainingController } from "./language/controller.ts";
export {
  type Dag,
  type DagContext,
  type DagOptions,
  defineDag,
  isDag,
  type OutputOf,
  type WiredAssetEvent,
  type WiredRun,
} from "./language/dag.ts";
export { derive } from "./language/derive.ts";
export type { Duration } from "./language/duration.ts";
export {
  AssetNotOutletError,
  BackfillRangeError,
  DagDefinitionError,
  DagNotFoundError,
  DuplicateDagError,
  InvalidAssetError,
  InvalidControllerError,
  InvalidExtraError,
  InvalidLogicalDateError,
  InvalidParamsError,
  OutsideDagError,
  SkipTask,
} from "./language/errors.ts";
export { type Branch, branch, group, shortCircuit } from "./language/forks.ts";
export { dataIntervalFor, type Interval, intervalEndingAt, lastCompleteInterval } from "./language/interval.ts";
export { normalMoment, parseLogicalDate, workflowIdFor } from "./language/logical-date.ts";
export type { CommonNodeOptions, MapOptions, NodeOptions } from "./language/node-options.ts";
export { paramsAnew } from "./language/params-anew.ts";
export { planRun, type RunPlan, type RunRequest } from "./language/plan.ts";
export type { ErrorClass, Policy } from "./language/policy.ts";
export type { AnyRef, Ref } from "./language/ref.ts";
export { createRegistry, type DagRegistry, dagsOfModule } from "./language/registry.ts";
export {
  type CronOptions,
  cron,
  type EveryOptions,
  every,
  onAssets,
  type Schedule,
  type ScheduleOptions,
} from "./language/schedule.ts";
export { scheduleText } from "./language/schedule-text.ts";
export { type IntervalRange, intervalsToCome, intervalsWithin, type RangeOrder } from "./language/schedule-times.ts";
export { type SensorDefinition, sensor } from "./language/sensor.ts";
export type { SlotOptions } from "./language/slots.ts";
export { type SubdagOptions, subdag, type TriggerOptions, trigger } from "./language/subdag.ts";
export { type Task, type TaskInput, task } from "./language/task.ts";
export type { TaskDefinition } from "./language/task-definition.ts";
export { wait } from "./language/wait.ts";
