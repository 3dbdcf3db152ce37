/** The model that the shipped pipelines keep: which customers buy again within 30 days. */
export const REPURCHASE_MODEL = "customer_repurchase";

/** The day of the shipped sample that a manual run takes when it names no logical date. */
export const SAMPLE_LOGICAL_DATE = "1998-01-31";

/** Why the shipped schedules are created paused, and how to start them. */
export const SAMPLE_NOTE =
  "Paused because the shipped sample ends on 1998-06-30: a run for today would find no purchases. Point the param `source` at your own purchases, remove `manualLogicalDate` and `paused` in workflows/, then unpause this schedule (Temporal UI, or: temporal schedule toggle --unpause --schedule-id ID).";
