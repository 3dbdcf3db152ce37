import {
  chi2Sf,
  chiSquaredTest,
  differenceInterval,
  fisherExactTest,
  kolmogorovSmirnovTest,
  mannWhitneyTest,
  normalCdf,
  normalPpf,
  normalSf,
  proportionInterval,
  proportionsZTest,
  sampleSize,
  tSf,
  tTest,
} from "@dagwright/ab-testing";
import { z } from "zod";

const Pair = z.tuple([z.number(), z.number()]);
const Numbers = z.array(z.number());
const Table = z.object({ table: z.array(Numbers), correction: z.boolean().default(true) });
const Tail = z.object({ x: Numbers, df: z.number() });

/** Operations on A/B tests and on the distributions behind them, of the area `metrics`. */
export const ops: Record<string, (input: unknown) => unknown> = {
  "ab.proportionsZTest": (input) => {
    const Alternative = z.enum(["two-sided", "smaller", "larger"]).default("two-sided");
    const { count, nobs, alternative } = z.object({ count: Pair, nobs: Pair, alternative: Alternative }).parse(input);
    return proportionsZTest(count, nobs, alternative);
  },
  "ab.proportionCI": (input) => {
    const method = z.enum(["normal", "wilson", "agresti_coull", "beta"]);
    const Input = z.object({ count: z.number(), nobs: z.number(), alpha: z.number().default(0.05), method });
    const { count, nobs, ...o } = Input.parse(input);
    return proportionInterval(count, nobs, o);
  },
  "ab.diffCI": (input) => {
    const method = z.enum(["wald", "newcomb", "agresti-caffo"]);
    const Input = z.object({ count: Pair, nobs: Pair, alpha: z.number().default(0.05), method });
    const { count, nobs, ...o } = Input.parse(input);
    return differenceInterval(count, nobs, o);
  },
  "ab.chi2": (input) => {
    const { table, correction } = Table.parse(input);
    return chiSquaredTest(table, correction);
  },
  "ab.fisher": (input) => fisherExactTest(Table.parse(input).table),
  "ab.sampleSize": (input) => {
    const rate = z.number();
    const Input = { p1: rate, p2: rate, alpha: rate.default(0.05), power: rate.default(0.8), ratio: rate.default(1) };
    return sampleSize(z.object(Input).parse(input));
  },
  "ab.meansTests": (input) => {
    const { a, b } = z.object({ a: Numbers, b: Numbers }).parse(input);
    return {
      welch: tTest(a, b),
      student: tTest(a, b, { equalVariance: true }),
      mannWhitney: mannWhitneyTest(a, b),
      ks: kolmogorovSmirnovTest(a, b),
    };
  },
  "special.normal": (input) => {
    const { x } = z.object({ x: Numbers }).parse(input);
    return { cdf: x.map(normalCdf), sf: x.map(normalSf) };
  },
  "special.normalPpf": (input) => ({ ppf: z.object({ p: Numbers }).parse(input).p.map(normalPpf) }),
  "special.chi2Sf": (input) => {
    const { x, df } = Tail.parse(input);
    return { sf: x.map((value) => chi2Sf(value, df)) };
  },
  "special.tSf": (input) => {
    const { x, df } = Tail.parse(input);
    return { sf: x.map((value) => tSf(value, df)) };
  },
};
