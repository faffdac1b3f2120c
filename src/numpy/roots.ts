/** Roots of polynomials, and polynomials of complex roots. */
import type { ArrayLike } from '../array.ts';
import { ComplexArray } from '../complex/complex-array.ts';
import { ShapeError, TraceError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { recordedList } from '../core/recorded.ts';
import { range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { argmin } from '../lax/argreduce.ts';
import { add, div, mul, sub } from '../lax/arithmetic.ts';
import { eq, lt, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { broadcastedIota, full, scalar } from '../lax/creation.ts';
import { eig } from '../lax/linalg.ts';
import { and } from '../lax/logic.ts';
import { reshape } from '../lax/movement.ts';
import { difference, mapped, type Planes, product } from '../lax/planes.ts';
import { all } from '../lax/reductions.ts';
import { concatenate, pad, slice } from '../lax/slicing.ts';
import { argsort } from '../lax/sort.ts';
import { toFloating } from '../promote.ts';
import { strong } from './array.ts';
import { eye } from './creation.ts';
import { take } from './indexing.ts';
import { operand } from './shape.ts';

const valuesOnly = { computeLeftEigenvectors: false, computeRightEigenvectors: false } as const;

/** The planes of the eigenvalues of the companion matrix of p, whose leading coefficient is not 0. */
const companionRoots: (p: Value) => Value[] = recordedList((p) => {
  const n = p.size - 1;
  const lead = slice(p, [0], [1]);
  const first = reshape(sub(0, div(slice(p, [1], [n + 1]), lead)), [1, n]);
  const companion = n === 1 ? first : concatenate([first, eye(n - 1, n, { dtype: p.dtype })], 0);
  const [{ real, imag }] = eig(companion, valuesOnly);
  return [real, imag];
});

/** How many coefficients there are before the first that is not 0: read, or an error that says how to go on. */
function leadingZeros(p: Value): number {
  try {
    const found = ne(p, 0).read('roots').indexOf(1);
    return found < 0 ? p.size : found;
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    throw new TraceError('roots: the number of leading zeros of traced coefficients is not known.', {
      hint: 'with `stripZeros: false` there are as many roots as coefficients but one, NaN at the end in place of what is missing',
    });
  }
}

export interface RootsOptions {
  /**
   * Drop leading zeros, whose number must be known; else the number of roots is that of the coefficients less one, and for each leading zero
   * the last is NaN. Default true.
   */
  stripZeros?: boolean;
}

/**
 * The roots of the polynomial p[0] xⁿ + … + p[n], always complex: the eigenvalues of its companion matrix, balanced (A. Edelman and H. Murakami,
 * Polynomial roots from companion matrix eigenvalues, 1995). In the order of `linalg.eigvals`. Simple roots have derivatives.
 *
 * @example
 * np.roots(np.array([1, -3, 2])).real; // [2. 1.]
 * @throws ShapeError when `p` is no vector
 * @throws TraceError with traced coefficients, unless `stripZeros: false`
 */
export function roots(p: ArrayLike, given: RootsOptions = {}): ComplexArray {
  const { stripZeros = true } = optionsOf('roots', given, ['stripZeros']);
  const value = toFloating(strong(operand(p, 'roots')), 'roots');
  if (value.ndim > 1) throw new ShapeError(`roots: the coefficients must be a vector, but they are ${value.aval}.`);
  const list = reshape(value, [value.size]);
  if (list.size < 2) return none(list);
  if (stripZeros) {
    const zeros = leadingZeros(list);
    if (list.size - zeros < 2) return none(list);
    const [real, imag] = companionRoots(zeros === 0 ? list : slice(list, [zeros], [list.size]));
    return new ComplexArray(real!, imag!);
  }
  const [real, imag] = rolledRoots(list);
  return new ComplexArray(real!, imag!);
}

const none = ({ dtype }: Value): ComplexArray => new ComplexArray(full([0], 0, dtype), full([0], 0, dtype));

/** Leading zeros become trailing ones, which have roots that are exactly 0; these go to the end, and become NaN. */
const rolledRoots: (p: Value) => Value[] = recordedList((p) => {
  const n = p.size;
  const isZero = eq(p, 0);
  const count = select(all(isZero), n, argmin(convert(isZero, 'int32'), { axis: 0 }));
  const places = add(broadcastedIota('int32', [n], 0), count);
  const rolled = take(p, select(lt(places, n), places, sub(places, n)));
  const [real, imag] = companionRoots(select(all(isZero), 1, rolled)) as [Value, Value];
  const order = argsort(convert(and(eq(real, 0), eq(imag, 0)), 'int32'));
  const isRoot = lt(add(broadcastedIota('int32', [n - 1], 0), count), n - 1);
  return [real, imag].map((plane) => select(isRoot, take(plane, order), Number.NaN));
});

/** The polynomial det(x − a): its roots are complex, but they come in pairs. */
export function characteristic(a: Value): Value {
  const [{ real, imag }] = eig(a, valuesOnly);
  const one = full([1], 1, a.dtype);
  const zero = scalar(0, a.dtype);
  const [first] = range(real.size).reduce<Planes>(
    (z, i) => {
      const root = mapped((plane) => slice(plane, [i], [i + 1]), [real, imag]);
      const shifted = mapped((plane) => pad(plane, zero, [[0, 1, 0]]), z);
      return difference(
        shifted,
        mapped((plane) => pad(plane, zero, [[1, 0, 0]]), product(root, z)),
      );
    },
    [one, mul(one, 0)],
  );
  return first;
}
