import { z } from "zod";
import { parseCondition } from "./condition-text.ts";
import type { RowCondition as Condition } from "./row-condition.ts";

const Name = z.string().min(1);
const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Operator = z.enum(["==", "!=", "<", "<=", ">", ">="]);
const NULLITY = z.enum(["is_null", "is_not_null"]);
const Ours: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z.strictObject({ column: Name, operator: Operator, value: Scalar }),
    z.strictObject({ column: Name, operator: Operator, other: Name }),
    z.strictObject({ column: Name, operator: z.enum(["in", "not_in"]), value: z.array(Scalar) }),
    z.strictObject({ column: Name, operator: NULLITY, value: z.null().optional() }).transform(withoutValue),
    z.strictObject({ and: z.array(Ours).min(1) }),
    z.strictObject({ or: z.array(Ours).min(1) }),
    z.strictObject({ not: Ours }),
  ]),
);

function withoutValue({ column, operator }: { column: string; operator: "is_null" | "is_not_null" }) {
  return { column, operator };
}

const Column = z.object({ name: Name });
/** The form of Great Expectations 1.x, as it exports it. */
const Theirs: z.ZodType<Condition> = z.lazy(() =>
  z.union([
    z
      .object({ type: z.literal("comparison"), column: Column, operator: Operator, parameter: Scalar })
      .transform(({ column, operator, parameter }) => ({ column: column.name, operator, value: parameter })),
    z
      .object({
        type: z.literal("comparison"),
        column: Column,
        operator: z.enum(["IN", "NOT_IN"]),
        parameter: z.array(Scalar),
      })
      .transform(({ column, operator, parameter }) => ({
        column: column.name,
        operator: operator === "IN" ? ("in" as const) : ("not_in" as const),
        value: parameter,
      })),
    z.object({ type: z.literal("nullity"), column: Column, is_null: z.boolean() }).transform(({ column, is_null }) => ({
      column: column.name,
      operator: is_null ? ("is_null" as const) : ("is_not_null" as const),
    })),
    z
      .object({ type: z.literal("and"), conditions: z.array(Theirs).min(1) })
      .transform(({ conditions }) => ({ and: conditions })),
    z
      .object({ type: z.literal("or"), conditions: z.array(Theirs).min(1) })
      .transform(({ conditions }) => ({ or: conditions })),
    z
      .object({ type: z.literal("pass_through"), pass_through_filter: z.string() })
      .transform(({ pass_through_filter }) => parseCondition(pass_through_filter)),
  ]),
);

const EXPECTED =
  "a comparison { column, operator, value }, { and | or: [ … ] }, { not: … }, or text such as \"price > 10 and city in ('Oslo')\"";

/** A row condition in our form, in Great Expectations', or as text (see `parseCondition`). */
export const RowCondition = z
  .custom<Condition | string | Readonly<Record<string, unknown>>>(
    (given) => typeof given === "string" || (typeof given === "object" && given !== null),
    { error: `expected ${EXPECTED}` },
  )
  .transform((given, context): Condition => {
    try {
      if (typeof given === "string") return parseCondition(given);
      const read = Ours.or(Theirs).safeParse(given);
      if (read.success) return read.data;
      context.addIssue(`${JSON.stringify(given)} is not a row condition; expected ${EXPECTED}`);
    } catch (error) {
      context.addIssue(error instanceof Error ? error.message : String(error));
    }
    return z.NEVER;
  });
