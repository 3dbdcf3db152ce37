/** The floor: the same work written by hand as Temporal workflows. */
import { proxyActivities } from "@temporalio/workflow";

const { step } = proxyActivities<{ step(value: number): Promise<number> }>({ startToCloseTimeout: "1m" });

/** Steps in a row, each given what the one before gave. */
export async function chainByHand(length: number): Promise<number> {
  let value = 0;
  for (let i = 0; i < length; i += 1) value = await step(value);
  return value;
}

/** Steps at once, and a last one that joins them. */
export async function fanByHand(width: number): Promise<number> {
  const values = await Promise.all(Array.from({ length: width }, (_, i) => step(i)));
  return await step(values.length);
}
