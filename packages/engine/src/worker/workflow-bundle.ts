import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from "@temporalio/worker";

/** The one bundle of all workflows: the interpreter and the retraining controller. It holds no code of users. */
export async function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`../sandbox/workflows.${extension}`, import.meta.url)),
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error },
  });
}
