/** Elementwise activation functions. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, div, integerPow, mul, neg, sqrt } from '../lax/arithmetic.ts';
import { ge, gt, le, lt, select } from '../lax/compare.ts';
import * as lax from '../lax/transcendental.ts';
import { combined, floating, numeric, type Unary } from '../numpy/elementwise.ts';
import { logaddexp } from '../numpy/functions.ts';
import { split } from '../numpy/joining.ts';
import { toFloating, toValue } from '../promote.ts';

/** max(x, 0). Its derivative at 0 is taken as 0. */
export const relu: Unary = recorded(numeric((x) => select(le(x, 0), 0, x))('relu'));
/** min(max(x, 0), 6). Its derivative at 0 and at 6 is taken as 0. */
export const relu6: Unary = combined('relu6', (x) => select(le(x, 0), 0, select(ge(x, 6), 6, x)));
/** x, or `slope`·x below 0. Its derivative at 0 is taken as 1. */
export const leakyRelu: (x: ArrayLike, given?: { slope?: ArrayLike }) => NDArray = recorded((x, given = {}) => {
  const { slope = 0.01 } = optionsOf('leakyRelu', given, ['slope']);
  const value = toFloating(x, 'leakyRelu');
  return select(ge(value, 0), value, mul(value, toValue(slope, 'leakyRelu')));
});

/** alpha·(eˣ − 1) below 0. The other branch's exponential is not evaluated, so that it cannot overflow in derivatives. */
const expBelow = (x: Value, inner: (x: Value) => Value): Value => {
  const positive = gt(x, 0);
  return select(positive, x, inner(select(positive, 0, x)));
};
/** x, or alpha·(eˣ − 1) below 0. */
export const elu: (x: ArrayLike, given?: { alpha?: ArrayLike }) => NDArray = recorded((x, given = {}) => {
  const { alpha = 1 } = optionsOf('elu', given, ['alpha']);
  const a = toValue(alpha, 'elu');
  return expBelow(toFloating(x, 'elu'), (v) => mul(a, lax.expm1(v)));
});
/** x, or alpha·(e^(x/alpha) − 1) below 0: continuously differentiable. */
export const celu: (x: ArrayLike, given?: { alpha?: ArrayLike }) => NDArray = recorded((x, given = {}) => {
  const { alpha = 1 } = optionsOf('celu', given, ['alpha']);
  const a = toValue(alpha, 'celu');
  return expBelow(toFloating(x, 'celu'), (v) => mul(a, lax.expm1(div(v, a))));
});
/** The scaled `elu` that keeps mean 0 and variance 1 through layers (Klambauer et al., 2017). */
export const selu: Unary = combined('selu', (x) => mul(1.0507009873554805, elu(x, { alpha: 1.6732632423543772 })));
/** x·Φ(x), by its tanh approximation unless `approximate` is false. */
export const gelu: (x: ArrayLike, given?: { approximate?: boolean }) => NDArray = recorded((x, given = {}) => {
  const { approximate = true } = optionsOf('gelu', given, ['approximate']);
  const value = toFloating(x, 'gelu');
  if (!approximate) return mul(mul(value, 0.5), lax.erfc(mul(value, -Math.SQRT1_2)));
  const inner = mul(Math.sqrt(2 / Math.PI), add(value, mul(0.044715, integerPow(value, 3))));
  return mul(value, mul(0.5, add(1, lax.tanh(inner))));
});
/** 1 / (1 + e⁻ˣ). */
export const sigmoid: Unary = floating('sigmoid', lax.logistic);
/** log(1 + eˣ). */
export const softplus: Unary = combined('softplus', (x) => logaddexp(x, 0));
/** log sigmoid(x). */
export const logSigmoid: Unary = combined('logSigmoid', (x) => neg(softplus(neg(x))));
/** x / (1 + |x|). */
export const softSign: Unary = combined('softSign', (x) => div(x, add(1, abs(x))));
/** x·sigmoid(x). */
export const silu: Unary = combined('silu', (x) => mul(x, lax.logistic(x)));
export const swish: Unary = silu;
export const tanh: Unary = floating('tanh', lax.tanh);
/** x·tanh(softplus(x)). */
export const mish: Unary = combined('mish', (x) => mul(x, lax.tanh(softplus(x))));
/** x limited to [−1, 1]. Its derivative at −1 and at 1 is taken as 1. */
export const hardTanh: Unary = combined('hardTanh', (x) => select(gt(x, 1), 1, select(lt(x, -1), -1, x)));
/** relu6(x + 3) / 6. */
export const hardSigmoid: Unary = combined('hardSigmoid', (x) => div(relu6(add(x, 3)), 6));
/** x·hardSigmoid(x). */
export const hardSilu: Unary = combined('hardSilu', (x) => mul(x, hardSigmoid(x)));
/** (x + √(x² + b)) / 2. */
export const squareplus: (x: ArrayLike, given?: { b?: ArrayLike }) => NDArray = recorded((x, given = {}) => {
  const { b = 4 } = optionsOf('squareplus', given, ['b']);
  const value = toFloating(x, 'squareplus');
  return div(add(value, sqrt(add(mul(value, value), toValue(b, 'squareplus')))), 2);
});
/**
 * 0 up to −1, x from 1 on, (x + 1)²/4 between: `softplus` with an exact 0, whose derivative is `sparseSigmoid` (Blondel, Martins and
 * Niculae, Learning with Fenchel-Young Losses, 2020).
 */
export const sparsePlus: Unary = combined('sparsePlus', (x) => {
  const rise = add(hardTanh(x), 1);
  return select(ge(x, 1), x, mul(mul(rise, rise), 0.25));
});
/** 0 up to −1, 1 from 1 on, (x + 1)/2 between. */
export const sparseSigmoid: Unary = combined('sparseSigmoid', (x) => mul(add(hardTanh(x), 1), 0.5));
/** The first half of an axis times the sigmoid of the second. */
export const glu: (x: ArrayLike, given?: { axis?: number }) => NDArray = recorded((x, given = {}) => {
  const { axis = -1 } = optionsOf('glu', given, ['axis']);
  const value = toFloating(x, 'glu');
  if ((value.shape.at(axis) ?? 1) % 2 !== 0)
    throw new ShapeError(`glu: axis ${axis} of ${value.aval} has no two halves.`);
  const [a, b] = split(value, 2, { axis });
  return mul(a!, lax.logistic(b!));
});
