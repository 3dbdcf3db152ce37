/** Compiles the kernel's sources; gives the module's bytes. */
export function compileKernel(): Promise<Uint8Array>;
/** Compiles the module that scores single rows; gives its bytes. */
export function compileRowKernel(): Promise<Uint8Array>;
