/** Running sums, products and extrema along an axis. */
import type { LowerRule } from '../../jit/lower-rule.ts';
import { cumulativeCalls, type Running } from '../../jit/runtime/cumulative-calls.ts';
import type { ArrayLike } from '../array.ts';
import { allocate, type DType, isFloating } from '../core/dtype.ts';
import { optionsOf } from '../core/options.ts';
import {
  type Accuracy,
  exact,
  type Primitive,
  primitive,
  reductionAccuracy,
  sharedParamsByKey,
} from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toFloating, toValue } from '../promote.ts';
import { axisOf, forEachRow, rowsOf } from './along-axis.ts';
import { abs, add, max, min, mul, neg, sub } from './arithmetic.ts';
import { associativeScanValues } from './associative-scan.ts';
import { eq, gt, lt, select } from './compare.ts';
import { convert } from './convert.ts';
import { checkDomain, type Domain } from './family.ts';
import { domains } from './samples.ts';
import { exp, log1p, logistic } from './transcendental.ts';

export interface CumulativeParams {
  readonly axis: number;
  readonly reverse: boolean;
}

export interface CumulativeOptions {
  /** The axis to run along; 0 when left out. */
  axis?: number;
  /** Start at the end. */
  reverse?: boolean;
}

type CumulativePrimitive = Primitive<CumulativeParams>;
/** A value and its tangent. */
type Dual = readonly [Value, Value];

interface CumulativeSpec {
  domain: Domain;
  /** One step of the reference, in float64 or exact integers. */
  step: (total: number, x: number, dtype: DType) => number;
  accuracy: Accuracy;
  /** The operation of the runtime module. */
  lower: Running;
  /** The step on values with tangents; left out where the operation is linear. */
  dual?: (earlier: Dual, later: Dual) => Dual;
  longest?: number;
}

function lowerRule({ lower }: CumulativeSpec): LowerRule<CumulativeParams> {
  return {
    kind: 'runtime',
    calls: ({ axis, reverse }, [x]) => {
      const { outer, n, inner } = rowsOf(x!.shape, axis);
      return cumulativeCalls(lower, x!.dtype, [outer, n, inner], reverse);
    },
  };
}

function cumulative(name: string, spec: CumulativeSpec): CumulativePrimitive {
  const { dual } = spec;
  const self: CumulativePrimitive = primitive<CumulativeParams>({
    name,
    type: ([x]) => {
      checkDomain(name, spec.domain, x!);
      return [x!.strong()];
    },
    run: ([x], { axis, reverse }, [out]) => {
      const { dtype, size } = out!;
      const result = allocate(dtype, size);
      const rows = rowsOf(x!.aval.shape, axis);
      forEachRow(rows, (start) => {
        let total = 0;
        for (let i = 0; i < rows.n; i++) {
          const at = start + (reverse ? rows.n - 1 - i : i) * rows.inner;
          total = i === 0 ? x!.data[at]! : spec.step(total, x!.data[at]!, dtype);
          result[at] = total;
        }
      });
      return [result];
    },
    accuracy: spec.accuracy,
    jvp: ([x], [dx], params) => {
      const out = bind1(self, [x!], params);
      if (!dual) return [[out], [bind1(self, [dx as Value], params)]];
      const step = ([a, da]: readonly Value[], [b, db]: readonly Value[]) => dual([a!, da!], [b!, db!]);
      return [[out], [associativeScanValues(step, [x!, dx as Value], [params.axis, params.axis], params.reverse)[1]!]];
    },
    // Element j takes part in the sums k ≥ j, so that its cotangent is the sum from the other end.
    ...(dual
      ? {}
      : {
          transpose: ([ct], _, { axis, reverse }) => [bind1(self, [ct as Value], cumulativeParams(axis, !reverse))],
        }),
    batch: (_size, [x], _, { axis, reverse }) => ({
      outs: [bind1(self, [x!], cumulativeParams(axis + 1, reverse))],
      batched: [true],
    }),
    lower: lowerRule(spec),
    samples: () =>
      domains[spec.domain].flatMap((dtype) =>
        [
          { shape: [0], axis: 0, reverse: false },
          { shape: [1], axis: 0, reverse: true },
          { shape: [3], axis: 0, reverse: false },
          { shape: [17], axis: 0, reverse: true },
          { shape: [spec.longest ?? 1000], axis: 0, reverse: false },
          { shape: [4, 5], axis: 0, reverse: true },
          { shape: [4, 5], axis: 1, reverse: false },
          { shape: [2, 3, 4], axis: 1, reverse: false },
        ].map(({ shape, axis, reverse }) => ({
          inputs: [{ shape, dtype, low: -2, high: 2 }],
          params: { axis, reverse },
        })),
      ),
  });
  return self;
}

export const cumsumP: CumulativePrimitive = cumulative('cumsum', {
  domain: 'numeric',
  step: (total, x, dtype) => (isFloating(dtype) ? total + x : (total + x) | 0),
  accuracy: reductionAccuracy(),
  lower: 'add',
});

/** The product rule on pairs: no division, so factors may be 0. */
export const cumprodP: CumulativePrimitive = cumulative('cumprod', {
  domain: 'numeric',
  step: (total, x, dtype) =>
    dtype === 'float32' ? Math.fround(total * x) : dtype === 'float64' ? total * x : Math.imul(total, x),
  accuracy: exact,
  lower: 'mul',
  dual: ([a, da], [b, db]) => [mul(a, b), add(mul(da, b), mul(a, db))],
  longest: 100,
});

/** At a tie both sides have half of the tangent. */
const extremumDual =
  (pick: (a: Value, b: Value) => Value, wins: (a: Value, b: Value) => Value) =>
  ([a, da]: Dual, [b, db]: Dual): Dual => [
    pick(a, b),
    select(wins(a, b), da, select(eq(a, b), mul(add(da, db), 0.5), db)),
  ];

export const cummaxP: CumulativePrimitive = cumulative('cummax', {
  domain: 'numeric',
  step: (total, x) => Math.max(total, x),
  accuracy: exact,
  lower: 'max',
  dual: extremumDual(max, gt),
});

export const cumminP: CumulativePrimitive = cumulative('cummin', {
  domain: 'numeric',
  step: (total, x) => Math.min(total, x),
  accuracy: exact,
  lower: 'min',
  dual: extremumDual(min, lt),
});

/** log(eᵃ + eᵇ) = max + log1p(e^−|a−b|), where equal infinities have difference 0. */
function logAddExp(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(a === b ? 0 : -Math.abs(a - b)));
}

/** The tangents are weighted by the shares of eᵃ and eᵇ in the sum. */
function logAddExpDual([a, da]: Dual, [b, db]: Dual): Dual {
  const difference = select(eq(a, b), 0, sub(a, b));
  const weight = logistic(difference);
  return [add(max(a, b), log1p(exp(neg(abs(difference))))), add(mul(weight, da), mul(logistic(neg(difference)), db))];
}

export const cumlogsumexpP: CumulativePrimitive = cumulative('cumlogsumexp', {
  domain: 'floating',
  step: logAddExp,
  accuracy: reductionAccuracy(4),
  lower: 'logaddexp',
  dual: logAddExpDual,
});

const sharedCumulativeParams = sharedParamsByKey<CumulativeParams>();
const cumulativeParams = (axis: number, reverse: boolean): CumulativeParams =>
  sharedCumulativeParams(`${axis} ${reverse}`, () => ({ axis, reverse }));

const along =
  (p: CumulativePrimitive, prepare: (x: Value) => Value) =>
  (x: ArrayLike, given: CumulativeOptions = {}): Value => {
    const { axis = 0, reverse = false } = optionsOf(p.name, given, ['axis', 'reverse']);
    const value = prepare(toValue(x, p.name));
    return bind1(p, [value], cumulativeParams(axisOf(p.name, value, axis), reverse));
  };
const counted = (x: Value): Value => (x.aval.dtype === 'bool' ? convert(x, 'int32') : x);
type Cumulative = (x: ArrayLike, options?: CumulativeOptions) => Value;

/** Element k is the sum of elements 0 … k along the axis. Bools are counted in int32. */
export const cumsum: Cumulative = along(cumsumP, counted);
/** Element k is the product of elements 0 … k along the axis. */
export const cumprod: Cumulative = along(cumprodP, counted);
/** Element k is the largest of elements 0 … k along the axis, NaN from the first NaN on. */
export const cummax: Cumulative = along(cummaxP, (x) => x);
/** Element k is the smallest of elements 0 … k along the axis. */
export const cummin: Cumulative = along(cumminP, (x) => x);
/** Element k is log Σ exp of elements 0 … k along the axis, without overflow. */
export const cumlogsumexp: Cumulative = along(cumlogsumexpP, (x) => toFloating(x, 'cumlogsumexp'));
