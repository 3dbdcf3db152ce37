/**
 * Compiles the kernel (AssemblyScript) to WebAssembly: `node packages/learn/kernel/build.mjs` writes
 * `src/kernel/kernel-wasm.ts`. A test compiles it again and compares.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const OPTIONS = ["-O3", "--enable", "simd,threads", "--importMemory", "--sharedMemory", "--maximumMemory", "65536"];

/** The module's bytes. */
export async function compileKernel() {
  let bytes;
  const { error, stderr } = await asc.main(
    [
      "index.ts",
      "--baseDir",
      fileURLToPath(new URL(".", import.meta.url)),
      ...OPTIONS,
      "--runtime",
      "stub",
      "--exportStart",
      "init",
      "--outFile",
      "kernel.wasm",
    ],
    {
      writeFile: (_name, contents) => {
        bytes = contents;
      },
    },
  );
  if (error !== null || bytes === undefined) throw new Error(`The kernel does not compile:\n${stderr}`);
  return bytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const base64 = Buffer.from(await compileKernel()).toString("base64");
  const text = `/** Made by \`node packages/learn/kernel/build.mjs\` from the sources beside it. */\nexport const KERNEL_WASM =\n  "${base64}";\n`;
  writeFileSync(new URL("../src/kernel/kernel-wasm.ts", import.meta.url), text);
  console.log(`kernel-wasm.ts: ${base64.length} characters`);
}
