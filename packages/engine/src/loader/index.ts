/** DAG files: read, compiled where that is needed, and watched. */
export { type LoadedDags, loadDagFiles, loadSoundDags } from "./dag-files.ts";
export { type DagSources, dagSources } from "./dag-sources.ts";
export { type DagReload, type WatchedDags, type WatchOptions, watchDagFiles } from "./dag-watcher.ts";
export { BrokenDagFileError } from "./errors.ts";
