/**
 * e^x for two numbers at once, within 2 units in the last place: x = k ln 2 + r, |r| ≤ ln 2 / 2, Taylor of degree 13 for
 * e^r. Inputs are clamped to ±708, where e^x is finite and normal.
 */
// @ts-ignore: decorator
@inline export function exp2x(value: v128): v128 {
  const x = f64x2.min(f64x2.max(value, f64x2.splat(-708)), f64x2.splat(708));
  const k = f64x2.nearest(f64x2.mul(x, f64x2.splat(1.4426950408889634)));
  let r = f64x2.sub(x, f64x2.mul(k, f64x2.splat(0.6931471803691238)));
  r = f64x2.sub(r, f64x2.mul(k, f64x2.splat(1.9082149292705877e-10)));
  let p = f64x2.splat(1.6059043836821613e-10);
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(2.08767569878681e-9));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(2.505210838544172e-8));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(2.755731922398589e-7));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(2.7557319223985893e-6));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(2.48015873015873e-5));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.984126984126984e-4));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.388888888888889e-3));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(8.333333333333333e-3));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(4.1666666666666664e-2));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.6666666666666666e-1));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(0.5));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  // 2^k through the exponent's bits: 2^52 + 1023 + k holds them in its low bits.
  const bits = f64x2.add(k, f64x2.splat(4503599627371519));
  return f64x2.mul(p, i64x2.shl(bits, 52));
}

/** e^x for one number. */
// @ts-ignore: decorator
@inline export function exp1(value: f64): f64 {
  return f64x2.extract_lane(exp2x(f64x2.splat(value)), 0);
}
