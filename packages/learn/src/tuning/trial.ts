import { z } from "zod";
import { ParamValue } from "./space.ts";

/** Which way the value is to go. */
export const Direction = z.enum(["minimize", "maximize"]);
export type Direction = z.output<typeof Direction>;

/** A number that JSON can hold: the non-finite ones are texts. */
const Value = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"]).transform(Number)]);

/** One attempt of a study. */
export const Trial = z.strictObject({
  /** Counts from 0. */
  number: z.number().int().min(0),
  params: z.record(z.string(), ParamValue),
  state: z.enum(["running", "complete", "pruned", "failed"]),
  /** The objective's value; null unless complete. */
  value: Value.nullable(),
  /** What was reported on the way: step and value, in rising order of steps. */
  reports: z.array(z.tuple([z.number().int().min(0), Value])),
  /** Values with which the trial ended each rung of successive halving. */
  rungs: z.array(Value),
});
export type Trial = z.output<typeof Trial>;

/** What samplers and pruners see of a study. */
export interface StudyView {
  readonly name: string;
  readonly direction: Direction;
  /** By number. */
  readonly trials: readonly Trial[];
}

/** The step reported last; undefined before the first. */
export function lastStep(trial: Trial): number | undefined {
  return trial.reports.at(-1)?.[0];
}
