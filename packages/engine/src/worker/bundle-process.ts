/** Makes the workflow bundle for the process that has forked this one: what it takes of memory goes with it. */
import { makeWorkflowBundle } from "./workflow-bundler.ts";

process.send?.(await makeWorkflowBundle(), () => process.exit(0));
