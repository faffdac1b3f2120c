import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op, select } from '../../wasm/code.ts';
import {
  addScaled,
  divideBy,
  dotRuns,
  type FloatCode,
  loadFloat,
  storeFloat,
  subtractScaled,
  together,
} from '../../wasm/vector-loops.ts';
import { byteOffset, floatName, multiplySubtract, negate } from './blocks.ts';

/** Unknowns up to which substitution goes one by one. */
const few = 16;

/**
 * T·Y = C for triangular T, in place of C:
 *
 *     triangular_solve_f32(batch, n, count, row, column, unit, forward, rows, t, y, negated, work)
 *
 * Element (i, j) of T is i·row + j·column floats from `t`. With `rows` element (i, c) of Y is at i·count + c, else each of the
 * `count` sides is a vector of its own, at c·n + i. Many unknowns are halved: the second half is solved when what the first
 * contributes to it has been taken out, which is a product of matrices.
 */
export const triangularFunctions = (code: FloatCode): Func[] => [
  negate(code),
  rowsOneByOne(code),
  vectorsOneByOne(code),
  halved(code, 'rows'),
  halved(code, 'vectors'),
  batches(code),
];

/**
 * What the functions for a part of a system take: (n, count, t, row, column, unit, forward, y, stride, negated, work).
 * Strides are in bytes, `stride` that of the rows or vectors of Y.
 */
const parameters = 11;

/** Rows of all sides together: what is solved is taken out of a row, multiple by multiple. */
function rowsOneByOne(code: FloatCode): Func {
  const f = new FunctionBuilder(`substitute_rows_${code.type}`, new Array(parameters).fill('i32'));
  const [n, count, t, row, column, unit, forward, y, stride] = f.parameters;
  f.for(0, n, (step) => {
    const i = f.let(select(forward, step, sub(sub(n, i32c(1)), step)));
    const target = f.let(add(y, mul(i, stride)));
    const own = f.let(add(t, mul(i, row)));
    const begin = select(forward, i32c(0), add(i, i32c(1)));
    const j = f.var(begin);
    const end = f.let(select(forward, i, n));
    const term = (k: number): { x: Expr; alpha: Expr } => {
      const other = k === 0 ? j : add(j, i32c(k));
      return { x: add(y, mul(other, stride)), alpha: loadFloat(code, add(own, mul(other, column))) };
    };
    for (const size of [together, 1])
      f.while(op('i32.le_s', add(j, i32c(size)), end), () => {
        subtractScaled(
          f,
          code,
          target,
          Array.from({ length: size }, (_, k) => term(k)),
          count,
        );
        f.set(j, add(j, i32c(size)));
      });
    f.if(op('i32.eqz', unit), () => divideBy(f, code, target, loadFloat(code, add(own, mul(i, column))), count));
  });
  return f.build();
}

/**
 * Each side alone, a contiguous vector: by dot products where the rows of T are contiguous; else what is solved is taken out
 * of the equations still to come.
 */
function vectorsOneByOne(code: FloatCode): Func {
  const f = new FunctionBuilder(`substitute_vectors_${code.type}`, new Array(parameters).fill('i32'));
  const [n, count, t, row, column, unit, forward, y, stride] = f.parameters;
  const at = (base: Expr, i: Expr): Expr => add(base, byteOffset(code, i));
  const byRows = f.let(op('i32.eq', column, i32c(code.bytes)));
  f.for(0, count, () => {
    f.for(0, n, (step) => {
      const i = f.let(select(forward, step, sub(sub(n, i32c(1)), step)));
      const here = f.let(at(y, i));
      const own = f.let(add(t, mul(i, row)));
      const next = f.let(add(i, i32c(1)));
      f.if(byRows, () => {
        const first = f.let(select(forward, i32c(0), next));
        const known = dotRuns(f, code, at(own, first), at(y, first), select(forward, i, sub(n, next)));
        storeFloat(f, code, here, op(`${code.type}.sub`, loadFloat(code, here), known));
      });
      f.if(op('i32.eqz', unit), () => {
        const pivot = loadFloat(code, add(own, mul(i, column)));
        storeFloat(f, code, here, op(`${code.type}.div`, loadFloat(code, here), pivot));
      });
      f.if(op('i32.eqz', byRows), () => {
        const first = f.let(select(forward, next, i32c(0)));
        const entries = add(add(t, mul(first, row)), mul(i, column));
        addScaled(f, code, at(y, first), entries, loadFloat(code, here), select(forward, sub(n, next), i));
      });
    });
    f.set(y, add(y, stride));
  });
  return f.build();
}

/** Many short vectors are turned, solved as rows, and turned back: each step is then one on whole rows. */
function acrossVectors(f: FunctionBuilder, code: FloatCode): void {
  const [n, count, t, row, column, unit, forward, y, stride, negated, work] = f.parameters;
  const inFloats = f.let(op('i32.shr_u', stride, i32c(Math.log2(code.bytes))));
  const copy = (...args: Expr[]): void => f.call(`copy_${code.bytes}`, ...args);
  const one = i32c(1);
  copy(count, n, negated, one, count, y, inFloats, one);
  const width = byteOffset(code, count);
  f.call(`substitute_rows_${code.type}`, n, count, t, row, column, unit, forward, negated, width, negated, work);
  copy(count, n, y, inFloats, one, negated, one, count);
}

function halved(code: FloatCode, kind: 'rows' | 'vectors'): Func {
  const name = `solve_${kind}_${code.type}`;
  const f = new FunctionBuilder(name, new Array(parameters).fill('i32'));
  const [n, count, t, row, column, unit, forward, y, stride, negated, work] = f.parameters;
  const small = op('i32.le_s', n, i32c(few));
  // The columns of T are contiguous runs to subtract where its rows are not: a single vector needs no products.
  const alone = kind === 'vectors' ? op('i32.or', small, op('i32.eq', count, i32c(1))) : small;
  f.if(alone, () => {
    const oneByOne = (): void => f.call(`substitute_${kind}_${code.type}`, ...f.parameters);
    if (kind === 'rows') oneByOne();
    else f.if(op('i32.ge_s', count, i32c(8)), () => acrossVectors(f, code), oneByOne);
    f.return();
  });
  const first = f.let(op('i32.and', add(op('i32.shr_u', n, i32c(1)), i32c(7)), i32c(-8)));
  const second = f.let(sub(n, first));
  const unitsFrom = (i: Expr): Expr => add(t, mul(i, add(row, column)));
  const sidesFrom = (i: Expr): Expr => (kind === 'rows' ? add(y, mul(i, stride)) : add(y, byteOffset(code, i)));
  const solve = (begin: Expr, length: Expr): void =>
    f.call(name, length, count, unitsFrom(begin), row, column, unit, forward, sidesFrom(begin), stride, negated, work);
  /** Takes unknowns `from` … out of equations `to` …: Y₂ ← Y₂ − T₂₁·Y₁, or its transpose. */
  const eliminate = (to: Expr, equations: Expr, from: Expr, unknowns: Expr): void => {
    const block = add(add(t, mul(to, row)), mul(from, column));
    const one = i32c(code.bytes);
    const part = { rows: equations, columns: unknowns, at: block, row, column };
    const source = sidesFrom(from);
    const target = sidesFrom(to);
    if (kind === 'rows') {
      multiplySubtract(f, code, part, { columns: count, at: source, row: stride, column: one }, target, stride, {
        negated,
        work,
      });
    } else {
      const sides = { rows: count, columns: unknowns, at: source, row: stride, column: one };
      const turned = { columns: equations, at: block, row: column, column: row };
      multiplySubtract(f, code, sides, turned, target, stride, { negated, work });
    }
  };
  f.if(
    forward,
    () => {
      solve(i32c(0), first);
      eliminate(first, second, i32c(0), first);
      solve(first, second);
    },
    () => {
      solve(first, second);
      eliminate(i32c(0), first, first, second);
      solve(i32c(0), first);
    },
  );
  return f.build();
}

function batches(code: FloatCode): Func {
  const f = new FunctionBuilder(`triangular_solve_${floatName(code)}`, new Array(12).fill('i32'));
  const [batch, n, count, row, column, unit, forward, rows, t, y, negated, work] = f.parameters;
  f.set(row, byteOffset(code, row));
  f.set(column, byteOffset(code, column));
  const stride = f.let(byteOffset(code, select(rows, count, n)));
  f.for(0, batch, () => {
    const args = [n, count, t, row, column, unit, forward, y, stride, negated, work];
    f.if(
      rows,
      () => f.call(`solve_rows_${code.type}`, ...args),
      () => f.call(`solve_vectors_${code.type}`, ...args),
    );
    f.set(t, add(t, byteOffset(code, mul(n, n))));
    f.set(y, add(y, byteOffset(code, mul(n, count))));
  });
  return f.build(true);
}
