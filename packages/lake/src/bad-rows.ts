import { LakeError } from "./errors.ts";

/** Keeps the first bad row and counts the others. */
export class BadRows {
  #first: string | undefined;
  #count = 0;

  add(file: string, line: number, what: string): void {
    this.#count++;
    this.#first ??= `${file}, line ${line}: ${what}`;
  }

  /** @throws LakeError BAD_ROW */
  throwIfAny(): void {
    if (this.#first === undefined) return;
    const all = this.#count === 1 ? "It is the only bad row." : `${this.#count} rows are bad in all.`;
    throw new LakeError("BAD_ROW", `${this.#first} ${all} Nothing was written.`, {
      field: "source",
      hint: "Mend the file (or have its maker mend it), then load it again.",
    });
  }
}

/** A text as it is shown in an error. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
