import { fileURLToPath } from "node:url";
import { bundleWorkflowCode } from "@temporalio/worker/lib/workflow/bundler.js";
import { z } from "zod";

/** Code of all workflows, as a worker takes it. */
export const WorkflowBundle = z.object({ code: z.string(), sourceMap: z.string() });
export type WorkflowBundle = z.infer<typeof WorkflowBundle>;

/**
 * Frames of a stack in the sandbox. Temporal takes a stack for every promise made there, for a query that shows where a
 * workflow's code stands: with the usual ten frames that was a third of what a run cost its worker. One frame still says
 * where an error was thrown.
 */
const STACK_FRAMES = 1;

/** Makes the one bundle of all workflows. Takes two seconds, and 120 MiB that the process keeps. */
export async function makeWorkflowBundle(): Promise<WorkflowBundle> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const workflowsPath = fileURLToPath(new URL(`../sandbox/workflows.${extension}`, import.meta.url));
  const { code, sourceMap } = await bundleWorkflowCode({
    workflowsPath,
    // Evaluated once in a worker's sandbox, not once for each run: none of them keeps anything of a run at its top level.
    preloadModules: [workflowsPath],
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error },
  });
  // On the same line: the source map counts lines.
  return { code: `Error.stackTraceLimit = ${STACK_FRAMES}; ${code}`, sourceMap };
}
