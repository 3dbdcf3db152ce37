import { task } from "@dagwright/engine";
import { z } from "zod";
import { training } from "../mcp-servers/training/contract.ts";

const { input, output } = training.tools.hyperparameter_tuning;

/** A search as the tool `hyperparameter_tuning` takes it. */
export const Search = input.omit({ trial: true });

const Trial = z.object({ number: z.number(), state: z.string(), value: z.number().nullable() });

/** One trial of a study; a second attempt takes up what the first has left. */
export const tuneTrial = task("tune_trial", {
  input: z.object({ search: Search, trial: z.number().int().min(0) }),
  output: Trial,
  run: async ({ search, trial }, ctx) => {
    const { trials } = await ctx.mcp(training).call("hyperparameter_tuning", { ...search, trial });
    const { number, state, value } = Trial.parse(trials[0]);
    ctx.log.info("Tried", { trial: number, state, value });
    return { number, state, value };
  },
});

/** The best trial of a study whose trials are done, and the page with its plots. */
export const studyResult = task("study_result", {
  input: z.object({ search: Search }),
  output: output.pick({ runId: true, best: true, counts: true, importance: true, plotsUri: true }),
  run: async ({ search }, ctx) => {
    const { runId, best, counts, importance, plotsUri } = await ctx.mcp(training).call("hyperparameter_tuning", search);
    return { runId, best, counts, importance, plotsUri };
  },
});
