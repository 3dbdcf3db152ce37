/** The process that bundles the workflows into the file that it is told. */
import { writeBundle } from "./workflow-bundle.ts";

const [, , file] = process.argv;
if (file === undefined) throw new Error("Name the file to write");
await writeBundle(file);
process.exit(0);
