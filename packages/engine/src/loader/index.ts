export { BrokenDagFileError, type LoadedDags, loadDagFiles } from "./dag-files.ts";
