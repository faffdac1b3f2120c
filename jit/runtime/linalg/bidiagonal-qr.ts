import { add, mul, sub } from '../../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, op, select } from '../../wasm/code.ts';
import { carryOut, endChain, noteAt } from './chains.ts';
import { at, f64, get, put } from './plane.ts';
import { chainHeader, negligible, patientSteps, tinyLength } from './spectral-constants.ts';

/**
 * Implicit QR on bidiagonal matrices (Golub & Kahan 1965; J. Demmel and W. Kahan, Accurate singular values of bidiagonal matrices,
 * 1990, for steps without a shift):
 *
 *     bidiagonal_qr(n, d, e, u, uCount, v, vCount, uNotes, vNotes) → 1, or 0 after 60 steps for each singular value
 *
 * turns rows of so many elements at u and v.
 */
export const bidiagonalQr = (): Func[] => [iteration(), shiftOf(), step(), unshiftedStep()];

const one = i32c(1);

function iteration(): Func {
  const f = new FunctionBuilder('bidiagonal_qr', new Array(9).fill('i32'), 'i32');
  const [n, d, e, u, uCount, v, vCount, uNotes, vNotes] = f.parameters;
  const [lefts, rights] = [noteAt(f, uNotes, u, uCount), noteAt(f, vNotes, v, vCount)];
  const left = f.var(mul(n, i32c(60)));
  const patience = f.var(i32c(patientSteps));
  // Where many steps have changed nothing, rounding errors of larger elements keep it from becoming smaller.
  const least = f.var(f64c(negligible));
  const loosen = (): void => {
    const largest = f.var(f64c(0));
    f.for(0, n, (i) => {
      f.set(largest, op('f64.max', largest, op('f64.max', f64.abs(get(d, i)), f64.abs(get(e, i)))));
    });
    f.set(least, op('f64.max', least, f64.mul(f64c(Number.EPSILON / 8), largest)));
  };
  const last = f.var(sub(n, one));
  const first = f.local('i32');
  f.while(op('i32.ge_s', last, i32c(0)), () => {
    // The block of rows first … last, in which nothing beside the diagonal is negligible.
    f.set(first, last);
    f.while(op('i32.gt_s', first, i32c(0)), () => {
      const size = f64.add(f64.abs(get(d, first, -1)), f64.abs(get(d, first)));
      const bound = f64.add(f64.mul(f64c(Number.EPSILON), size), least);
      f.if(op('f64.le', f64.abs(get(e, first, -1)), bound), () => {
        put(f, e, first, f64c(0), -1);
        f.break();
      });
      f.set(first, sub(first, one));
    });
    f.if(
      op('i32.eq', first, last),
      () => {
        f.set(last, sub(last, one));
        f.set(patience, i32c(patientSteps));
      },
      () => {
        f.if(op('i32.eqz', left), () => f.return(i32c(0)));
        f.set(left, sub(left, one));
        f.if(op('i32.eqz', patience), loosen);
        f.set(patience, sub(patience, one));
        const shift = f.let(call('bidiagonal_shift', 'f64', first, last, d, e));
        f.if(
          op('f64.eq', shift, f64c(0)),
          () => f.call('bidiagonal_unshifted', first, last, d, e, lefts.end, rights.end),
          () => f.call('bidiagonal_step', first, last, shift, d, e, lefts.end, rights.end),
        );
        const turns = { first, count: sub(last, first), down: false, longest: n };
        f.if(uCount, () => {
          endChain(f, lefts, turns);
          endChain(f, rights, turns);
        });
      },
    );
  });
  carryOut(f, lefts);
  carryOut(f, rights);
  f.for(0, n, (i) => {
    const isNegative = f.let(op('f64.lt', get(d, i), f64c(0)));
    // Of −0 too.
    put(f, d, i, f64.abs(get(d, i)));
    f.if(isNegative, () => {
      const row = f.let(at(v, mul(i, vCount)));
      f.for(0, vCount, (j) => put(f, row, j, f64.neg(get(row, j))));
    });
  });
  f.return(one);
  return f.build();
}

/** c and s with c·x + s·y = r = √(x² + y²). */
function rotation(f: FunctionBuilder, x: Expr, y: Expr): [c: Expr, s: Expr, r: Expr] {
  const [a, b] = [f.var(x), f.var(y)];
  const r = f.var(f64.length(a, b));
  const scale = f.var(f64c(1));
  f.if(op('f64.lt', r, f64c(tinyLength)), () => {
    f.set(scale, f64c(2 ** 600));
    for (const side of [a, b]) f.set(side, f64.mul(side, scale));
    f.set(r, f64.length(a, b));
  });
  const none = f.let(op('f64.eq', r, f64c(0)));
  return [
    f.let(select(none, f64c(1), f64.div(a, r))),
    f.let(select(none, f64c(0), f64.div(b, r))),
    f.let(f64.div(r, scale)),
  ];
}

/** Writes a rotation down and goes on. */
function write(f: FunctionBuilder, notes: Local, c: Expr, s: Expr): void {
  f.store('f64.store', notes, c, chainHeader);
  f.store('f64.store', notes, s, chainHeader + 8);
  f.set(notes, add(notes, i32c(16)));
}

/**
 * bidiagonal_shift(first, last, d, e) → the smaller singular value of the trailing 2×2; 0 where that is negligible, or an element of
 * the diagonal is.
 */
function shiftOf(): Func {
  const f = new FunctionBuilder('bidiagonal_shift', new Array(4).fill('i32'), 'f64');
  const [first, last, d, e] = f.parameters;
  const smaller = (a: Expr, b: Expr): Expr => op('f64.min', a, b);
  const larger = (a: Expr, b: Expr): Expr => op('f64.max', a, b);
  const size = (run: Expr, i: Expr, offset = 0): Expr => f64.abs(get(run, i, offset));
  const least = f.var(size(d, last));
  const largest = f.var(least);
  f.for(first, last, (i) => {
    f.set(least, smaller(least, size(d, i)));
    f.set(largest, larger(largest, larger(size(d, i), size(e, i))));
  });
  f.if(op('f64.le', least, f64.mul(f64c(Number.EPSILON), largest)), () => f.return(f64c(0)));
  const [x, y, z] = [f.let(size(d, last, -1)), f.let(size(d, last)), f.let(size(e, last, -1))];
  const [short, long] = [f.let(smaller(x, y)), f.let(larger(x, y))];
  const most = f.let(larger(long, z));
  const part = (value: Expr): Expr => f.let(f64.div(value, most));
  const [sum, difference, beside] = [part(f64.add(long, short)), part(f64.sub(long, short)), part(z)];
  const length = f64.add(f64.length(sum, beside), f64.length(difference, beside));
  const shift = f.let(f64.mul(f64.div(f64.mul(f64c(2), short), length), f64.div(long, most)));
  const ratio = f.let(f64.div(shift, size(d, first)));
  f.return(select(op('f64.lt', f64.mul(ratio, ratio), f64c(Number.EPSILON)), f64c(0), shift));
  return f.build();
}

/** bidiagonal_step(first, last, shift, d, e, lefts, rights) writes rotations down there. */
function step(): Func {
  const b = new FunctionBuilder('bidiagonal_step', ['i32', 'i32', 'f64', 'i32', 'i32', 'i32', 'i32']);
  const [first, last, shift, d, e, lefts, rights] = b.parameters;
  const head = b.let(get(d, first));
  const sign = op('f64.copysign', f64c(1), head);
  const f = b.var(f64.mul(f64.sub(f64.abs(head), shift), f64.add(sign, f64.div(shift, head))));
  const g = b.var(get(e, first));
  b.for(first, last, (j) => {
    const next = b.let(add(j, one));
    const [c, s, r] = rotation(b, f, g);
    b.if(op('i32.gt_s', j, first), () => put(b, e, j, r, -1));
    const [dj, ej] = [b.let(get(d, j)), b.let(get(e, j))];
    b.set(f, f64.add(f64.mul(c, dj), f64.mul(s, ej)));
    const beside = b.let(f64.sub(f64.mul(c, ej), f64.mul(s, dj)));
    b.set(g, f64.mul(s, get(d, next)));
    const below = b.let(f64.mul(c, get(d, next)));
    write(b, rights, c, s);
    const [c2, s2, r2] = rotation(b, f, g);
    put(b, d, j, r2);
    b.set(f, f64.add(f64.mul(c2, beside), f64.mul(s2, below)));
    put(b, d, next, f64.sub(f64.mul(c2, below), f64.mul(s2, beside)));
    b.set(g, f64.mul(s2, get(e, next)));
    put(b, e, next, f64.mul(c2, get(e, next)));
    write(b, lefts, c2, s2);
  });
  put(b, e, last, f, -1);
  return b.build();
}

/**
 * bidiagonal_unshifted(first, last, d, e, lefts, rights): without a shift nothing is subtracted, so that small singular values keep
 * their digits. An element 0 of the diagonal is at the end after one step, and decoupled.
 */
function unshiftedStep(): Func {
  const b = new FunctionBuilder('bidiagonal_unshifted', new Array(6).fill('i32'));
  const [first, last, d, e, lefts, rights] = b.parameters;
  const [cos, cos2, sin2] = [b.var(f64c(1)), b.var(f64c(1)), b.var(f64c(0))];
  b.for(first, last, (j) => {
    const [c, s, r] = rotation(b, f64.mul(get(d, j), cos), get(e, j));
    b.set(cos, c);
    b.if(op('i32.gt_s', j, first), () => put(b, e, j, f64.mul(sin2, r), -1));
    write(b, rights, c, s);
    const [c2, s2, r2] = rotation(b, f64.mul(cos2, r), f64.mul(get(d, j, 1), s));
    put(b, d, j, r2);
    b.set(cos2, c2);
    b.set(sin2, s2);
    write(b, lefts, c2, s2);
  });
  const end = b.let(f64.mul(get(d, last), cos));
  put(b, d, last, f64.mul(end, cos2));
  put(b, e, last, f64.mul(end, sin2), -1);
  return b.build();
}
