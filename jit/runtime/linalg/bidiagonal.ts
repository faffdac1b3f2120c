/** Matrices to upper bidiagonal form. */
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, op } from '../../wasm/code.ts';
import { at, dot, f64, get, put, reflectorCall, scaleRun, subtractTerms } from './plane.ts';
import { roomAt } from './reflections.ts';
import { blockedFrom, panelBlock } from './spectral-constants.ts';

/**
 *     bidiagonal(m, n, matrix, heads, diagonal, beside, taus, products, blocks)
 *
 * with m ≥ n. The reflections of columns stay in rows of `heads`, those of rows in the rows of the matrix; `taus` are n of the first
 * and then n of the others.
 *
 * Large matrices go by panels of `panelBlock` columns and rows (J. Dongarra, S. Hammarling and D. Sorensen, Block reduction of matrices
 * to condensed forms for eigenvalue computations, 1989): the reflections of a panel are made from its columns and rows and from
 * products of the matrix as it was before the panel with one vector each, and carried out on the rest as a product of matrices.
 */
export const bidiagonalFunctions = (): Func[] => [oneByOne(), panel(), inPanels()];

const one = i32c(1);

/** bidiagonal_few(m, n, matrix, row, heads, head, diagonal, beside, columnTaus, rowTaus, products) */
function oneByOne(): Func {
  const f = new FunctionBuilder('bidiagonal_few', new Array(11).fill('i32'));
  const [m, n, matrix, row, heads, head, diagonal, beside, columnTaus, rowTaus, products] = f.parameters;
  f.for(0, n, (k) => {
    const next = f.let(add(k, one));
    const rest = f.let(sub(n, next));
    const corner = f.let(at(add(matrix, mul(k, row)), k));
    const v = f.let(add(heads, mul(k, head)));
    const tau = f.let(reflectorCall(corner, row, sub(m, k), at(v, k), at(diagonal, k)));
    put(f, columnTaus, k, tau);
    f.if(op('i32.and', op('f64.ne', tau, f64c(0)), op('i32.gt_s', rest, i32c(0))), () => {
      f.call('reflect_f64', m, k, matrix, row, next, rest, v, tau, products);
    });
    f.if(
      op('i32.gt_s', rest, i32c(0)),
      () => {
        const beyond = f.let(add(corner, i32c(8)));
        const other = f.let(reflectorCall(beyond, i32c(8), rest, beyond, at(beside, k)));
        put(f, rowTaus, k, other);
        f.call('reflect_rows', add(beyond, row), row, sub(sub(m, k), one), beyond, rest, other);
      },
      () => put(f, beside, k, f64c(0)),
    );
  });
  return f.build();
}

/**
 * bidiagonal_panel(m, n, matrix, row, heads, head, diagonal, beside, columnTaus, rowTaus, x, y, work): the first columns and rows,
 * without the rest of the matrix. Row l of x is as long as a column, and row l of y as a row.
 *
 * With reflections v of columns and u of rows before it the matrix is A − Σ (v·yᵀ + x·uᵀ): that is taken out of a column and a row
 * when their turn comes, and of products with A. Here y = τ·(A − …)ᵀ·v, and x = τ·(A − …)·u.
 */
function panel(): Func {
  const f = new FunctionBuilder('bidiagonal_panel', new Array(13).fill('i32'));
  const [m, n, matrix, row, heads, head, diagonal, beside, columnTaus, rowTaus, x, y, work] = f.parameters;
  const stride = f.let(op('i32.shr_u', row, i32c(3)));
  const [u, v] = [(l: Expr) => add(matrix, mul(l, row)), (l: Expr) => add(heads, mul(l, head))];
  const [xs, ys] = [(l: Expr) => add(x, mul(l, head)), (l: Expr) => add(y, mul(l, row))];
  f.for(0, panelBlock, (k) => {
    const next = f.let(add(k, one));
    const [below, beyond] = [f.let(sub(m, next)), f.let(sub(n, next))];
    const column = f.let(at(v(k), k));
    const height = f.let(sub(m, k));
    const source = f.var(at(u(k), k));
    f.for(0, height, (i) => {
      put(f, column, i, get(source, i32c(0)));
      f.set(source, add(source, row));
    });
    subtractTerms(f, column, height, k, (l) => [
      { x: at(v(l), k), alpha: get(ys(l), k) },
      { x: at(xs(l), k), alpha: get(u(l), k) },
    ]);
    const tau = f.let(reflectorCall(column, i32c(8), height, column, at(diagonal, k)));
    put(f, columnTaus, k, tau);
    const ownY = f.let(at(ys(k), next));
    const right = at(u(k), next);
    f.call('gemm_f64', beyond, one, height, right, one, stride, column, one, one, ownY, one, i32c(0), work);
    subtractTerms(f, ownY, beyond, k, (l) => [
      { x: at(ys(l), next), alpha: dot(at(v(l), k), column, height) },
      { x: at(u(l), next), alpha: dot(at(xs(l), k), column, height) },
    ]);
    scaleRun(f, ownY, tau, beyond);
    const own = f.let(at(u(k), next));
    subtractTerms(f, own, beyond, k, (l) => [
      { x: at(ys(l), next), alpha: get(v(l), k) },
      { x: at(u(l), next), alpha: get(xs(l), k) },
    ]);
    // v is 1 at its head.
    f.for(0, beyond, (j) => put(f, own, j, f64.sub(get(own, j), get(ownY, j))));
    const other = f.let(reflectorCall(own, i32c(8), beyond, own, at(beside, k)));
    put(f, rowTaus, k, other);
    const ownX = f.let(at(xs(k), next));
    const corner = at(u(next), next);
    f.call('gemm_f64', below, one, beyond, corner, stride, one, own, one, one, ownX, one, i32c(0), work);
    subtractTerms(f, ownX, below, k, (l) => [
      { x: at(v(l), next), alpha: dot(at(ys(l), next), own, beyond) },
      { x: at(xs(l), next), alpha: dot(at(u(l), next), own, beyond) },
    ]);
    const last = [{ x: at(v(k), next), alpha: dot(ownY, own, beyond) }];
    subtractTerms(f, ownX, below, one, () => last);
    scaleRun(f, ownX, other, below);
  });
  return f.build();
}

function inPanels(): Func {
  const f = new FunctionBuilder('bidiagonal', new Array(9).fill('i32'));
  const [m, n, matrix, heads, diagonal, beside, taus, products, blocks] = f.parameters;
  const [row, head] = [f.let(op('i32.shl', n, i32c(3))), f.let(op('i32.shl', m, i32c(3)))];
  const rowTaus = f.var(at(taus, n));
  const { first, work } = roomAt(f, m, blocks);
  const block = i32c(panelBlock);
  // The rows of V and X, and those of −Y and −U: what is left of the matrix is A plus the product of these.
  const [vs, ys] = [first, f.let(add(first, mul(head, i32c(2 * panelBlock))))];
  const [xs, us] = [f.let(add(vs, mul(head, block))), f.let(add(ys, mul(row, block)))];
  const [rows, left] = [f.var(m), f.var(n)];
  f.while(op('i32.ge_s', left, i32c(blockedFrom)), () => {
    const numbers = [diagonal, beside, taus, rowTaus];
    f.call('bidiagonal_panel', rows, left, matrix, row, heads, head, ...numbers, xs, ys, work);
    f.set(rows, sub(rows, block));
    f.set(left, sub(left, block));
    const negate = (to: Expr, from: Expr): void => {
      f.call('negate_f64', one, left, at(to, block), at(from, block), i32c(0), i32c(8));
    };
    f.for(0, block, (l) => {
      const [across, down] = [f.let(mul(l, row)), f.let(mul(l, head))];
      f.copy(at(add(vs, down), block), at(add(heads, down), block), op('i32.shl', rows, i32c(3)));
      negate(add(us, across), add(matrix, across));
      negate(add(ys, across), add(ys, across));
    });
    f.set(matrix, at(add(matrix, mul(block, row)), block));
    f.set(heads, at(add(heads, mul(block, head)), block));
    const [depth, stride] = [i32c(2 * panelBlock), op('i32.shr_u', row, i32c(3))];
    const [a, b] = [
      [at(vs, block), one, m],
      [at(ys, block), n, one],
    ] as const;
    f.call('gemm_f64', rows, left, depth, ...a, ...b, matrix, stride, one, work);
    for (const pointer of numbers) f.set(pointer, at(pointer, block));
  });
  f.call('bidiagonal_few', rows, left, matrix, row, heads, head, diagonal, beside, taus, rowTaus, products);
  return f.build();
}
