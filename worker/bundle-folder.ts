import { fileURLToPath } from "node:url";

/** Where the workflow bundle is kept: beside the packages that it is made of, the same for every state folder. */
export const BUNDLE_FOLDER = fileURLToPath(new URL("../node_modules/.cache/dagwright", import.meta.url));
