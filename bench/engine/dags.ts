/** The workloads as DAGs; `dagwright up --dags` is given this file. */
import { defineDag, every, type Ref, task } from "@dagwright/engine";
import { z } from "zod";

const step = task("step", { input: z.number(), output: z.number(), run: (value) => value + 1 });
const lightStep = task("light_step", { input: z.number(), output: z.number(), light: true, run: (value) => value + 1 });
const numbers = task("numbers", {
  input: z.number(),
  output: z.array(z.number()),
  run: (count) => Array.from({ length: count }, (_, index) => index),
});

function chain(id: string, length: number, link: typeof step) {
  return defineDag({ id }, () => {
    let value: number | Ref<number> = 0;
    for (let i = 0; i < length; i += 1) value = link(value, { id: `step_${i}` });
    return value;
  });
}

function fan(id: string, width: number, link: typeof step) {
  return defineDag({ id }, () => {
    const all = Array.from({ length: width }, (_, i) => link(i, { id: `step_${i}` }));
    return link(width, { id: "join", after: all });
  });
}

/** What the bench runs: a chain of 100 tasks, a fan-out of 200 and a join, 10 tasks in a row, 10,000 mapped ones. */
export default [
  ...[chain("chain_100", 100, step), chain("chain_100_light", 100, lightStep), chain("chain_10", 10, step)],
  ...[fan("fan_200", 200, step), fan("fan_200_light", 200, lightStep)],
  defineDag({ id: "mapped" }, () => step.map(numbers(10_000), (item) => item)),
  // The same schedule as Airflow's.
  defineDag({ id: "every_5s", schedule: every("5s"), paused: { note: "the bench lets it go" } }, () =>
    step(0, { id: "step" }),
  ),
];
