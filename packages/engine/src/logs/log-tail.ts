import { closeSync, openSync, readSync, statSync } from "node:fs";
import { type LogLine, linesIn } from "./log-line.ts";
import { logFiles } from "./rotating-file.ts";

/** Reads a log as it grows, over the files that are set aside meanwhile. */
export class LogTail {
  private inode: number | undefined;
  private offset = 0;

  constructor(private readonly file: string) {}

  /** The whole lines that were added since the last reading. */
  read(): LogLine[] {
    const files = logFiles(this.file).flatMap((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found === undefined ? [] : [{ file, inode: found.ino, size: found.size }];
    });
    const known = files.findIndex(({ inode }) => inode === this.inode);
    return files.slice(Math.max(0, known)).flatMap(({ file, inode, size }) => {
      if (inode !== this.inode) this.offset = 0;
      this.inode = inode;
      const text = bytesOf(file, this.offset, size);
      // A line that is being written waits for its end.
      const whole = text.subarray(0, text.lastIndexOf("\n") + 1);
      this.offset += whole.length;
      return linesIn(whole.toString("utf8"));
    });
  }
}

function bytesOf(file: string, from: number, to: number): Buffer {
  if (to <= from) return Buffer.alloc(0);
  const descriptor = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(to - from);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, from));
  } finally {
    closeSync(descriptor);
  }
}
