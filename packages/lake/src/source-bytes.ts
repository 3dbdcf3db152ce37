import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { LakeError } from "./errors.ts";
import { firstBytes, type SourceFile } from "./source-files.ts";
import { isWholeZstd } from "./zstd-frames.ts";

/** Whether a file that starts so is packed with gzip, whatever its name says. */
export function isGzip(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

/** Whether a file that starts so is packed with zstd. */
export function isZstd(start: Uint8Array): boolean {
  return [0x28, 0xb5, 0x2f, 0xfd].every((byte, at) => start[at] === byte);
}

/**
 * Checks that a packed file is whole: DuckDB takes one that was cut off for one that ends there.
 * @throws LakeError SOURCE_UNREADABLE
 */
export async function checkWhole(file: SourceFile, signal: AbortSignal | undefined): Promise<void> {
  const start = await firstBytes(file.path, 4);
  if (isZstd(start) && !(await isWholeZstd(file.path))) throw notWhole(file.name, "unexpected end of file");
  if (isGzip(start)) for await (const _ of unpackedBytes(file, true, signal));
}

function notWhole(name: string, why: string, cause?: unknown): LakeError {
  return new LakeError("SOURCE_UNREADABLE", `${name} cannot be unpacked: ${why}. Nothing was written.`, {
    ...{ field: "source", cause },
    hint: "The file is cut off or broken: fetch it again.",
  });
}

/**
 * What a file holds, unpacked.
 * @throws LakeError SOURCE_UNREADABLE where what is packed is cut off or broken
 */
export async function* unpackedBytes(
  { path, name }: SourceFile,
  gzip: boolean,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
  if (!gzip) {
    yield* stream;
    return;
  }
  const unpacked = createGunzip();
  stream.once("error", (error) => unpacked.destroy(error));
  try {
    yield* stream.pipe(unpacked);
  } catch (error) {
    // Node's own codes for what is no gzip: Z_BUF_ERROR, Z_DATA_ERROR.
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) throw error;
    throw notWhole(name, error.message, error);
  } finally {
    stream.destroy();
  }
}

/** The lines of a text in UTF-8, without `\n`; `isEnded` is false of what comes after the last one. */
export async function* physicalLines(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly text: string; readonly isEnded: boolean }> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) yield { text, isEnded: true };
  }
  rest += decoder.decode();
  if (rest !== "") yield { text: rest, isEnded: false };
}
