/// <reference path="./webassembly.d.ts" />
import { Buffer } from "node:buffer";
import { ROW_KERNEL_WASM } from "./kernel-wasm.ts";

const PAGE = 65536;
/** The module has no constants: what is written from here on is its caller's. */
const FREE_FROM = 64;

let compiled: WebAssembly.Module | undefined;

/** A memory of its own, and the function that scores a row from what lies there. */
export interface RowKernel {
  readonly buffer: ArrayBuffer;
  /** Bytes `from` onwards are free. */
  readonly from: number;
  /** Takes the places that `kernel/row.ts` names. */
  readonly score: (...places: readonly number[]) => void;
}

/** Opens a kernel with room for so many bytes; undefined where there is no such room. */
export function openRowKernel(bytes: number): RowKernel | undefined {
  compiled ??= new WebAssembly.Module(Buffer.from(ROW_KERNEL_WASM, "base64"));
  try {
    const { memory, score } = new WebAssembly.Instance(compiled, {}).exports;
    if (!(memory instanceof WebAssembly.Memory) || !isFunction(score)) return undefined;
    const pages = Math.ceil((FREE_FROM + bytes) / PAGE) - memory.buffer.byteLength / PAGE;
    if (pages > 0) memory.grow(pages);
    const { buffer } = memory;
    return buffer instanceof ArrayBuffer ? { buffer, from: FREE_FROM, score } : undefined;
  } catch (error) {
    // Of address space there is less than of memory: each memory takes gigabytes of it.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isFunction(value: unknown): value is (...places: readonly number[]) => void {
  return typeof value === "function";
}
