import { LakeError } from "./errors.ts";

/** So many rows are looked at after the first bad one, to tell whether it is one of many. */
const ROWS_AFTER_FIRST = 1_000_000;

/** Keeps the first bad row and counts the others that come soon after it. */
export class BadRows {
  #first: string | undefined;
  #count = 0;
  #after = 0;

  /**
   * To be called before each row.
   * @throws LakeError BAD_ROW when enough have been looked at after the first bad one
   */
  goOn(): void {
    if (this.#first === undefined) return;
    this.#after++;
    if (this.#after > ROWS_AFTER_FIRST) this.throwIfAny();
  }

  add(file: string, line: number, what: string): void {
    this.#count++;
    this.#first ??= `${file}, line ${line}: ${what}`;
  }

  /** @throws LakeError BAD_ROW */
  throwIfAny(): void {
    if (this.#first === undefined) return;
    const all =
      this.#after > ROWS_AFTER_FIRST
        ? `${this.#count} rows are bad of the ${ROWS_AFTER_FIRST + 1} from there on; those after them were not looked at.`
        : this.#count === 1
          ? "It is the only bad row."
          : `${this.#count} rows are bad in all.`;
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
