import { constant } from '../../lower/expressions/scalar-code.ts';
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Func, FunctionBuilder, i32c, op, select } from '../../wasm/code.ts';
import { addScaled, type FloatCode, loadFloat, storeFloat } from '../../wasm/vector-loops.ts';
import { byteOffset, floatName, multiplySubtract } from './blocks.ts';

/** Columns up to which the factor is computed one by one. */
const few = 16;
/** Rows of a symmetric update that are made together, with the columns up to their last. */
const band = 64;

/**
 * Cholesky factorisation in place of the lower triangle; the upper one becomes 0, or all of the triangle NaN:
 *
 *     cholesky_f32(batch, n, a, negated, work)
 */
export const choleskyFunctions = (code: FloatCode): Func[] => [
  symmetricLower(code),
  oneByOne(code),
  halves(code),
  batches(code),
];

/** Rows whose elements are read together from the columns that they stand for. */
const strip = 8;

/** symmetric_lower_f32(batch, n, to, from): the lower triangle of ½(A + Aᵀ). The upper one is left as it is. */
function symmetricLower(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`symmetric_lower_${floatName(code)}`, new Array(4).fill('i32'));
  const [batch, n, to, from] = f.parameters;
  const row = f.let(byteOffset(code, n));
  const half = constant(0.5, type === 'f32' ? 'float32' : 'float64');
  f.for(0, batch, () => {
    f.for(
      0,
      n,
      (top) => {
        const end = f.let(add(top, i32c(strip)));
        const bottom = f.let(select(op('i32.lt_s', end, n), end, n));
        f.for(0, bottom, (j) => {
          const first = f.let(select(op('i32.gt_s', top, j), top, j));
          const along = f.var(add(from, add(mul(j, row), byteOffset(code, first))));
          const place = f.let(add(mul(first, row), byteOffset(code, j)));
          const down = f.var(add(from, place));
          const target = f.var(add(to, place));
          f.for(first, bottom, () => {
            const sum = op(`${type}.add`, loadFloat(code, down), loadFloat(code, along));
            storeFloat(f, code, target, op(`${type}.mul`, sum, half));
            f.set(along, add(along, i32c(bytes)));
            f.set(down, add(down, row));
            f.set(target, add(target, row));
          });
        });
      },
      strip,
    );
    f.set(from, add(from, mul(n, row)));
    f.set(to, add(to, mul(n, row)));
  });
  return f.build(true);
}

/**
 * cholesky_few(n, a, row, work) → 1 where a pivot was not positive. Column by column, each taken out of the rows below at once:
 * these do not wait for one another, as dot products would.
 */
function oneByOne(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`cholesky_few_${type}`, new Array(4).fill('i32'), 'i32');
  const [n, a, row, work] = f.parameters;
  const zero = constant(0, type === 'f32' ? 'float32' : 'float64');
  const pivot = f.var(a);
  f.for(0, n, (k) => {
    const square = f.let(loadFloat(code, pivot));
    f.if(op('i32.eqz', op(`${type}.gt`, square, zero)), () => f.return(i32c(1)));
    const root = f.let(op(`${type}.sqrt`, square));
    storeFloat(f, code, pivot, root);
    const here = f.var(pivot);
    const below = f.let(sub(n, add(k, i32c(1))));
    const column = f.var(work);
    f.for(0, below, (i) => {
      f.set(here, add(here, row));
      const factor = f.let(op(`${type}.div`, loadFloat(code, here), root));
      storeFloat(f, code, here, factor);
      storeFloat(f, code, column, factor);
      f.set(column, add(column, i32c(code.bytes)));
      addScaled(f, code, add(here, i32c(code.bytes)), work, factor, add(i, i32c(1)));
    });
    f.set(pivot, add(add(pivot, row), i32c(code.bytes)));
  });
  f.return(i32c(0));
  return f.build();
}

/** cholesky_part(n, a, row, negated, work) → 1 where a pivot was not positive. */
function halves(code: FloatCode): Func {
  const { type } = code;
  const name = `cholesky_part_${type}`;
  const f = new FunctionBuilder(name, new Array(5).fill('i32'), 'i32');
  const [n, a, row, negated, work] = f.parameters;
  const one = i32c(code.bytes);
  f.if(op('i32.le_s', n, i32c(few)), () =>
    f.return({ kind: 'call', type: 'i32', fn: `cholesky_few_${type}`, args: [n, a, row, work] }),
  );
  const first = f.let(op('i32.and', add(op('i32.shr_u', n, i32c(1)), i32c(7)), i32c(-8)));
  const second = f.let(sub(n, first));
  const lower = f.let(add(a, mul(first, row)));
  const corner = f.let(add(lower, byteOffset(code, first)));
  f.if({ kind: 'call', type: 'i32', fn: name, args: [first, a, row, negated, work] }, () => f.return(i32c(1)));
  f.call(`solve_vectors_${type}`, first, second, a, row, one, i32c(0), i32c(1), lower, row, negated, work);
  f.for(
    0,
    second,
    (i) => {
      const left = f.let(sub(second, i));
      const rows = f.let(select(op('i32.lt_s', left, i32c(band)), left, i32c(band)));
      const own = add(lower, mul(i, row));
      const factor = { rows, columns: first, at: own, row, column: one };
      const turned = { columns: add(i, rows), at: lower, row: one, column: row };
      multiplySubtract(f, code, factor, turned, add(corner, mul(i, row)), row, { negated, work });
    },
    band,
  );
  f.return({ kind: 'call', type: 'i32', fn: name, args: [second, corner, row, negated, work] });
  return f.build();
}

function batches(code: FloatCode): Func {
  const f = new FunctionBuilder(`cholesky_${floatName(code)}`, new Array(5).fill('i32'));
  const [batch, n, a, negated, work] = f.parameters;
  const row = f.let(byteOffset(code, n));
  f.for(0, batch, () => {
    const failed = f.let({
      kind: 'call',
      type: 'i32',
      fn: `cholesky_part_${code.type}`,
      args: [n, a, row, negated, work],
    });
    f.for(0, n, (i) => {
      const from = f.let(byteOffset(code, add(i, i32c(1))));
      f.if(failed, () => {
        f.for(0, add(i, i32c(1)), (j) => {
          storeFloat(
            f,
            code,
            add(a, byteOffset(code, j)),
            constant(Number.NaN, code.type === 'f32' ? 'float32' : 'float64'),
          );
        });
      });
      f.fill(add(a, from), i32c(0), sub(row, from));
      f.set(a, add(a, row));
    });
  });
  return f.build(true);
}
