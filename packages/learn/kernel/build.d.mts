/** Compiles the kernel's sources; gives the module's bytes. */
export function compileKernel(): Promise<Uint8Array>;
