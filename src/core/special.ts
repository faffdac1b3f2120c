/** Special functions in double precision: the reference semantics of the primitives. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 2.5) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
  let t = x,
    s = x;
  for (let n = 1; n < 200; n++) {
    t *= (-x * x) / n;
    s += t / (2 * n + 1);
    if (Math.abs(t) < 1e-20) break;
  }
  return (2 / Math.sqrt(Math.PI)) * s;
}
export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 2.5) return x < -2.5 ? 2 - erfc(-x) : 1 - erf(x);
  if (x > 30) return 0;
  let f = 0;
  for (let k = 120; k >= 1; k--) f = k / 2 / (x + f);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + f);
}
export function erfInv(y: number): number {
  if (!(Math.abs(y) < 1)) return y === 1 ? Infinity : y === -1 ? -Infinity : NaN;
  const a = Math.abs(y);
  const w = -Math.log((1 - a) * (1 + a));
  let p = w < 5 ? 2.81022636e-8 : -0.000200214257;
  const c =
    w < 5
      ? [
          3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727,
          1.50140941,
        ]
      : [
          0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406,
          2.83297682,
        ];
  const v = w < 5 ? w - 2.5 : Math.sqrt(w) - 3;
  for (const k of c) p = k + p * v;
  let x = p * a;
  for (let i = 0; i < 3; i++) {
    const e = a > 0.5 ? 1 - a - erfc(x) : erf(x) - a;
    const d = a > 0.5 ? e : e;
    x -= (a > 0.5 ? d : d) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x));
  }
  return y < 0 ? -x : y === 0 ? y : x;
}
export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
export function lgamma(x: number): number {
  if (x < 0.5) return Math.log(Math.abs(Math.PI / Math.sin(Math.PI * x))) - lgamma(1 - x);
  let s = 0;
  while (x < 15) {
    s += Math.log(x);
    x++;
  }
  const i = 1 / (x * x);
  return (
    (x - 0.5) * Math.log(x) -
    x +
    0.5 * Math.log(2 * Math.PI) +
    (1 / 12 - i * (1 / 360 - i * (1 / 1260 - i / 1680))) / x -
    s
  );
}
export function digamma(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return NaN;
  if (x < 0.5) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let s = 0;
  while (x < 12) {
    s += 1 / x;
    x++;
  }
  const i = 1 / (x * x);
  return Math.log(x) - 0.5 / x - i * (1 / 12 - i * (1 / 120 - i * (1 / 252 - i / 240))) - s;
}
