/** Special points of elementwise, ordering and folding primitives: ties, zeros, NaN, dtypes, error texts. */
import t, { type Test } from 'tap';
import { NDArray } from '../src/array.ts';
import { shapedArray } from '../src/core/aval.ts';
import { allocate, type DType } from '../src/core/dtype.ts';
import type { Primitive } from '../src/core/primitive.ts';
import type { Value } from '../src/core/trace.ts';
import { grad, jvp, vjp, vmap } from '../src/index.ts';
import * as argreduce from '../src/lax/argreduce.ts';
import * as arithmetic from '../src/lax/arithmetic.ts';
import * as bits from '../src/lax/bits.ts';
import * as compare from '../src/lax/compare.ts';
import * as convert from '../src/lax/convert.ts';
import * as cumulative from '../src/lax/cumulative.ts';
import * as logic from '../src/lax/logic.ts';
import * as permutation from '../src/lax/permute.ts';
import * as reductions from '../src/lax/reductions.ts';
import * as sorting from '../src/lax/sort.ts';
import * as stopping from '../src/lax/stop-gradient.ts';
import * as threefry from '../src/lax/threefry.ts';
import * as transcendental from '../src/lax/transcendental.ts';
import { checkBatches, checkDerivatives, checkKernel } from './check-primitive.ts';

const { abs, clamp, max, min, pow, rem, round, sign, nextafter, integerPow, mul, cbrt, sqrt } = arithmetic;
const { prod, reduceMax, reduceMin, any, all, sum } = reductions;
const { select, eq, gt, lt } = compare;
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

function array(
  values: readonly number[],
  dtype: DType = 'float64',
  shape: readonly number[] = [values.length],
): NDArray {
  const data = allocate(dtype, values.length);
  data.set(values);
  return NDArray.fromHost(data, shapedArray(shape, dtype));
}
const scalar = (value: number, dtype: DType = 'float64'): NDArray => array([value], dtype, []);

/** Equal element by element: −0 is 0's equal only where `values` has 0, NaN is NaN. */
function is(t: Test, actual: Value, values: readonly number[], name: string): void {
  const got = [...actual.hostData()];
  const ok = got.length === values.length && got.every((x, i) => Object.is(x, values[i]) || x === values[i]);
  t.ok(ok, ok ? name : `${name}: got ${got}, want ${values}`);
}

function near(t: Test, actual: Value, values: readonly number[], name: string): void {
  const got = [...actual.hostData()];
  const ok = got.length === values.length && got.every((x, i) => Math.abs(x - values[i]!) <= 1e-12 * (1 + Math.abs(x)));
  t.ok(ok, ok ? name : `${name}: got ${got}, want ${values}`);
}

type Unary = (x: Value) => Value;
const derivative = (f: Unary, x: NDArray): Value => (grad as any)((y: Value) => sum(f(y)))(x);

t.test('every primitive: derivatives, batches and kernels on its samples', (t) => {
  const modules = [
    arithmetic,
    transcendental,
    compare,
    logic,
    reductions,
    stopping,
    convert,
    argreduce,
    cumulative,
    permutation,
    sorting,
    threefry,
    bits,
  ] as readonly Record<string, any>[];
  const primitives = new Set<Primitive>();
  for (const module of modules) {
    for (const value of Object.values(module)) {
      if (value?.primitive) primitives.add(value.primitive);
      else if (value?.batch && value?.run) primitives.add(value);
    }
  }
  t.ok(primitives.size > 70, `${primitives.size} primitives`);
  for (const primitive of primitives) {
    // Central differences mean nothing at special values, nor through float32; long samples repeat short ones.
    const samples = primitive.samples!().filter(({ inputs }) => inputs.every((x) => x.shape[0] !== 1000));
    const smooth = samples.filter(
      ({ inputs, params }) =>
        inputs.every((x) => !x.values || x.dtype !== 'float64') &&
        (params as { newDType?: DType } | undefined)?.newDType !== 'float32',
    );
    const sums = primitive.accuracy.kind === 'exact' ? 0 : 3e-14;
    t.same(checkBatches({ ...primitive, samples: () => samples }, sums), [], `${primitive.name}: a batch is its lanes`);
    if (primitive.jvp !== 'zero') {
      t.same(checkDerivatives({ ...primitive, samples: () => smooth }), [], `${primitive.name}: derivatives`);
    }
    // Kernels that call jit/math need the whole compiler, and its tests cover them.
    if (/kernel|runtime/.test(primitive.lower.kind) && primitive.name !== 'cumlogsumexp') {
      const exact = primitive.accuracy.kind === 'exact' ? 0 : 1e-14;
      t.same(checkKernel(primitive, exact), [], `${primitive.name}: kernel`);
    }
  }
  t.end();
});

t.test('ties and kinks', (t) => {
  const x = array([-1, 0, 2]);
  is(t, derivative(abs, x), [-1, 1, 1], 'abs has slope 1 at 0, as JAX');
  is(
    t,
    derivative((v) => max(v, 0), x),
    [0, 0.5, 1],
    'max shares a tie',
  );
  is(
    t,
    derivative((v) => min(v, 0), x),
    [1, 0.5, 0],
    'min shares a tie',
  );
  is(
    t,
    derivative((v) => max(v, v), x),
    [1, 1, 1],
    'max(x, x)',
  );
  is(
    t,
    derivative((v) => clamp(-1, v, 1), x),
    [0, 1, 0],
    'clamp at and beyond its bounds',
  );
  is(
    t,
    derivative((v) => clamp(v, array([0, 0, 0]), 3), x),
    [0, 0, 1],
    'clamp from below',
  );
  is(t, derivative(reduceMax, array([1, 3, 3, 2])), [0, 0.5, 0.5, 0], 'reduceMax shares ties');
  is(t, derivative(reduceMin, array([1, 1, 1, 2])), [1 / 3, 1 / 3, 1 / 3, 0], 'reduceMin shares ties');
  const ones = array([1, 1, 1, 0]);
  const last = (v: Value): Value => mul(cumulative.cummax(v), array([0, 0, 1, 0]));
  is(t, derivative(last, ones), [0.25, 0.25, 0.5, 0], 'cummax shares ties as JAX');
  t.end();
});

t.test('derivatives where a formula would divide by zero', (t) => {
  is(
    t,
    derivative((v) => pow(v, 3), array([0, -2])),
    [0, 12],
    'x³',
  );
  is(
    t,
    derivative((v) => pow(v, 0), array([0, -2])),
    [0, 0],
    'x⁰',
  );
  is(
    t,
    derivative((v) => pow(v, scalar(2)), array([0, -2])),
    [0, -4],
    'x^y with y = 2',
  );
  is(
    t,
    derivative((v) => pow(v, scalar(0)), array([0])),
    [0],
    'x^y with y = 0',
  );
  is(
    t,
    derivative((y) => pow(scalar(0), y), array([2, 0])),
    [0, 0],
    '0^y',
  );
  const second = (f: Unary) => (v: Value) => derivative(f, v as NDArray);
  is(
    t,
    derivative(
      second((v) => pow(v, scalar(2))),
      array([0, 1]),
    ),
    [2, 2],
    'second derivative of x^y',
  );
  is(
    t,
    derivative(
      second((v) => pow(v, scalar(0))),
      array([0, 1]),
    ),
    [0, 0],
    'second derivative of x^0',
  );
  is(t, derivative(sqrt, array([0])), [inf], '√x at 0');
  is(t, derivative(cbrt, array([0])), [inf], '∛x at 0');
  near(t, derivative(prod, array([2, 0, 3])), [0, 6, 0], 'product with one zero');
  near(t, derivative(prod, array([2, 0, 0])), [0, 0, 0], 'product with two zeros');
  near(t, derivative(prod, array([2, 3, 4, 5, 6])), [360, 240, 180, 144, 120], 'product of an odd number');
  const weights = array([1, 10, 100]);
  const products = (v: Value): Value => mul(cumulative.cumprod(v), weights);
  near(t, derivative(products, array([2, 0, 3])), [1, 620, 0], 'cumulative product with a zero');
  const hessian = derivative(second(prod), array([2, 0, 3]));
  near(t, hessian, [3, 5, 2], 'second derivative of a product with a zero');
  is(
    t,
    derivative((v) => select(gt(v, 0), transcendental.log(v), 0), array([0, 2])),
    [nan, 0.5],
    'log behind a select',
  );
  is(
    t,
    derivative((v) => select(gt(v, 0), v, 0), array([inf, -inf])),
    [1, 0],
    'select never multiplies by zero',
  );
  is(t, derivative(transcendental.erfInv, array([1, -1])), [inf, inf], 'erf⁻¹ at ±1');
  const logs = array([-inf, 0, inf]);
  const [sums, dots] = (jvp as any)((v: Value) => cumulative.cumlogsumexp(v), [logs], [array([1, 1, 1])]);
  is(t, sums, [-inf, 0, inf], 'cumlogsumexp of infinities');
  is(t, dots, [1, 1, 1], 'and its tangent');
  t.end();
});

t.test('signs, rounding, neighbours', (t) => {
  is(t, round(array([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 0.49999999999999994])), [0, 2, 2, -0, -2, 2, 0], 'half to even');
  t.ok(Object.is(round(array([-0.2])).hostData()[0], -0), 'round keeps −0');
  is(t, sign(array([-3, -0, 0, 2, nan])), [-1, -0, 0, 1, nan], 'sign');
  for (const [dtype, least, most] of [
    ['float32', 2 ** -149, (2 - 2 ** -23) * 2 ** 127],
    ['float64', 2 ** -1074, Number.MAX_VALUE],
  ] as const)
    is(t, sign(array([least, -least, most, -most, inf, -inf], dtype)), [1, -1, 1, -1, 1, -1], `sign of ${dtype}`);
  is(t, rem(array([5, -5, 5.5, -1]), array([3, 3, -2, inf])), [2, -2, 1.5, -1], 'rem has the sign of the dividend');
  is(t, rem(array([5, -7, -(2 ** 31)], 'int32'), array([0, 2, -1], 'int32')), [5, -1, 0], 'integer rem');
  is(t, arithmetic.div(array([5, -7, -(2 ** 31)], 'int32'), array([0, 2, -1], 'int32')), [-1, -3, -(2 ** 31)], 'div');
  is(t, max(array([nan, 1, -0]), array([1, nan, 0])), [nan, nan, 0], 'max propagates NaN');
  is(
    t,
    nextafter(array([0, 1, -1, inf, 5e-324]), array([1, 2, 0, 0, 0])),
    [5e-324, 1 + 2 ** -52, -1 + 2 ** -53, Number.MAX_VALUE, 0],
    'nextafter in float64',
  );
  is(t, nextafter(array([1, 0], 'float32'), array([0, -1], 'float32')), [1 - 2 ** -24, -(2 ** -149)], 'in float32');
  t.end();
});

t.test('integers and bools', (t) => {
  const n = array([3, -2, 2], 'int32');
  is(t, integerPow(n, 3), [27, -8, 8], 'integer powers');
  is(t, pow(n, array([21, 31, 40], 'int32')), [(3 ** 21) | 0, -(2 ** 31), 0], 'wrap modulo 2³²');
  is(t, logic.shiftLeft(array([1, 1, 3], 'uint32'), array([31, 32, 1], 'uint32')), [2 ** 31, 0, 6], 'shiftLeft');
  is(t, logic.shiftRightArithmetic(array([-8, -8], 'int32'), array([1, 40], 'int32')), [-4, -1], 'arithmetic shift');
  is(t, logic.shiftRightLogical(array([-8, -8], 'int32'), array([1, 40], 'int32')), [2147483644, 0], 'logical shift');
  t.equal(pow(array([1, 0], 'bool'), 2).dtype, 'int32', 'bools are raised in int32');
  is(t, logic.not(array([1, 0], 'bool')), [0, 1], 'not of bools');
  is(t, logic.populationCount(array([-1, 0, 5], 'int32')), [32, 0, 2], 'populationCount');
  is(t, max(array([1, 0], 'bool'), array([0, 0], 'bool')), [1, 0], 'max of bools');
  is(t, convert.bitcastConvertType(array([1], 'float32'), 'uint32'), [0x3f800000], 'bits of 1');
  const outside = array([-7, -6e9, 3e9, 5e9, nan, inf], 'float32');
  is(t, convert.convert(outside, 'uint32'), [0, 0, 3e9, 2 ** 32 - 1, 0, 2 ** 32 - 1], 'floats saturate');
  is(t, convert.convert(outside, 'int32'), [-7, -(2 ** 31), 2 ** 31 - 1, 2 ** 31 - 1, 0, 2 ** 31 - 1], 'in int32');
  t.equal(lt(n, 2).dtype, 'bool');
  t.equal(sqrt(n).dtype, 'float32', 'integers become float32');
  t.equal(select(gt(n, 0), 1, 0).aval.toString(), 'f32[3]', 'weak branches become float32');
  t.equal(select(gt(n, 0), n, 0).dtype, 'int32', 'a literal takes the dtype of the other branch');
  t.equal(prod(array([1, 1], 'bool')).dtype, 'int32');
  is(t, any(array([0, 1, 0, 0], 'float64', [2, 2]), { axis: 1 }), [1, 0], 'any');
  is(t, all(array([], 'bool')), [1], 'all of nothing');
  t.end();
});

t.test('order', (t) => {
  const x = array([3, nan, -0, 0, nan, -inf]);
  is(t, sorting.argsort(x), [5, 2, 3, 0, 1, 4], 'stable, NaN last, −0 equal to 0');
  is(t, sorting.sort(x), [-inf, -0, 0, 3, nan, nan], 'sort');
  is(t, argreduce.argmax(x), [1], 'the first NaN wins');
  is(t, argreduce.argmin(array([2, 1, 1])), [1], 'the first of equals');
  t.same(argreduce.argmax(array([1, 2, 3, 4], 'float64', [2, 2]), { axis: 0, keepdims: true }).shape, [1, 2]);
  const [, second] = sorting.sortMulti([array([1, 0, 1], 'int32'), array([2, 5, 1])], { numKeys: 2 });
  is(t, second!, [5, 1, 2], 'two keys');
  const ranked = (v: Value): Value => mul(sorting.sort(v), array([1, 10, 100]));
  is(t, derivative(ranked, array([3, 1, 2])), [100, 1, 10], 'the gradient of a sort goes back to the elements');
  const lanes = array([3, 1, 2, 1, 2, 3], 'float64', [2, 3]);
  const gradients = vmap((v: Value) => derivative(ranked, v as NDArray))(lanes) as Value;
  is(t, gradients, [100, 1, 10, 1, 10, 100], 'in lanes');
  t.end();
});

t.test('weak numbers and rank-0 operands', (t) => {
  const f = (v: Value): Value => select(gt(v, 1), max(v, 2), clamp(0, v, 1));
  t.equal((grad as any)(f)(3).hostData()[0], 1);
  const [, pull] = (vjp as any)((a: Value, b: Value) => max(a, b), [scalar(1), array([0, 1, 2])]);
  const [da, db] = pull(array([1, 1, 1]));
  is(t, da, [1.5], 'the cotangent of a scalar is summed');
  is(t, db, [0, 0.5, 1], 'and its partner keeps its own');
  is(
    t,
    derivative((v) => mul(stopping.stopGradient(v), v), array([3])),
    [3],
    'stopGradient',
  );
  t.end();
});

t.test('errors', (t) => {
  const message = (text: string) => ({ message: text });
  const x = array([1, 2]);
  t.throws(() => select(x, 1, 0), message('select: the predicate must be bool, but is f64[2].'));
  t.throws(
    () => select(eq(x, 1), array([1, 2, 3]), 0),
    message('select: bool[2], f64[3] and f64[] do not broadcast together.'),
  );
  t.throws(() => logic.and(x, x), message('and: needs integer or bool operands, but got f64[2].'));
  t.throws(() => mul(array([1], 'bool'), array([1], 'bool')), message('mul: needs numeric operands, but got bool[1].'));
  t.throws(() => reduceMax(array([])), message('max: f64[0] has no elements to take the extremum of.'));
  t.throws(() => argreduce.argmax(array([])), message('argmax: f64[0] has no elements along axis 0.'));
  t.throws(() => sum(x, { axis: 1 }), message('sum: axis 1 is out of range for f64[2].'));
  t.throws(() => cumulative.cumsum(scalar(1)), message('cumsum: axis 0 is out of range for f64[].'));
  t.throws(() => sorting.sort(x, { axis: 2 }), message('sort: axis 2 is out of range for f64[2].'));
  t.throws(
    () => integerPow(array([1], 'int32'), -1),
    message(
      'integerPow: i32[1] cannot be raised to the negative power -1.\n  hint: convert the base to a floating dtype',
    ),
  );
  t.throws(
    () => convert.bitcastConvertType(x, 'int32'),
    message('bitcastConvertType: f64[2] does not have the width of int32, or is not 32 bits wide.'),
  );
  t.end();
});
