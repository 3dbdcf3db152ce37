/**
 * A thread that runs the kernel. Plain JavaScript, because Node 20 does not start a worker from TypeScript; the messages'
 * types stand in `threads.ts`.
 */
import { parentPort } from "node:worker_threads";

/** @type {{ exports: any, memory: WebAssembly.Memory } | undefined} */
let kernel;

const copy = (Type, at, length) => new Type(kernel.memory.buffer, at, length).slice();
const isCancelled = (cell) => Atomics.load(new Int32Array(kernel.memory.buffer), cell >> 2) !== 0;
const next = (cell) => Atomics.add(new Int32Array(kernel.memory.buffer), cell >> 2, 1);

/** The tree in a thread's output arrays, copied out. */
function treeAt(out, nodes, leaves, sets, leafWidth, leafValues) {
  const tree = {
    feature: copy(Int32Array, out.feature, nodes),
    threshold: copy(Float32Array, out.threshold, nodes),
    left: copy(Int32Array, out.left, nodes),
    right: copy(Int32Array, out.right, nodes),
    flags: copy(Uint8Array, out.flags, nodes),
    categories: copy(Uint8Array, out.categories, 32 * sets),
    leafValues: leafValues ?? copy(Float64Array, out.leafValues, leaves * leafWidth),
  };
  return { tree, transfer: Object.values(tree).map((array) => array.buffer) };
}

const jobs = {
  open: async ({ module, memory }) => {
    const instance = await WebAssembly.instantiate(module, { env: { memory } });
    instance.exports.init();
    kernel = { exports: instance.exports, memory };
  },
  /** Calls functions one after another, each by its name and arguments. */
  calls: ({ calls }) => calls.map(([name, ...args]) => kernel.exports[name](...args)),
  forest: ({ shared, own, trees, counter, cancel, outputs, isWide, out, importance, columns, lefts }) => {
    kernel.exports.forestSetup(shared, own);
    for (let index = next(counter); index < trees && !isCancelled(cancel); index = next(counter)) {
      const nodes = kernel.exports.forestTree(index);
      const leaves = kernel.exports.forestLeaves();
      let values;
      if (isWide) {
        values = new Float64Array(leaves * outputs);
        const one = new Float64Array(kernel.memory.buffer, lefts, outputs);
        for (let leaf = 0; leaf < leaves; leaf++) {
          kernel.exports.forestLeaf(leaf);
          values.set(one, leaf * outputs);
        }
      }
      const { tree, transfer } = treeAt(out, nodes, leaves, kernel.exports.forestSets(), 1, values);
      parentPort.postMessage({ tree, index, importance: copy(Float64Array, importance, columns) }, transfer);
    }
  },
  boostHelp: ({ shared, thread }) => {
    kernel.exports.boostSetup(shared);
    kernel.exports.boostHelp(thread);
  },
  boostLead: ({ shared, rounds, outputs, cancel, out, stopping }) => {
    const { exports } = kernel;
    exports.boostSetup(shared);
    let best = Number.POSITIVE_INFINITY;
    let bestRound = 0;
    try {
      for (let round = 0; round < rounds && !isCancelled(cancel); round++) {
        exports.boostRound();
        const trees = [];
        const transfers = [];
        for (let output = 0; output < outputs; output++) {
          const nodes = exports.boostTree(round * outputs + output, output);
          const { tree, transfer } = treeAt(out, nodes, exports.boostLeaves(), exports.boostSets(), 1);
          trees.push(tree);
          transfers.push(...transfer);
        }
        const loss = stopping === null ? undefined : exports.boostValidationLoss(stopping.from, stopping.until);
        parentPort.postMessage({ trees, round, loss }, transfers);
        if (loss === undefined) continue;
        if (loss < best - stopping.tol) [best, bestRound] = [loss, round];
        if (round - bestRound >= stopping.rounds) break;
      }
    } finally {
      exports.boostExit();
    }
  },
};

parentPort.on("message", async ({ job, ...message }) => {
  if (job === "close") {
    kernel = undefined;
    return;
  }
  try {
    parentPort.postMessage({ done: true, result: await jobs[job](message) });
  } catch (error) {
    parentPort.postMessage({ done: true, error: error instanceof Error ? error : new Error(String(error)) });
  }
});
