/** Reads the DAG files of a folder and says how long it took: `FOLDER CACHE`. */
import { loadDagFiles } from "@dagwright/engine/loader";

const [folder = "", cache = ""] = process.argv.slice(2);
const begun = performance.now();
const { dags } = await loadDagFiles([folder], cache);
if (dags.length !== 200) throw new Error(`${dags.length} DAGs were read instead of 200`);
console.log(`seconds ${((performance.now() - begun) / 1_000).toFixed(3)}`);
process.exit(0);
