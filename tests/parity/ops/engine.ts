import { type AnyRef, defineDag, SkipTask, TRIGGER_RULES, task } from "@dagwright/engine";
import { runInProcess } from "@dagwright/engine/testing";
import { z } from "zod";

const Input = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      after: z.array(z.string()),
      triggerRule: z.enum(TRIGGER_RULES),
      outcome: z.enum(["success", "fail", "skip"]),
    }),
  ),
});

/** Does what it is told: succeeds, fails, or skips itself. */
const play = task("play", {
  input: z.object({ outcome: z.enum(["success", "fail", "skip"]) }),
  output: z.null(),
  run: ({ outcome }) => {
    if (outcome === "fail") throw new Error("told to fail");
    if (outcome === "skip") throw new SkipTask("told to skip");
    return null;
  },
});

/** The states that a DAG's tasks and run end in. */
async function dagStates(input: unknown): Promise<unknown> {
  const { tasks } = Input.parse(input);
  const dag = defineDag({ id: "dag_states" }, () => {
    const wired = new Map<string, AnyRef>();
    const wire = (id: string, path: readonly string[] = []): AnyRef => {
      const known = wired.get(id);
      if (known !== undefined) return known;
      const one = tasks.find((candidate) => candidate.id === id);
      if (one === undefined) throw new Error(`there is no task "${id}"`);
      if (path.includes(id)) throw new Error(`the tasks ${[...path, id].join(" → ")} wait for each other`);
      const after = one.after.map((upstream) => wire(upstream, [...path, id]));
      const ref = play({ outcome: one.outcome }, { id, after, triggerRule: one.triggerRule });
      wired.set(id, ref);
      return ref;
    };
    for (const { id } of tasks) wire(id);
  });
  const { state, tasks: ended } = await runInProcess(dag);
  return { state, tasks: Object.fromEntries(tasks.map(({ id }) => [id, ended[id]?.state])) };
}

export const ops: Record<string, (input: unknown) => unknown> = { "dag.states": dagStates };
