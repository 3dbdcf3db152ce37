import { f64At, setF64 } from "./memory";

/** Puts a category in its place among `size` others, in the order of their means; two numbers each: mean, bin. */
export function rankCategory(ranks: usize, size: i32, mean: f64, bin: i32): void {
  let place = size;
  for (; place > 0 && f64At(ranks, 2 * (place - 1)) > mean; place--) {
    setF64(ranks, 2 * place, f64At(ranks, 2 * place - 2));
    setF64(ranks, 2 * place + 1, f64At(ranks, 2 * place - 1));
  }
  setF64(ranks, 2 * place, mean);
  setF64(ranks, 2 * place + 1, <f64>bin);
}
