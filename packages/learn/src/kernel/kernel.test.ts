import { expect, test } from "vitest";
import { compileKernel, compileRowKernel } from "../../kernel/build.mjs";
import { KERNEL_WASM, ROW_KERNEL_WASM } from "./kernel-wasm.ts";

test("the modules that are shipped are what their sources compile to", async () => {
  expect(Buffer.from(await compileKernel()).toString("base64")).toBe(KERNEL_WASM);
  expect(Buffer.from(await compileRowKernel()).toString("base64")).toBe(ROW_KERNEL_WASM);
}, 120_000);
