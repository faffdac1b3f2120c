/** Symmetric matrices to tridiagonal form. */
import { type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, op } from '../../code.ts';
import { addScaled, subtractScaled } from '../../vector-loops.ts';
import { add, mul, multiplySubtract, sub } from './blocks.ts';
import { at, dot, f64, get, put, reflectorCall, wide } from './plane.ts';
import { roomAt } from './reflections.ts';
import { blockedFrom, tridiagonalBlock } from './spectral-constants.ts';

/**
 *     tridiagonal(n, matrix, diagonal, beside, taus, p, blocks)
 *
 * The reflections stay in the rows of the matrix, and `blocks` is room for products as `roomAt` divides it.
 *
 * Large matrices go by panels of `tridiagonalBlock` columns (J. Dongarra, S. Hammarling and D. Sorensen, Block reduction of matrices
 * to condensed forms for eigenvalue computations, 1989): the reflections of a panel are made from its columns and from products
 * of the matrix as it was before the panel with one vector each, and carried out on the rest as products of matrices.
 */
export const tridiagonalFunctions = (): Func[] => [oneByOne(), panel(), inPanels(), subtractBoth()];

/** p ← τ·(p − ½τ(pᵀv)·v), from p = A·v. */
function finishProduct(f: FunctionBuilder, p: Expr, v: Expr, tau: Expr, count: Expr): void {
  f.for(0, count, (i) => put(f, p, i, f64.mul(tau, get(p, i))));
  const product = f.let(dot(p, v, count));
  addScaled(f, wide, p, v, f64.mul(f64.mul(f64c(0.5), tau), product), count);
}

/** tridiagonal_few(n, matrix, row, diagonal, beside, taus, p) on both triangles of a matrix. */
function oneByOne(): Func {
  const f = new FunctionBuilder('tridiagonal_few', new Array(7).fill('i32'));
  const [n, matrix, row, diagonal, beside, taus, p] = f.parameters;
  const last = f.let(sub(n, i32c(1)));
  f.for(0, last, (k) => {
    const next = f.let(add(k, i32c(1)));
    const v = f.let(at(add(matrix, mul(k, row)), next));
    const count = f.let(sub(n, next));
    put(f, diagonal, k, get(v, i32c(0), -1));
    const tau = f.let(reflectorCall(v, i32c(8), count, v, at(beside, k)));
    put(f, taus, k, tau);
    f.if(op('f64.ne', tau, f64c(0)), () => {
      const start = f.let(at(add(matrix, mul(next, row)), next));
      const part = f.var(start);
      // (I − τvvᵀ)·A·(I − τvvᵀ) = A − v·wᵀ − w·vᵀ with w = p − ½τ(pᵀv)·v and p = τ·A·v.
      f.for(0, count, (i) => {
        put(f, p, i, dot(part, v, count));
        f.set(part, add(part, row));
      });
      finishProduct(f, p, v, tau, count);
      f.set(part, start);
      f.for(0, count, (i) => {
        f.call('subtract_both', part, p, v, count, get(v, i), get(p, i));
        f.set(part, add(part, row));
      });
    });
  });
  put(f, diagonal, last, get(add(matrix, mul(last, row)), last));
  return f.build();
}

/**
 * tridiagonal_panel(n, matrix, row, diagonal, beside, taus, w, work): the first columns, without the rest of the matrix. Row l of `w`
 * is w of reflection l.
 *
 * With the reflections before it the matrix is A − Σ (v·wᵀ + w·vᵀ): that is taken out of a column when its turn comes, and of the
 * product of the next v with A.
 */
function panel(): Func {
  const f = new FunctionBuilder('tridiagonal_panel', new Array(8).fill('i32'));
  const [n, matrix, row, diagonal, beside, taus, w, work] = f.parameters;
  const one = i32c(1);
  f.for(0, tridiagonalBlock, (k) => {
    const own = f.let(add(matrix, mul(k, row)));
    /** Takes the reflections before out of a run of elements from `first` on: multiples of v and of w, by two of them each. */
    const takeOut = (target: Expr, first: Expr, count: Expr, ofV: (l: Expr) => Expr, ofW: (l: Expr) => Expr): void => {
      const l = f.var(i32c(0));
      const terms = (at0: Expr): { x: Expr; alpha: Expr }[] => [
        { x: at(add(matrix, mul(at0, row)), first), alpha: ofV(at0) },
        { x: at(add(w, mul(at0, row)), first), alpha: ofW(at0) },
      ];
      f.while(op('i32.lt_s', add(l, one), k), () => {
        subtractScaled(f, wide, target, [...terms(l), ...terms(add(l, one))], count);
        f.set(l, add(l, i32c(2)));
      });
      f.if(op('i32.lt_s', l, k), () => subtractScaled(f, wide, target, terms(l), count));
    };
    const here = f.let(at(own, k));
    takeOut(
      here,
      k,
      sub(n, k),
      (l) => get(add(w, mul(l, row)), k),
      (l) => get(add(matrix, mul(l, row)), k),
    );
    const next = f.let(add(k, one));
    const v = f.let(at(own, next));
    const count = f.let(sub(n, next));
    put(f, diagonal, k, get(own, k));
    const tau = f.let(reflectorCall(v, i32c(8), count, v, at(beside, k)));
    put(f, taus, k, tau);
    const p = f.let(at(add(w, mul(k, row)), next));
    const rest = f.let(at(add(matrix, mul(next, row)), next));
    const stride = op('i32.shr_u', row, i32c(3));
    f.call('gemm_f64', count, one, count, rest, stride, one, v, one, one, p, one, i32c(0), work);
    takeOut(
      p,
      next,
      count,
      (l) => dot(at(add(w, mul(l, row)), next), v, count),
      (l) => dot(at(add(matrix, mul(l, row)), next), v, count),
    );
    finishProduct(f, p, v, tau, count);
  });
  return f.build();
}

/** tridiagonal(n, matrix, diagonal, beside, taus, p, blocks) */
function inPanels(): Func {
  const f = new FunctionBuilder('tridiagonal', new Array(7).fill('i32'));
  const [n, matrix, diagonal, beside, taus, p, blocks] = f.parameters;
  const row = f.let(op('i32.shl', n, i32c(3)));
  const { first: w, negated, work } = roomAt(f, n, blocks);
  const block = i32c(tridiagonalBlock);
  const left = f.var(n);
  const numbers: Local[] = [diagonal, beside, taus];
  f.while(op('i32.ge_s', left, i32c(blockedFrom)), () => {
    f.call('tridiagonal_panel', left, matrix, row, diagonal, beside, taus, w, work);
    const v = f.let(at(matrix, block));
    const products = f.let(at(w, block));
    f.set(left, sub(left, block));
    f.set(matrix, at(add(matrix, mul(block, row)), block));
    for (const [x, y] of [
      [v, products],
      [products, v],
    ] as const) {
      const factor = { rows: left, columns: block, at: x, row: i32c(8), column: row };
      const other = { columns: left, at: y, row, column: i32c(8) };
      multiplySubtract(f, wide, factor, other, matrix, row, { negated, work });
    }
    for (const pointer of numbers) f.set(pointer, at(pointer, block));
  });
  f.call('tridiagonal_few', left, matrix, row, diagonal, beside, taus, p);
  return f.build();
}

/** subtract_both(x, p, v, count, a, b): x ← x − a·p − b·v. */
function subtractBoth(): Func {
  const f = new FunctionBuilder('subtract_both', ['i32', 'i32', 'i32', 'i32', 'f64', 'f64']);
  const [x, p, v, count, a, b] = f.parameters;
  const end = f.let(at(x, count));
  const whole = f.let(at(x, op('i32.and', count, i32c(-2))));
  const step = (shape: string, loading: string, storing: string, [s, t]: readonly [Expr, Expr], bytes: number) => {
    const read = (from: Expr): Expr => ({
      kind: 'load',
      type: loading.startsWith('v') ? 'v128' : 'f64',
      op: loading,
      ptr: from,
      offset: 0,
    });
    const both = op(`${shape}.add`, op(`${shape}.mul`, s, read(p)), op(`${shape}.mul`, t, read(v)));
    f.store(storing, x, op(`${shape}.sub`, read(x), both));
    for (const pointer of [x, p, v]) f.set(pointer, add(pointer, i32c(bytes)));
  };
  const splats = [f.let(op('f64x2.splat', a)), f.let(op('f64x2.splat', b))] as const;
  f.while(op('i32.lt_u', x, whole), () => step('f64x2', 'v128.load', 'v128.store', splats, 16));
  f.while(op('i32.lt_u', x, end), () => step('f64', 'f64.load', 'f64.store', [a, b], 8));
  return f.build();
}
