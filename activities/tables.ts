import { z } from "zod";

/** A table as it stood at one version: what stages hand on in place of rows. */
export const TableVersion = z.object({ table: z.string(), version: z.number().int().min(0) });

/** A data interval: `start` inclusive, `end` exclusive, ISO-8601 in UTC. */
export const DataInterval = z.object({ start: z.iso.datetime(), end: z.iso.datetime() });

/** How far ahead the model looks, in days: a customer counts as positive who buys again within them. */
export const HORIZON_DAYS = 30;

/** The customer features a model is trained on and asked with, in the order of the model's inputs. */
export const CUSTOMER_FEATURES = [
  "total_purchases",
  "total_spent",
  "avg_purchase_value",
  "days_since_last_purchase",
  "tenure_days",
  "purchase_frequency",
  "cds_per_purchase",
] as const;

/** The moment `days` before `moment`, as ISO-8601 in UTC. */
export function daysBefore(moment: string, days: number): string {
  return new Date(Date.parse(moment) - days * 86_400_000).toISOString();
}

/** The calendar day (UTC) of a moment, as yyyy-MM-dd. */
export function dayOf(moment: string): string {
  return new Date(moment).toISOString().slice(0, 10);
}
