/** Symmetric matrices to tridiagonal form. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  f64c,
  f64x2c,
  i32c,
  type Local,
  load,
  op,
  select,
} from '../../wasm/code.ts';
import { addScaled } from '../../wasm/vector-loops.ts';
import { panelStride } from '../pack.ts';
import { at, bothLanes, dot, f64, get, put, reflectorCall, scaleRun, subtractTerms, wide } from './plane.ts';
import { roomAt } from './reflections.ts';
import { blockedFrom, panelBlock, triangleRows } from './spectral-constants.ts';

/**
 *     tridiagonal(n, matrix, diagonal, beside, taus, p, blocks)
 *
 * of the upper triangle. The reflections stay in the rows of the matrix, and `blocks` is room for products as `roomAt` divides it.
 *
 * Large matrices go by panels of `panelBlock` columns (J. Dongarra, S. Hammarling and D. Sorensen, Block reduction of matrices
 * to condensed forms for eigenvalue computations, 1989): the reflections of a panel are made from its columns and from products
 * of the matrix as it was before the panel with one vector each, and carried out on the rest as products of matrices.
 */
export const tridiagonalFunctions = (): Func[] => [symmetricProduct(), oneByOne(), panel(), inPanels(), subtractBoth()];

/** p ← τ·(p − ½τ(pᵀv)·v), from p = A·v. */
function finishProduct(f: FunctionBuilder, p: Expr, v: Expr, tau: Expr, count: Expr): void {
  scaleRun(f, p, tau, count);
  const product = f.let(dot(p, v, count));
  addScaled(f, wide, p, v, f64.mul(f64.mul(f64c(0.5), tau), product), count);
}

/** tridiagonal_few(n, matrix, row, diagonal, beside, taus, p) */
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
      // (I − τvvᵀ)·A·(I − τvvᵀ) = A − v·wᵀ − w·vᵀ with w = p − ½τ(pᵀv)·v and p = τ·A·v.
      f.call('symmetric_product', count, start, row, v, p);
      finishProduct(f, p, v, tau, count);
      const part = f.var(start);
      f.for(0, count, (i) => {
        f.call('subtract_both', part, at(p, i), at(v, i), sub(count, i), get(v, i), get(p, i));
        f.set(part, add(part, add(row, i32c(8))));
      });
    });
  });
  put(f, diagonal, last, get(add(matrix, mul(last, row)), last));
  return f.build();
}

/**
 * tridiagonal_panel(n, matrix, row, diagonal, beside, taus, w): the first columns, without the rest of the matrix. Row l of `w`
 * is w of reflection l.
 *
 * With the reflections before it the matrix is A − Σ (v·wᵀ + w·vᵀ): that is taken out of a column when its turn comes, and of the
 * product of the next v with A.
 */
function panel(): Func {
  const f = new FunctionBuilder('tridiagonal_panel', new Array(7).fill('i32'));
  const [n, matrix, row, diagonal, beside, taus, w] = f.parameters;
  const one = i32c(1);
  f.for(0, panelBlock, (k) => {
    const own = f.let(add(matrix, mul(k, row)));
    const [vs, ws] = [(l: Expr) => add(matrix, mul(l, row)), (l: Expr) => add(w, mul(l, row))];
    subtractTerms(f, at(own, k), sub(n, k), k, (l) => [
      { x: at(vs(l), k), alpha: get(ws(l), k) },
      { x: at(ws(l), k), alpha: get(vs(l), k) },
    ]);
    const next = f.let(add(k, one));
    const v = f.let(at(own, next));
    const count = f.let(sub(n, next));
    put(f, diagonal, k, get(own, k));
    const tau = f.let(reflectorCall(v, i32c(8), count, v, at(beside, k)));
    put(f, taus, k, tau);
    const p = f.let(at(add(w, mul(k, row)), next));
    const rest = f.let(at(add(matrix, mul(next, row)), next));
    f.call('symmetric_product', count, rest, row, v, p);
    subtractTerms(f, p, count, k, (l) => [
      { x: at(vs(l), next), alpha: dot(at(ws(l), next), v, count) },
      { x: at(ws(l), next), alpha: dot(at(vs(l), next), v, count) },
    ]);
    finishProduct(f, p, v, tau, count);
  });
  return f.build();
}

/** tridiagonal(n, matrix, diagonal, beside, taus, p, blocks) */
function inPanels(): Func {
  const f = new FunctionBuilder('tridiagonal', new Array(7).fill('i32'));
  const [n, matrix, diagonal, beside, taus, p, blocks] = f.parameters;
  const row = f.let(op('i32.shl', n, i32c(3)));
  const { first: negated, work } = roomAt(f, n, blocks);
  const block = i32c(panelBlock);
  // −V, W and −V, one below the other: A − V·Wᵀ − W·Vᵀ is A plus the transpose of the first two times the last two.
  const w = f.let(add(negated, mul(block, row)));
  const again = f.let(add(w, mul(block, row)));
  const stride = f.let(op('i32.shr_u', row, i32c(3)));
  const depth = i32c(2 * panelBlock);
  const panels = work;
  const scratch = f.let(add(panels, mul(op('i32.shr_u', add(n, i32c(3)), i32c(2)), i32c(panelStride(2 * panelBlock)))));
  const left = f.var(n);
  const numbers: Local[] = [diagonal, beside, taus];
  f.while(op('i32.ge_s', left, i32c(blockedFrom)), () => {
    f.call('tridiagonal_panel', left, matrix, row, diagonal, beside, taus, w);
    f.set(left, sub(left, block));
    f.for(0, block, (l) => {
      const own = f.let(mul(l, row));
      f.call('negate_f64', i32c(1), left, at(add(negated, own), block), at(add(matrix, own), block), i32c(0), i32c(8));
      f.copy(at(add(again, own), block), at(add(negated, own), block), op('i32.shl', left, i32c(3)));
    });
    f.set(matrix, at(add(matrix, mul(block, row)), block));
    f.call('gemm_pack_f64', left, depth, at(w, block), stride, i32c(1), panels);
    f.for(
      0,
      left,
      (i) => {
        const rest = f.let(sub(left, i));
        const rows = select(op('i32.lt_s', rest, i32c(triangleRows)), rest, i32c(triangleRows));
        const from = [at(negated, add(block, i)), i32c(1), stride];
        const own = add(panels, mul(op('i32.shr_u', i, i32c(2)), i32c(panelStride(2 * panelBlock))));
        const to = at(add(matrix, mul(i, row)), i);
        f.call(
          'gemm_rows_f64',
          rows,
          rest,
          depth,
          ...from,
          own,
          i32c(panelStride(2 * panelBlock)),
          to,
          stride,
          i32c(1),
          scratch,
        );
      },
      triangleRows,
    );
    for (const pointer of numbers) f.set(pointer, at(pointer, block));
  });
  f.call('tridiagonal_few', left, matrix, row, diagonal, beside, taus, p);
  return f.build();
}

/** symmetric_product(n, matrix, row, v, p): p ← A·v from the upper triangle, each element of which is read once. */
function symmetricProduct(): Func {
  const f = new FunctionBuilder('symmetric_product', new Array(5).fill('i32'));
  const [n, matrix, row, v, p] = f.parameters;
  f.fill(p, i32c(0), op('i32.shl', n, i32c(3)));
  /** Some rows from i on: what stands right of their triangle gives sums along rows, and multiples of rows. */
  const several = (count: number, i: Expr): void => {
    const starts = Array.from({ length: count }, (_, r) => f.let(at(add(matrix, mul(add(i, i32c(r)), row)), i)));
    const factors = starts.map((_, r) => f.let(get(v, i, r)));
    const totals = starts.map((_, r) => {
      const across = starts.map((_, c) => f64.mul(get(starts[Math.min(r, c)]!, i32c(0), Math.max(r, c)), factors[c]!));
      return f.var(across.reduce((sum, term) => f64.add(sum, term)));
    });
    const [from, to] = [f.let(at(v, i)), f.let(at(p, i))];
    const place = f.var(i32c(8 * count));
    const end = f.let(op('i32.shl', sub(n, i), i32c(3)));
    const sums = starts.map(() => f.var(f64x2c(0)));
    const splats = factors.map((factor) => f.let(op('f64x2.splat', factor)));
    f.while(op('i32.le_s', add(place, i32c(16)), end), () => {
      const x = f.let(load('v128.load', add(from, place)));
      const y = f.var(load('v128.load', add(to, place)));
      starts.forEach((start, r) => {
        const element = f.let(load('v128.load', add(start, place)));
        f.set(sums[r]!, op('f64x2.add', sums[r]!, op('f64x2.mul', element, x)));
        f.set(y, op('f64x2.add', y, op('f64x2.mul', element, splats[r]!)));
      });
      f.store('v128.store', add(to, place), y);
      f.set(place, add(place, i32c(16)));
    });
    f.if(op('i32.lt_s', place, end), () => {
      const y = f.var(load('f64.load', add(to, place)));
      starts.forEach((start, r) => {
        const element = f.let(load('f64.load', add(start, place)));
        f.set(totals[r]!, f64.add(totals[r]!, f64.mul(element, load('f64.load', add(from, place)))));
        f.set(y, f64.add(y, f64.mul(element, factors[r]!)));
      });
      f.store('f64.store', add(to, place), y);
    });
    starts.forEach((_, r) => {
      put(f, to, i32c(0), f64.add(get(to, i32c(0), r), f64.add(totals[r]!, bothLanes(sums[r]!))), r);
    });
  };
  const whole = f.let(op('i32.and', n, i32c(-4)));
  f.for(0, whole, (i) => several(4, i), 4);
  f.for(whole, n, (i) => several(1, i));
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
