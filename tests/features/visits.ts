/** What the crash test of materialising is about: of every user a row for each hour, whose value is the hour. */
import { entity, featureView } from "@dagwright/feature-store";

export const USERS = 6_000;
export const HOURS = 10;

export const user = entity({ name: "user", joinKey: "user_id", type: "bigint" });
export const visits = featureView({
  name: "visits",
  entities: [user],
  source: { table: "visits", timestampField: "since" },
  ttl: 0,
  features: { at: "int" },
});

export function hour(at: number): string {
  return new Date(Date.UTC(2026, 2, 1, at)).toISOString();
}
