import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** How much is kept of one log. */
export interface LogLimits {
  /** A file that would grow beyond this many bytes is set aside. @default 10 MiB */
  readonly maxBytes?: number;
  /** How many files are kept, the present one included; the oldest goes first. @default 3 */
  readonly files?: number;
}

/** A file that is set aside as `<file>.1`, `.2` … when it is full. */
export class RotatingFile {
  private size: number | undefined;
  private readonly maxBytes: number;
  private readonly files: number;

  constructor(
    private readonly file: string,
    { maxBytes = 10 * 1_048_576, files = 3 }: LogLimits = {},
  ) {
    this.maxBytes = maxBytes;
    this.files = files;
  }

  /** Appends a text, whole, to one file. The folder is made by the first one. Throws what the disk says. */
  append(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.size ??= this.opened();
    if (this.size > 0 && this.size + bytes > this.maxBytes) this.rotate();
    appendFileSync(this.file, text);
    this.size += bytes;
  }

  private opened(): number {
    mkdirSync(dirname(this.file), { recursive: true });
    return statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
  }

  private rotate(): void {
    for (let nth = this.files - 1; nth >= 1; nth -= 1) {
      const from = nth === 1 ? this.file : `${this.file}.${nth - 1}`;
      if (existsSync(from)) renameSync(from, `${this.file}.${nth}`);
    }
    if (this.files === 1) rmSync(this.file);
    this.size = 0;
  }
}

/** The files of a log that are there, the oldest first. */
export function logFiles(file: string): string[] {
  const aside: string[] = [];
  for (let nth = 1; existsSync(`${file}.${nth}`); nth += 1) aside.unshift(`${file}.${nth}`);
  return existsSync(file) ? [...aside, file] : aside;
}
