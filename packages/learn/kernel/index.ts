export { spreadBlock } from "./binned";
export { binCategories, binColumn } from "./bin";
export { boostExit, boostHelp, boostLeaves, boostRound, boostSets, boostSetup, boostTree, boostValidationLoss } from "./boost";
export { forestLeaf, forestLeaves, forestSets, forestSetup, forestTree } from "./forest";
export { logisticChunk, standardise } from "./linear";

/** Where the memory is free. */
export function heapBase(): usize { return __heap_base; }
