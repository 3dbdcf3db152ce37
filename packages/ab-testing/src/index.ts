/** The statistics of A/B tests. */
export { chi2Sf, normalCdf, normalPpf, normalSf, tSf } from "./distributions.ts";
export { AbTestError, type AbTestErrorCode } from "./errors.ts";
export { kolmogorovSmirnovTest, mannWhitneyTest, tTest } from "./means.ts";
export { differenceInterval, proportionInterval, proportionsZTest, sampleSize } from "./proportions.ts";
export { chiSquaredTest, fisherExactTest } from "./tables.ts";
