/** Writes the numbers that a kernel's setup function reads: whole ones by place, real ones by place of 8 bytes. */
export function writeBlock(
  buffer: SharedArrayBuffer,
  at: number,
  ints: Readonly<Record<number, number>>,
  floats: Readonly<Record<number, number>> = {},
): void {
  const whole = new Int32Array(buffer, at, 64);
  const real = new Float64Array(buffer, at, 64);
  for (const [place, value] of Object.entries(ints)) whole[Number(place)] = value;
  for (const [place, value] of Object.entries(floats)) real[Number(place)] = value;
}

/** Bytes of a block. */
export const BLOCK_BYTES = 512;

/** The greatest power of two at most 2^exponent: scales by it lose nothing. */
export function powerOfTwo(exponent: number): number {
  return 2 ** Math.floor(exponent);
}

/** An infinite bound as the kernel takes it. */
export function wholeBound(value: number): number {
  return Math.min(value, 0x7fffffff);
}
