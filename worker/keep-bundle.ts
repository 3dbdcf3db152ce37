/** Makes the workflow bundle once, so that no start has to: run after an installation. */
import { bundleWorkflows } from "@dagwright/engine/worker";
import { BUNDLE_FOLDER } from "./bundle-folder.ts";

await bundleWorkflows(BUNDLE_FOLDER);
