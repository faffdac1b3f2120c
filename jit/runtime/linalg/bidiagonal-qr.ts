import { type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, op, select } from '../../code.ts';
import { add, mul, sub } from './blocks.ts';
import { carryOut, endChain, noteAt } from './chains.ts';
import { at, f64, get, put } from './plane.ts';
import { chainHeader, negligible } from './spectral-constants.ts';

/**
 * Implicit QR on bidiagonal matrices:
 *
 *     bidiagonal_qr(n, d, e, u, uCount, v, vCount, uNotes, vNotes) → 1, or 0 after 60 steps for each singular value
 *
 * turns rows of so many elements at u and v.
 */
export const bidiagonalQr = (): Func[] => [iteration(), step(), clearLast(), clearRow()];

const one = i32c(1);
/** Steps for one singular value: two or three are usual. */
const patientSteps = 20;
const parameters = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;

function iteration(): Func {
  const f = new FunctionBuilder('bidiagonal_qr', new Array(9).fill('i32'), 'i32');
  const [n, d, e, u, uCount, v, vCount, uNotes, vNotes] = f.parameters;
  const tables = [u, uCount, v, vCount];
  const [lefts, rights] = [noteAt(f, uNotes, u, uCount), noteAt(f, vNotes, v, vCount)];
  const turnRows = (): void => {
    carryOut(f, lefts);
    carryOut(f, rights);
  };
  const left = f.var(mul(n, i32c(60)));
  /**
   * Up to ε of its neighbours, or negligible beside everything: where many steps have changed nothing, rounding errors of larger
   * elements keep it from becoming smaller.
   */
  const least = f.var(f64c(negligible));
  const patience = f.var(i32c(patientSteps));
  const small = (x: Expr, size: Expr): Expr =>
    op('f64.le', f64.abs(x), f64.add(f64.mul(f64c(Number.EPSILON), size), least));
  const loosen = (): void => {
    const largest = f.var(f64c(0));
    f.for(0, n, (i) => {
      f.set(largest, op('f64.max', largest, op('f64.max', f64.abs(get(d, i)), f64.abs(get(e, i)))));
    });
    f.set(least, op('f64.max', least, f64.mul(f64c(Number.EPSILON / 8), largest)));
  };
  const last = f.var(sub(n, one));
  const [first, zero] = [f.local('i32'), f.local('i32')];
  f.while(op('i32.ge_s', last, i32c(0)), () => {
    // The block of rows first … last, in which nothing beside the diagonal is negligible.
    f.set(first, last);
    f.while(op('i32.gt_s', first, i32c(0)), () => {
      f.if(small(get(e, first, -1), f64.add(f64.abs(get(d, first, -1)), f64.abs(get(d, first)))), () => {
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
        // A negligible diagonal element decouples: rotations move what stands beside it out of its row, or its column.
        f.set(zero, last);
        f.while(op('i32.ge_s', zero, first), () => {
          const after = select(op('i32.lt_s', zero, last), f64.abs(get(e, zero)), f64c(0));
          const before = f.var(f64c(0));
          f.if(op('i32.gt_s', zero, first), () => f.set(before, f64.abs(get(e, zero, -1))));
          f.if(small(get(d, zero), f64.add(after, before)), () => f.break());
          f.set(zero, sub(zero, one));
        });
        const clear = (name: string, from: Expr): void => {
          turnRows();
          f.call(name, from, last, d, e, ...tables);
        };
        f.if(
          op('i32.ge_s', zero, first),
          () => {
            f.if(
              op('i32.eq', zero, last),
              () => clear('bidiagonal_clear_last', first),
              () => clear('bidiagonal_clear_row', zero),
            );
          },
          () => {
            f.call('bidiagonal_step', first, last, d, e, lefts.end, rights.end);
            const turns = { first, count: sub(last, first), down: false, longest: n };
            f.if(uCount, () => {
              endChain(f, lefts, turns);
              endChain(f, rights, turns);
            });
          },
        );
      },
    );
  });
  turnRows();
  f.for(0, n, (i) => {
    f.if(op('f64.lt', get(d, i), f64c(0)), () => {
      put(f, d, i, f64.neg(get(d, i)));
      const row = f.let(at(v, mul(i, vCount)));
      f.for(0, vCount, (j) => put(f, row, j, f64.neg(get(row, j))));
    });
  });
  f.return(one);
  return f.build();
}

/** c and s with c·x + s·y = r = √(x² + y²). */
function rotation(f: FunctionBuilder, x: Expr, y: Expr): [c: Expr, s: Expr, r: Expr] {
  const r = f.let(f64.length(x, y));
  const none = f.let(op('f64.eq', r, f64c(0)));
  return [f.let(select(none, f64c(1), f64.div(x, r))), f.let(select(none, f64c(0), f64.div(y, r))), r];
}

function rotate(f: FunctionBuilder, table: Expr, count: Expr, i: Expr, j: Expr, c: Expr, s: Expr): void {
  f.call('rotate', at(table, mul(i, count)), at(table, mul(j, count)), count, c, s);
}

/**
 * bidiagonal_step(first, last, d, e, lefts, rights) writes rotations down there: the shift is an eigenvalue of the trailing 2×2
 * of BᵀB.
 */
function step(): Func {
  const b = new FunctionBuilder('bidiagonal_step', new Array(6).fill('i32'));
  const [first, last, d, e, lefts, rights] = b.parameters;
  const write = (notes: Local, c: Expr, s: Expr): void => {
    b.store('f64.store', notes, c, chainHeader);
    b.store('f64.store', notes, s, chainHeader + 8);
    b.set(notes, add(notes, i32c(16)));
  };
  const x = b.let(get(d, last));
  const y = b.let(get(d, last, -1));
  const z = b.let(get(e, last, -1));
  const half = b.let(f64.mul(f64c(0.5), f64.add(f64.mul(f64.add(y, x), f64.sub(y, x)), f64.mul(z, z))));
  const xz = b.let(f64.mul(x, z));
  const root = b.let(f64.length(half, xz));
  const divisor = b.let(select(op('f64.lt', half, f64c(0)), f64.sub(half, root), f64.add(half, root)));
  const shift = select(op('f64.eq', divisor, f64c(0)), f64c(0), f64.div(f64.mul(xz, xz), divisor));
  const head = b.let(get(d, first));
  const f = b.var(f64.add(f64.mul(f64.add(head, x), f64.sub(head, x)), shift));
  const g = b.var(f64.mul(head, get(e, first)));
  b.for(first, last, (j) => {
    const next = b.let(add(j, one));
    const [c, s, r] = rotation(b, f, g);
    b.if(op('i32.gt_s', j, first), () => put(b, e, j, r, -1));
    const [dj, ej] = [b.let(get(d, j)), b.let(get(e, j))];
    b.set(f, f64.add(f64.mul(c, dj), f64.mul(s, ej)));
    const beside = b.let(f64.sub(f64.mul(c, ej), f64.mul(s, dj)));
    b.set(g, f64.mul(s, get(d, next)));
    const below = b.let(f64.mul(c, get(d, next)));
    write(rights, c, s);
    const [c2, s2, r2] = rotation(b, f, g);
    put(b, d, j, r2);
    b.set(f, f64.add(f64.mul(c2, beside), f64.mul(s2, below)));
    put(b, d, next, f64.sub(f64.mul(c2, below), f64.mul(s2, beside)));
    b.set(g, f64.mul(s2, get(e, next)));
    put(b, e, next, f64.mul(c2, get(e, next)));
    write(lefts, c2, s2);
  });
  put(b, e, last, f, -1);
  return b.build();
}

/** The last diagonal element is negligible: the last column becomes 0. */
function clearLast(): Func {
  const b = new FunctionBuilder('bidiagonal_clear_last', parameters);
  const [first, last, d, e, , , v, vCount] = b.parameters;
  put(b, d, last, f64c(0));
  const f = b.var(get(e, last, -1));
  put(b, e, last, f64c(0), -1);
  const j = b.var(sub(last, one));
  b.while(op('i32.ge_s', j, first), () => {
    const [c, s, r] = rotation(b, get(d, j), f);
    put(b, d, j, r);
    b.if(op('i32.gt_s', j, first), () => {
      const before = b.let(get(e, j, -1));
      b.set(f, f64.neg(f64.mul(s, before)));
      put(b, e, j, f64.mul(c, before), -1);
    });
    rotate(b, v, vCount, j, last, c, s);
    b.set(j, sub(j, one));
  });
  return b.build();
}

/** The first diagonal element here is negligible: its row becomes 0. */
function clearRow(): Func {
  const b = new FunctionBuilder('bidiagonal_clear_row', parameters);
  const [zero, last, d, e, u, uCount] = b.parameters;
  put(b, d, zero, f64c(0));
  const f = b.var(get(e, zero));
  put(b, e, zero, f64c(0));
  b.for(add(zero, one), add(last, one), (j) => {
    const [c, s, r] = rotation(b, get(d, j), f);
    put(b, d, j, r);
    const beside = b.let(get(e, j));
    b.set(f, f64.neg(f64.mul(s, beside)));
    put(b, e, j, f64.mul(c, beside));
    rotate(b, u, uCount, j, zero, c, s);
  });
  return b.build();
}
