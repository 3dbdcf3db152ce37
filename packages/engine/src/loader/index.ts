export { BrokenDagFileError, type LoadedDags, loadDagFiles } from "./dag-files.ts";
export { type DagSources, dagSources } from "./dag-sources.ts";
