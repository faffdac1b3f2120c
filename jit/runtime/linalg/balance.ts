/** Balancing: exact eigenvalues to the ends, and rows as long as their columns. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, load, op, select } from '../../wasm/code.ts';
import { swapRuns } from '../../wasm/vector-loops.ts';
import { word } from './orders.ts';
import { at, f64, get, put, wide } from './plane.ts';
import { balanceGain, balanceLimit, negligibleSquare } from './spectral-constants.ts';

const one = i32c(1);

/**
 *     balance(n, matrix, row, scales, exchanges, range)
 *
 * in place, as [the reference](../../../src/lax/linalg/balance.ts) does it. `range` takes the rows that are left to the iteration: the first, and
 * the one after the last.
 *
 *     unbalance(n, count, vectors, scales, exchanges, range, inverse)
 *
 * makes vectors in rows those of the matrix as it was; left ones with the inverse scales.
 */
export const balanceFunctions = (): Func[] => [isAlone(), exchange(), runLength(), balance(), unbalance()];

/** is_alone(x, stride, first, end, but) → whether all of these elements are 0 but the one at `but`. */
function isAlone(): Func {
  const f = new FunctionBuilder('is_alone', new Array(5).fill('i32'), 'i32');
  const [x, stride, first, end, but] = f.parameters;
  f.for(first, end, (k) => {
    const element = load('f64.load', add(x, mul(k, stride)));
    f.if(op('i32.and', op('i32.ne', k, but), op('f64.ne', element, f64c(0))), () => f.return(i32c(0)));
  });
  f.return(one);
  return f.build();
}

/** balance_exchange(n, matrix, row, i, j): columns, and then rows. */
function exchange(): Func {
  const f = new FunctionBuilder('balance_exchange', new Array(5).fill('i32'));
  const [n, matrix, row, i, j] = f.parameters;
  f.if(op('i32.eq', i, j), () => f.return());
  const here = f.var(matrix);
  f.for(0, n, () => {
    const kept = f.let(get(here, i));
    put(f, here, i, get(here, j));
    put(f, here, j, kept);
    f.set(here, add(here, row));
  });
  swapRuns(f, wide, add(matrix, mul(i, row)), add(matrix, mul(j, row)), n);
  return f.build();
}

/** run_length(x, stride, count) → the length of a vector; its largest element where squares vanish. */
function runLength(): Func {
  const f = new FunctionBuilder('run_length', new Array(3).fill('i32'), 'f64');
  const [x, stride, count] = f.parameters;
  const [squares, largest] = [f.var(f64c(0)), f.var(f64c(0))];
  f.for(0, count, () => {
    const element = f.let(load('f64.load', x));
    f.set(squares, f64.add(squares, f64.mul(element, element)));
    f.set(largest, op('f64.max', largest, f64.abs(element)));
    f.set(x, add(x, stride));
  });
  f.return(select(op('f64.lt', squares, f64c(negligibleSquare)), largest, f64.sqrt(squares)));
  return f.build();
}

function balance(): Func {
  const f = new FunctionBuilder('balance', new Array(6).fill('i32'));
  const [n, matrix, row, scales, exchanges, range] = f.parameters;
  const [low, high] = [f.var(i32c(0)), f.var(n)];
  const rowAt = (i: Expr): Expr => add(matrix, mul(i, row));
  const alone = (x: Expr, stride: Expr, but: Expr): Expr => ({
    kind: 'call',
    type: 'i32',
    fn: 'is_alone',
    args: [x, stride, low, high, but],
  });
  f.for(0, n, (i) => {
    put(f, scales, i, f64c(1));
    f.store('i32.store', word(exchanges, i), i);
  });
  const i = f.var(sub(n, one));
  f.while(op('i32.ge_s', i, i32c(0)), () => {
    f.if(alone(rowAt(i), i32c(8), i), () => {
      f.set(high, sub(high, one));
      f.store('i32.store', word(exchanges, high), i);
      f.call('balance_exchange', n, matrix, row, i, high);
      f.set(i, high);
    });
    f.set(i, sub(i, one));
  });
  f.set(i, low);
  f.while(op('i32.lt_s', i, high), () => {
    f.if(alone(at(matrix, i), row, i), () => {
      f.store('i32.store', word(exchanges, low), i);
      f.call('balance_exchange', n, matrix, row, i, low);
      f.set(i, low);
      f.set(low, add(low, one));
    });
    f.set(i, add(i, one));
  });
  const again = f.var(one);
  const count = f.let(sub(high, low));
  f.while(again, () => {
    f.set(again, i32c(0));
    f.for(low, high, (k) => {
      const lengthOf = (x: Expr, stride: Expr): Expr => ({
        kind: 'call',
        type: 'f64',
        fn: 'run_length',
        args: [x, stride, count],
      });
      const column = f.var(lengthOf(at(rowAt(low), k), row));
      const across = f.var(lengthOf(at(rowAt(k), low), i32c(8)));
      const neither = op('i32.or', op('f64.eq', column, f64c(0)), op('f64.eq', across, f64c(0)));
      f.if(op('i32.eqz', neither), () => {
        const before = f.let(f64.add(column, across));
        const factor = f.var(f64c(1));
        const whole = (): Expr => f64.mul(factor, get(scales, k));
        const larger = op('f64.lt', column, f64.mul(f64c(0.5), across));
        f.while(op('i32.and', larger, op('f64.lt', whole(), f64c(balanceLimit))), () => {
          f.set(factor, f64.mul(f64c(2), factor));
          f.set(column, f64.mul(f64c(2), column));
          f.set(across, f64.mul(f64c(0.5), across));
        });
        const smaller = op('f64.ge', f64.mul(f64c(0.5), column), across);
        f.while(op('i32.and', smaller, op('f64.gt', whole(), f64c(1 / balanceLimit))), () => {
          f.set(factor, f64.mul(f64c(0.5), factor));
          f.set(column, f64.mul(f64c(0.5), column));
          f.set(across, f64.mul(f64c(2), across));
        });
        f.if(op('f64.lt', f64.add(column, across), f64.mul(f64c(balanceGain), before)), () => {
          f.set(again, one);
          put(f, scales, k, whole());
          const own = f.let(rowAt(k));
          f.for(low, n, (j) => put(f, own, j, f64.div(get(own, j), factor)));
          const place = f.var(at(matrix, k));
          f.for(0, high, () => {
            f.store('f64.store', place, f64.mul(load('f64.load', place), factor));
            f.set(place, add(place, row));
          });
        });
      });
    });
  });
  f.store('i32.store', range, low);
  f.store('i32.store', range, high, 4);
  return f.build();
}

function unbalance(): Func {
  const f = new FunctionBuilder('unbalance', new Array(7).fill('i32'));
  const [n, count, vectors, scales, exchanges, range, inverse] = f.parameters;
  const low = f.let(load('i32.load', range));
  const high = f.let(load('i32.load', range, 4));
  f.if(inverse, () => f.for(0, n, (k) => put(f, scales, k, f64.div(f64c(1), get(scales, k)))));
  f.for(0, count, () => {
    f.for(low, high, (k) => put(f, vectors, k, f64.mul(get(vectors, k), get(scales, k))));
    const exchange = (k: Expr): void => {
      const other = f.let(load('i32.load', word(exchanges, k)));
      const kept = f.let(get(vectors, k));
      put(f, vectors, k, get(vectors, other));
      put(f, vectors, other, kept);
    };
    f.for(0, low, (k) => exchange(f.let(sub(sub(low, one), k))));
    f.for(high, n, exchange);
    f.set(vectors, at(vectors, n));
  });
  f.if(inverse, () => f.for(0, n, (k) => put(f, scales, k, f64.div(f64c(1), get(scales, k)))));
  return f.build();
}
