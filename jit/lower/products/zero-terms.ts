import { panelStride, panelWidth } from '../../runtime/pack.ts';
import { type Expr, type Func, FunctionBuilder, i32c, i32x4c, load, op } from '../../wasm/code.ts';
import { offsetBy } from '../../wasm/loop-nest.ts';
import type { Lanes } from '../expressions/lanes.ts';

/**
 * Products leave out what they would multiply by zeros: behind a mask of what comes later, or of padding, the weights of
 * attention are zero from some column on. 0·x is 0 but where x is infinite or NaN, so that all of B must be finite.
 */

/** Bytes of a row that are looked at together: a line of the cache. */
const together = 64;

/**
 * used(a, rows, limit): from which column on all rows are zero up to column `limit`, rounded up to a few; not 0. Rows of
 * `columns` elements are `apart` bytes apart; the limit is a multiple of `together`, or all of them.
 */
export function usedColumns(e: Lanes, columns: number, apart: number): Func {
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32'], 'i32');
  const [a, rows, limit] = [f.param(0), f.param(1), f.param(2)];
  const bytes = columns * e.bytes;
  const whole = bytes - (bytes % together);
  const at = f.local('i32');
  const some = f.var(i32x4c(0));
  const each = (offset: Expr, read: () => Expr): void => {
    f.set(at, op('i32.add', a, offset));
    f.for(0, rows, () => {
      f.set(some, op('v128.or', some, read()));
      f.set(at, offsetBy(at, apart));
    });
  };
  // Without the sign, which is a zero's too.
  const isSome = op('v128.any_true', op(`${e.bytes === 4 ? 'i32x4' : 'i64x2'}.shl`, some, i32c(1)));
  const last = range16(bytes - whole, e.bytes);
  const left = f.var(op('i32.mul', limit, i32c(e.bytes)));
  if (last.length > 0)
    f.if(op('i32.eq', limit, i32c(columns)), () => {
      each(i32c(whole), () => last.map((offset) => load(e.splat, at, offset)).reduce((x, y) => op('v128.or', x, y)));
      f.if(isSome, () => f.return(limit));
      f.set(left, i32c(whole));
    });
  f.while(op('i32.gt_u', left, i32c(together)), () => {
    each(op('i32.sub', left, i32c(together)), () =>
      [0, 16, 32, 48].map((offset) => load('v128.load', at, offset)).reduce((x, y) => op('v128.or', x, y)),
    );
    f.if(isSome, () => f.return(op('i32.div_u', left, i32c(e.bytes))));
    f.set(left, op('i32.sub', left, i32c(together)));
  });
  f.return(i32c(Math.min(columns, together / e.bytes)));
  return f.build();
}

const range16 = (bytes: number, step: number): number[] => Array.from({ length: bytes / step }, (_, i) => i * step);

/** finite(panels): whether all elements of a packed B of n columns, k to each, are finite. */
export function finitePanels(e: Lanes, n: number, k: number): Func {
  const f = new FunctionBuilder('', ['i32'], 'i32');
  const at = f.local('i32');
  const first = f.var(f.param(0));
  // x·0 is 0, or NaN, which stays.
  const sums = [f.var(i32x4c(0)), f.var(i32x4c(0))];
  const zero = i32x4c(0);
  f.for(0, Math.ceil((n * e.bytes) / panelWidth), () => {
    f.set(at, first);
    f.for(0, k, () => {
      sums.forEach((sum, i) => {
        f.set(sum, op(`${e.shape}.add`, sum, op(`${e.shape}.mul`, load('v128.load', at, 16 * i), zero)));
      });
      f.set(at, offsetBy(at, panelWidth));
    });
    f.set(first, offsetBy(first, panelStride(k)));
  });
  const [x, y] = sums as [Expr, Expr];
  f.return(op(`${e.bytes === 4 ? 'i32x4' : 'i64x2'}.all_true`, op(`${e.shape}.eq`, op(`${e.shape}.add`, x, y), zero)));
  return f.build();
}
