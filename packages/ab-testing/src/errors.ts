/** Every code that this package throws. */
export type AbTestErrorCode = "INVALID_COUNT" | "INVALID_RATE" | "INVALID_TABLE" | "INVALID_SAMPLE";

/** Input that has no answer; another attempt cannot mend it. */
export class AbTestError extends Error {
  override readonly name = "AbTestError";
  readonly code: AbTestErrorCode;
  readonly retryable = false;
  /** The argument at fault. */
  readonly field: string;

  constructor(code: AbTestErrorCode, field: string, message: string) {
    super(`${field} ${message}.`);
    this.code = code;
    this.field = field;
  }
}

/** @throws AbTestError INVALID_RATE unless 0 < value < 1 */
export function checkRate(value: number, field: string): void {
  if (!(value > 0 && value < 1)) throw new AbTestError("INVALID_RATE", field, `is ${value}: expected 0 < ${field} < 1`);
}

/** @throws AbTestError INVALID_COUNT unless 0 ≤ count ≤ observations and there are observations */
export function checkCount(count: number, observations: number): void {
  if (!(observations > 0 && Number.isFinite(observations)))
    throw new AbTestError("INVALID_COUNT", "observations", `is ${observations}: expected more than 0`);
  if (!(count >= 0 && count <= observations))
    throw new AbTestError("INVALID_COUNT", "count", `is ${count}: expected 0 to ${observations}`);
}
