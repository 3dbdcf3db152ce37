/**
 * Compiles the kernel (AssemblyScript) to WebAssembly, and the module that scores single rows: `node
 * packages/learn/kernel/build.mjs` writes `src/kernel/kernel-wasm.ts`. A test compiles them again and compares.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const SHARED_MEMORY = ["--enable", "simd,threads", "--importMemory", "--sharedMemory", "--maximumMemory", "65536"];

/** Bytes of the module that trains. */
export const compileKernel = () => compile("index.ts", ["--exportStart", "init", ...SHARED_MEMORY]);

/** Bytes of the module that scores single rows. */
export const compileRowKernel = () => compile("row.ts", []);

async function compile(source, options) {
  let bytes;
  const { error, stderr } = await asc.main(
    [
      source,
      ...["--baseDir", fileURLToPath(new URL(".", import.meta.url)), "-O3", "--runtime", "stub", "--outFile", "k.wasm"],
      ...options,
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
  const modules = { KERNEL_WASM: await compileKernel(), ROW_KERNEL_WASM: await compileRowKernel() };
  const made = "/** Made by `node packages/learn/kernel/build.mjs` from the sources beside it. */";
  const texts = Object.entries(modules).map(
    ([name, bytes]) => `${made}\nexport const ${name} =\n  "${Buffer.from(bytes).toString("base64")}";\n`,
  );
  writeFileSync(new URL("../src/kernel/kernel-wasm.ts", import.meta.url), texts.join("\n"));
  for (const [name, bytes] of Object.entries(modules)) console.log(`${name}: ${bytes.length} bytes`);
}
