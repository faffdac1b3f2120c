/** Hessenberg matrices to real Schur form, by implicit double-shift QR steps. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, load, op, select } from '../../wasm/code.ts';
import { writeReflection } from './bulge.ts';
import { at, f64, get, put } from './plane.ts';
import {
  dropped,
  negligibleSquare,
  patientSweeps,
  reflectionBytes,
  strangeSweeps,
  windowSteps,
} from './spectral-constants.ts';
import { blockAt } from './standard-block.ts';

const one = i32c(1);
const tiny = f64c(Number.EPSILON);

/**
 *     francis(n, low, high, whole, matrix, row, z, zRow, re, im, notes) → 1, or 0 where the iteration does not end
 *
 * as [the reference](../../../src/lax/linalg/francis.ts) does it. Behind the rows of `matrix` there is one of zeros, and behind those of z, which are turned along.
 * With `whole` = 0 there are only eigenvalues, and z is not touched. `notes` is room for `windowSteps` reflections and a block.
 *
 * A step goes down the diagonal in windows: within one, rows and columns are reflected at once, and what is right of it, above it and in z
 * follows when it is through, several reflections on each element.
 */
export const francisFunctions = (): Func[] => [firstRow(), shifts(), startingRow(), sweep(), split(), francis()];

const rowAt = (matrix: Expr, row: Expr, i: Expr): Expr => add(matrix, mul(i, row));
const i32call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', type: 'i32', fn, args });

/** schur_start(low, last, high, matrix, row): the row after the last element beside the diagonal that may be taken for 0. */
function firstRow(): Func {
  const f = new FunctionBuilder('schur_start', new Array(5).fill('i32'), 'i32');
  const [low, last, high, matrix, row] = f.parameters;
  const k = f.var(last);
  f.while(op('i32.gt_s', k, low), () => {
    const own = f.let(rowAt(matrix, row, k));
    const over = f.let(sub(own, row));
    const besideDiagonal = f.let(f64.abs(get(own, k, -1)));
    f.if(op('f64.le', besideDiagonal, f64c(dropped)), () => f.break());
    const [above, here] = [f.let(get(over, k, -1)), f.let(get(own, k))];
    const size = f.var(f64.add(f64.abs(above), f64.abs(here)));
    f.if(op('f64.eq', size, f64c(0)), () => {
      f.if(op('i32.ge_s', sub(k, i32c(2)), low), () => f.set(size, f64.add(size, f64.abs(get(over, k, -2)))));
      f.if(op('i32.lt_s', add(k, one), high), () => f.set(size, f64.add(size, f64.abs(get(add(own, row), k)))));
    });
    f.if(op('f64.le', besideDiagonal, f64.mul(tiny, size)), () => {
      const across = f.let(f64.abs(get(over, k)));
      const apart = f.let(f64.abs(f64.sub(above, here)));
      const most = (x: Expr, y: Expr): Expr => f.let(op('f64.max', x, y));
      const least = (x: Expr, y: Expr): Expr => f.let(op('f64.min', x, y));
      const [ab, ba] = [most(besideDiagonal, across), least(besideDiagonal, across)];
      const [aa, bb] = [most(f64.abs(here), apart), least(f64.abs(here), apart)];
      const s = f.let(f64.add(aa, ab));
      const bound = op('f64.max', f64c(dropped), f64.mul(tiny, f64.mul(bb, f64.div(aa, s))));
      f.if(op('f64.le', f64.mul(ba, f64.div(ab, s)), bound), () => f.break());
    });
    f.set(k, sub(k, one));
  });
  f.return(k);
  return f.build();
}

/** schur_shifts(first, last, sweeps, matrix, row, to): two real parts and an imaginary one. */
function shifts(): Func {
  const f = new FunctionBuilder('schur_shifts', new Array(6).fill('i32'));
  const [first, last, sweeps, matrix, row, to] = f.parameters;
  const own = f.let(rowAt(matrix, row, last));
  const over = f.let(sub(own, row));
  const [a, b] = [f.var(get(over, last, -1)), f.var(get(over, last))];
  const [c, d] = [f.var(get(own, last, -1)), f.var(get(own, last))];
  const phase = f.let(op('i32.rem_s', sweeps, i32c(2 * strangeSweeps)));
  const strange = (s: Expr, from: Expr): void => {
    f.set(a, f64.add(f64.mul(f64c(0.75), s), from));
    f.set(d, a);
    f.set(b, f64.mul(f64c(-0.4375), s));
    f.set(c, s);
  };
  f.if(op('i32.eq', phase, i32c(strangeSweeps - 1)), () => {
    const top = f.let(rowAt(matrix, row, first));
    const next = f.let(add(top, row));
    const s = f.let(f64.add(f64.abs(get(next, first)), f64.abs(get(add(next, row), first, 1))));
    strange(s, get(top, first));
  });
  f.if(op('i32.eq', phase, i32c(2 * strangeSweeps - 1)), () => {
    const s = f.let(f64.add(f64.abs(c), f64.abs(get(over, last, -2))));
    strange(s, d);
  });
  const size = f.let(f64.add(f64.add(f64.add(f64.abs(a), f64.abs(b)), f64.abs(c)), f64.abs(d)));
  const done = (real: Expr, im: Expr): void => {
    f.store('f64.store', to, real);
    f.store('f64.store', to, im, 8);
    f.return();
  };
  f.if(op('f64.eq', size, f64c(0)), () => done(f64c(0), f64c(0)));
  const [p, q, r, s] = [a, b, c, d].map((x) => f.let(f64.div(x, size))) as [Expr, Expr, Expr, Expr];
  const middle = f.let(f64.mul(f64c(0.5), f64.add(p, s)));
  const square = f.let(f64.sub(f64.mul(f64.sub(p, middle), f64.sub(s, middle)), f64.mul(q, r)));
  const root = f.let(f64.sqrt(f64.abs(square)));
  f.if(op('f64.ge', square, f64c(0)), () => done(f64.mul(middle, size), f64.mul(root, size)));
  const [upper, lower] = [f.let(f64.add(middle, root)), f.let(f64.sub(middle, root))];
  const isUpper = op('f64.le', f64.abs(f64.sub(upper, s)), f64.abs(f64.sub(lower, s)));
  done(f64.mul(select(isUpper, upper, lower), size), f64c(0));
  return f.build();
}

/** schur_top(first, last, matrix, row, shifts, to): the row at which a step may begin, and the vector that it begins with. */
function startingRow(): Func {
  const f = new FunctionBuilder('schur_top', new Array(6).fill('i32'), 'i32');
  const [first, last, matrix, row, shiftsAt, to] = f.parameters;
  const real = f.let(load('f64.load', shiftsAt));
  const im = f.let(load('f64.load', shiftsAt, 8));
  const start = f.var(sub(last, i32c(2)));
  f.while(one, () => {
    const top = f.let(rowAt(matrix, row, start));
    const next = f.let(add(top, row));
    const [own, following] = [f.let(get(top, start)), f.let(get(next, start, 1))];
    const below = f.let(get(next, start));
    const apart = f.let(f64.sub(own, real));
    const size = f.let(f64.add(f64.add(f64.abs(apart), im), f64.abs(below)));
    const share = f.let(f64.div(below, size));
    const square = f64.add(f64.mul(apart, f64.div(apart, size)), f64.mul(im, f64.div(im, size)));
    const x = f.let(f64.add(f64.mul(share, get(top, start, 1)), square));
    const y = f.let(f64.mul(share, f64.sub(f64.sub(f64.add(own, following), real), real)));
    const z = f.let(f64.mul(share, get(add(next, row), start, 1)));
    const sum = f.let(f64.add(f64.add(f64.abs(x), f64.abs(y)), f64.abs(z)));
    [x, y, z].forEach((value, k) => {
      f.store('f64.store', to, f64.div(value, sum), 8 * k);
    });
    f.if(op('i32.eq', start, first), () => f.return(start));
    const around = f64.add(f64.add(f64.abs(get(sub(top, row), start, -1)), f64.abs(own)), f64.abs(following));
    const coupling = f64.mul(f64.abs(get(top, start, -1)), f64.div(f64.add(f64.abs(y), f64.abs(z)), sum));
    const bound = f64.mul(f64.mul(tiny, f64.div(f64.abs(x), sum)), around);
    f.if(op('f64.le', coupling, bound), () => f.return(start));
    f.set(start, sub(start, one));
  });
  f.return(start);
  return f.build();
}

const smaller = (x: Expr, y: Expr): Expr => select(op('i32.lt_s', x, y), x, y);

/** schur_sweep(n, first, last, whole, matrix, row, z, zRow, start, vector, notes): one step from row `start` on. */
function sweep(): Func {
  const f = new FunctionBuilder('schur_sweep', new Array(11).fill('i32'));
  const [n, first, last, whole, matrix, row, z, zRow, start, vector, notes] = f.parameters;
  const beta = f.local('f64');
  const end = f.let(select(whole, n, add(last, one)));
  const top = f.let(select(whole, i32c(0), first));
  const begin = f.var(start);
  f.while(op('i32.lt_s', begin, last), () => {
    const stop = f.let(smaller(add(begin, i32c(windowSteps)), last));
    // The rows and columns of the last reflection, and the column that the next window begins with.
    const edge = f.let(smaller(add(stop, i32c(2)), last));
    const note = f.var(notes);
    f.for(begin, stop, (k) => {
      const own = f.let(rowAt(matrix, row, k));
      const left = f.let(at(own, sub(k, one)));
      const hasThree = f.let(op('i32.lt_s', add(k, one), last));
      f.if(
        op('i32.eq', k, start),
        () => {
          const [x, y, w] = [0, 8, 16].map((offset) => f.let(load('f64.load', vector, offset))) as [Expr, Expr, Expr];
          writeReflection(f, note, [x, y, w], beta, negligibleSquare);
          f.if(op('i32.gt_s', start, first), () => {
            const kept = f64.sub(f64c(1), load('f64.load', note));
            f.store('f64.store', left, f64.mul(load('f64.load', left), kept));
          });
        },
        () => {
          const third = f.var(f64c(0));
          f.if(hasThree, () => f.set(third, load('f64.load', add(left, op('i32.shl', row, one)))));
          writeReflection(
            f,
            note,
            [f.let(load('f64.load', left)), f.let(load('f64.load', add(left, row))), third],
            beta,
            negligibleSquare,
          );
          f.store('f64.store', left, beta);
          f.store('f64.store', add(left, row), f64c(0));
          f.if(hasThree, () => f.store('f64.store', add(left, op('i32.shl', row, one)), f64c(0)));
        },
      );
      f.call('bulge_rows', at(own, k), row, sub(add(edge, one), k), one, note);
      const deepest = smaller(add(k, i32c(3)), last);
      f.call('bulge_columns', at(rowAt(matrix, row, begin), k), row, sub(add(deepest, one), begin), one, note);
      f.set(note, add(note, i32c(reflectionBytes)));
    });
    const steps = f.let(sub(stop, begin));
    const right = f.let(add(edge, one));
    f.call('bulge_rows', at(rowAt(matrix, row, begin), right), row, sub(end, right), steps, notes);
    f.call('bulge_columns', at(rowAt(matrix, row, top), begin), row, sub(begin, top), steps, notes);
    f.if(whole, () => f.call('bulge_rows', rowAt(z, zRow, begin), zRow, n, steps, notes));
    f.set(begin, stop);
  });
  return f.build();
}

/** schur_split(n, last, whole, matrix, row, z, zRow, re, im, block): the eigenvalues of the two rows up to `last`, in standard form. */
function split(): Func {
  const f = new FunctionBuilder('schur_split', new Array(10).fill('i32'));
  const [n, last, whole, matrix, row, z, zRow, re, im, block] = f.parameters;
  const top = f.let(sub(last, one));
  const own = f.let(at(rowAt(matrix, row, top), top));
  const below = f.let(add(own, row));
  const places = [own, add(own, i32c(8)), below, add(below, i32c(8))];
  places.forEach((place, k) => {
    f.store('f64.store', block, load('f64.load', place), 8 * k);
  });
  f.call('standard_block', block);
  const number = (offset: number): Expr => load('f64.load', block, offset);
  put(f, re, top, number(blockAt.a));
  put(f, re, last, number(blockAt.d));
  put(f, im, top, number(blockAt.im));
  put(f, im, last, f64.sub(f64c(0), number(blockAt.im)));
  f.if(whole, () => {
    const [c, s] = [f.let(number(blockAt.cosine)), f.let(number(blockAt.sine))];
    const next = f.let(add(last, one));
    f.call('rotate', add(own, i32c(16)), add(below, i32c(16)), sub(n, next), c, s);
    const place = f.var(at(matrix, top));
    f.for(0, top, () => {
      const [x, y] = [f.let(load('f64.load', place)), f.let(load('f64.load', place, 8))];
      f.store('f64.store', place, f64.add(f64.mul(c, x), f64.mul(s, y)));
      f.store('f64.store', place, f64.sub(f64.mul(c, y), f64.mul(s, x)), 8);
      f.set(place, add(place, row));
    });
    f.call('rotate', rowAt(z, zRow, top), rowAt(z, zRow, last), n, c, s);
  });
  places.forEach((place, k) => {
    f.store('f64.store', place, number(8 * k));
  });
  return f.build();
}

/** With so many sweeps for a row before the iteration has failed. */
export function francis(patience: number = patientSweeps): Func {
  const f = new FunctionBuilder('francis', new Array(11).fill('i32'), 'i32');
  const [n, low, high, whole, matrix, row, z, zRow, re, im, notes] = f.parameters;
  const block = f.let(add(notes, i32c(reflectionBytes * windowSteps)));
  f.for(0, n, (i) => {
    put(f, re, i, get(rowAt(matrix, row, i), i));
    put(f, im, i, f64c(0));
  });
  const last: Local = f.var(sub(high, one));
  const sweeps = f.var(i32c(0));
  const size = f.let(sub(high, low));
  const left = f.var(mul(i32c(patience), select(op('i32.gt_s', size, i32c(10)), size, i32c(10))));
  f.while(op('i32.ge_s', last, low), () => {
    const first = f.let(i32call('schur_start', low, last, high, matrix, row));
    f.if(op('i32.gt_s', first, low), () => put(f, rowAt(matrix, row, first), first, f64c(0), -1));
    f.if(
      op('i32.ge_s', first, sub(last, one)),
      () => {
        f.if(
          op('i32.eq', first, last),
          () => put(f, re, last, get(rowAt(matrix, row, last), last)),
          () => f.call('schur_split', n, last, whole, matrix, row, z, zRow, re, im, block),
        );
        f.set(last, sub(first, one));
        f.set(sweeps, i32c(0));
      },
      () => {
        f.if(op('i32.eqz', left), () => f.return(i32c(0)));
        f.set(left, sub(left, one));
        f.call('schur_shifts', first, last, sweeps, matrix, row, block);
        f.set(sweeps, add(sweeps, one));
        const vector = add(block, i32c(16));
        const start = f.let(i32call('schur_top', first, last, matrix, row, block, vector));
        f.call('schur_sweep', n, first, last, whole, matrix, row, z, zRow, start, vector, notes);
      },
    );
  });
  f.return(one);
  return f.build();
}
