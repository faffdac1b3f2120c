/** Determinants of complex matrices, by elimination with exchanges of rows. */
import { vmap } from '../../transforms/vectorize.ts';
import { customJvp } from '../control/custom-jvp.ts';
import { foriLoop } from '../control/loops.ts';
import { ShapeError } from '../core/errors.ts';
import type { Value } from '../core/trace.ts';
import { argmax } from '../lax/argreduce.ts';
import { mul, add as sumOf } from '../lax/arithmetic.ts';
import { eq, gt, lt, select } from '../lax/compare.ts';
import { full, iota } from '../lax/creation.ts';
import { expandDims } from '../lax/slicing.ts';
import { exp } from '../lax/transcendental.ts';
import { solve as solveReal } from '../linalg/solve.ts';
import { take } from '../numpy/indexing.ts';
import { trace } from '../numpy/matrices.ts';
import { divide, multiply, subtract } from './arithmetic.ts';
import { ComplexArray } from './complex-array.ts';
import { logModulus } from './exponential.ts';
import { solving } from './linalg.ts';
import { modulus, sign as phaseOf } from './magnitude.ts';
import { planesOf } from './operands.ts';

/** The phase of the determinant of one matrix, and the logarithm of its magnitude. */
function eliminate(re: Value, im: Value): [re: Value, im: Value, logabs: Value] {
  const n = re.shape[0]!;
  const rows = iota('int32', n);
  const start = { a: re, b: im, x: full([], 1, re.dtype), y: full([], 0, re.dtype), log: full([], 0, re.dtype) };
  const end = foriLoop(
    0,
    n,
    (k, { a, b, x, y, log }) => {
      const z = new ComplexArray(a, b);
      const column = take(z.real, k, { axis: 1 });
      const sizes = select(lt(rows, k), -1, modulus(column, take(z.imag, k, { axis: 1 })));
      const best = argmax(sizes, { axis: 0 });
      const order = select(eq(rows, k), best, select(eq(rows, best), k, rows));
      const exchanged = z.take(order, { axis: 0 });
      const row = exchanged.take(k, { axis: 0 });
      const pivot = row.take(k);
      const isZero = eq(modulus(pivot.real, pivot.imag), 0);
      const safe = new ComplexArray(select(isZero, 1, pivot.real), pivot.imag);
      const below = divide(exchanged.take(k, { axis: 1 }), safe);
      const factors = new ComplexArray(select(gt(rows, k), below.real, 0), select(gt(rows, k), below.imag, 0));
      const rest = subtract(exchanged, multiply(factors.expandDims(1), expandDimsOf(row)));
      const turn = multiply(phaseOf(pivot), select(eq(best, k), 1, -1).astype(re.dtype));
      const phase = multiply(new ComplexArray(x, y), turn);
      return {
        a: rest.real,
        b: rest.imag,
        x: phase.real,
        y: phase.imag,
        log: sumOf(log, logModulus(pivot.real, pivot.imag)),
      };
    },
    start,
  );
  return [end.x, end.y, end.log];
}

const expandDimsOf = (z: ComplexArray): ComplexArray =>
  new ComplexArray(expandDims(z.real, [0]), expandDims(z.imag, [0]));

const solve = solving('slogdet', solveReal);

/** d log det A = tr(A⁻¹ dA): its real part is that of the logarithm, its imaginary part turns the phase. */
const phaseAndLog = customJvp((re: Value, im: Value): [Value, Value, Value] => {
  let run: (a: Value, b: Value) => [Value, Value, Value] = eliminate;
  for (let axis = re.ndim; axis > 2; axis--) run = vmap(run) as typeof run;
  return run(re, im);
});
phaseAndLog.defjvp(([re, im], [dre, dim]) => {
  const [x, y, log] = phaseAndLog(re, im);
  const change = solve(new ComplexArray(re, im), new ComplexArray(dre, dim));
  const last = { axis1: -2, axis2: -1 };
  const [dlog, turn] = [trace(change.real, last), trace(change.imag, last)];
  return [
    [x, y, log],
    [mul(mul(y, turn), -1), mul(x, turn), dlog],
  ];
});

/** The phase of the determinant, and the logarithm of its magnitude. */
export function slogdet(name: string, z: ComplexArray): { sign: ComplexArray; logabsdet: Value } {
  const [re, im] = planesOf(name, z);
  if (re.ndim < 2 || re.shape.at(-1) !== re.shape.at(-2))
    throw new ShapeError(`${name}: needs square matrices, but got ${z.describe()}.`);
  const [x, y, logabsdet] = phaseAndLog(re, im);
  return { sign: new ComplexArray(x, y), logabsdet };
}

/** The determinant: what `slogdet` gives, multiplied, as NumPy has it. */
export function det(z: ComplexArray): ComplexArray {
  const { sign, logabsdet } = slogdet('det', z);
  return multiply(sign, exp(logabsdet));
}
