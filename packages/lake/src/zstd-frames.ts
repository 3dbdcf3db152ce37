import { type FileHandle, open } from "node:fs/promises";

const FRAME = 0xfd2fb528;
/** Frames that a reader skips have one of sixteen magic numbers from here on. */
const SKIPPABLE = 0x184d2a50;
/** A block that repeats one byte holds just that. */
const RLE = 1;

/**
 * Whether a file packed with zstd ends where its last frame does. It goes from header to header (RFC 8878, 3.1) and
 * unpacks nothing.
 */
export async function isWholeZstd(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    let at = 0;
    while (at < size) {
      const end = await frameEnd(file, at);
      if (end === undefined || end > size) return false;
      at = end;
    }
    return true;
  } finally {
    await file.close();
  }
}

/** Where a frame ends; undefined where the file ends before it, or holds no frame. */
async function frameEnd(file: FileHandle, start: number): Promise<number | undefined> {
  const magic = (await bytesAt(file, start, 4))?.readUInt32LE(0);
  if (magic === undefined) return undefined;
  if (magic >= SKIPPABLE && magic < SKIPPABLE + 16) {
    const length = (await bytesAt(file, start + 4, 4))?.readUInt32LE(0);
    return length === undefined ? undefined : start + 8 + length;
  }
  const descriptor = (await bytesAt(file, start + 4, 1))?.[0];
  if (magic !== FRAME || descriptor === undefined) return undefined;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  let at = start + 5 + (isSingleSegment ? 0 : 1) + dictionary + contentSize;
  for (let isLast = false; !isLast; ) {
    const header = (await bytesAt(file, at, 3))?.readUIntLE(0, 3);
    if (header === undefined) return undefined;
    isLast = (header & 1) === 1;
    at += 3 + (((header >> 1) & 3) === RLE ? 1 : header >> 3);
  }
  const checksum = (descriptor & 4) === 0 ? 0 : 4;
  return at + checksum;
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return bytesRead === length ? buffer : undefined;
}
