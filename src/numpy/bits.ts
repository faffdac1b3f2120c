/** Truth values as the bits of bytes. There are no arrays of bytes: these are int32 from 0 to 255. */
import type { ArrayLike, NDArray } from '../array.ts';
import { isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkChoice, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkCount } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { packbits as pack, unpackbits as unpack } from '../lax/bits.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { pad, sliceInDim } from '../lax/slicing.ts';
import { axisOf, moveaxis, operand, ravel } from './shape.ts';

export interface BitOptions {
  /** The axis along which bits lie; the elements as a vector when left out. */
  axis?: number | null;
  /** Which bit of a byte comes first: the highest, 'big', when left out. */
  bitorder?: 'big' | 'little';
}

/** The operand with the axis of its bits last, and how to bring a result's back. */
function along(operation: string, x: ArrayLike, { axis = null, bitorder = 'big' }: BitOptions) {
  checkChoice(operation, '`bitorder`', bitorder, ['big', 'little']);
  const given = operand(x, operation);
  if (given.aval.dtype !== 'bool' && !isInteger(given.aval.dtype))
    throw new DtypeError(`${operation}: needs integers or truth values, but got ${given.aval}.`);
  const value = axis === null ? ravel(given) : given;
  const at = axisOf(value, axis ?? 0, operation);
  return { value: moveaxis(value, at, -1), restore: (y: Value): Value => moveaxis(y, -1, at) };
}

/**
 * Eight elements of an axis at a time as the bits of a byte, which are 1 where an element is not 0. Zeros fill up the last. Bytes are int32.
 *
 * @example
 * np.packbits(np.array([true, false, true, false, false, false, false, true, true])); // [161 128]
 * @throws DtypeError on floating elements
 */
export const packbits: (a: ArrayLike, given?: BitOptions) => NDArray = recorded((a, given = {}) => {
  const options = optionsOf('packbits', given, ['axis', 'bitorder']);
  const { value, restore } = along('packbits', a, options);
  return restore(pack(value, options.bitorder ?? 'big'));
});

/**
 * The bits of bytes, the lowest eight of integers, as int32: the first `count` of an axis, all when left out, or all but the last −`count`.
 * Beyond the last bit there are zeros.
 *
 * @example
 * np.unpackbits(np.array([161, 128], { dtype: 'int32' }), { count: 9 }); // [1 0 1 0 0 0 0 1 1]
 * @throws DtypeError on floating elements
 */
export const unpackbits: (a: ArrayLike, given?: BitOptions & { count?: number | null }) => NDArray = recorded(
  (a, given = {}) => {
    const { count = null, ...options } = optionsOf('unpackbits', given, ['axis', 'bitorder', 'count']);
    const { value, restore } = along('unpackbits', a, options);
    const n = 8 * value.shape.at(-1)!;
    const lead = value.shape.slice(0, -1);
    const bits = unpack(value.aval.dtype === 'bool' ? convert(value, 'int32') : value, options.bitorder ?? 'big');
    if (count === null) return restore(bits);
    const wanted = count < 0 ? Math.max(0, n + count) : checkCount(count, 'unpackbits', '`count`');
    if (wanted <= n) return restore(sliceInDim(bits, 0, wanted, 1, lead.length));
    return restore(
      pad(bits, scalar(0, 'int32'), [...lead.map((): [number, number, number] => [0, 0, 0]), [0, wanted - n, 0]]),
    );
  },
);
