/**
 * Outputs too large for a history: one that is kept in the object store, and one that the scheduler looks at, which
 * travels packed. No history that is kept refers to an object that replay would have to read.
 */
import { defineDag, derive, task } from "@dagwright/engine";
import { z } from "zod";
import { named, type Recording } from "./recording.ts";

const makeText = task("make_text", {
  input: z.object({ bytes: z.number() }),
  output: z.object({ text: z.string(), size: z.number() }),
  run: ({ bytes }) => ({ text: "x".repeat(bytes), size: bytes }),
});
const stored = defineDag({ id: "stored" }, () => {
  const made = makeText({ bytes: 3_000_000 });
  return { fits: derive("fits", [made.text, made.size], (text, size) => text.length === size), made };
});

const makeList = task("make_list", {
  input: z.object({}),
  output: z.array(z.object({ n: z.number(), text: z.string() })),
  run: () => Array.from({ length: 20 }, (_, n) => ({ n, text: `${n}`.padEnd(50_000, "-") })),
});
const double = task("double", { input: z.object({ n: z.number() }), output: z.number(), run: ({ n }) => 2 * n });
/** Its items read only a little of the list. */
const packed = defineDag({ id: "packed" }, () => double.map(makeList({}), ({ n }) => ({ n })));

export const large: Recording = {
  subject: "large",
  dags: [stored, packed],
  record: async ({ engine }) => {
    await engine.startRun({ dagId: "stored", runId: "stored/output" });
    await engine.startRun({ dagId: "packed", runId: "packed/list" });
    for (const runId of ["stored/output", "packed/list"]) await engine.waitForRun(runId);
    return named(["stored/output", "packed/list"]);
  },
};
