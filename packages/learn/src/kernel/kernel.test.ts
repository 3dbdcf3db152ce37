import { expect, test } from "vitest";
import { compileKernel } from "../../kernel/build.mjs";
import { KERNEL_WASM } from "./kernel-wasm.ts";

test("the kernel that is shipped is what its sources compile to", async () => {
  expect(Buffer.from(await compileKernel()).toString("base64")).toBe(KERNEL_WASM);
}, 120_000);
