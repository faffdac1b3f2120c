import { constant } from '../../lower/expressions/scalar-code.ts';
import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op, select } from '../../wasm/code.ts';
import { addScaled, type FloatCode, loadFloat, storeFloat, swapRuns } from '../../wasm/vector-loops.ts';
import { byteOffset, floatName, multiplySubtract } from './blocks.ts';

/** Columns up to which elimination goes one by one. */
const few = 16;

/**
 * LU factorisation with partial pivoting, in place:
 *
 *     lu_f32(batch, m, n, a, pivots, order, negated, work)
 *
 * Recursive (S. Toledo, Locality of reference in LU decomposition with partial pivoting, 1997): the left half of the columns
 * is factorised, its rows of the right half are solved for, their product is taken out of the rest, and that factorised.
 */
export const luFunctions = (code: FloatCode): Func[] => [panel(code), exchange(code), halves(code), batches(code)];

/** lu_panel(m, n, a, row, pivots): column by column. Pivots count from the first row of the part. */
function panel(code: FloatCode): Func {
  const { type } = code;
  const f = new FunctionBuilder(`lu_panel_${type}`, new Array(5).fill('i32'));
  const [m, n, a, row, pivots] = f.parameters;
  const zero = constant(0, type === 'f32' ? 'float32' : 'float64');
  f.for(0, select(op('i32.lt_s', m, n), m, n), (j) => {
    const mine = f.let(add(a, mul(j, row)));
    const column = f.let(byteOffset(code, j));
    const best = f.var(j);
    const largest = f.var(op(`${type}.abs`, loadFloat(code, add(mine, column))));
    const next = f.let(add(j, i32c(1)));
    const below = f.var(add(add(mine, row), column));
    f.for(next, m, (i) => {
      const size = f.let(op(`${type}.abs`, loadFloat(code, below)));
      f.if(op(`${type}.gt`, size, largest), () => {
        f.set(largest, size);
        f.set(best, i);
      });
      f.set(below, add(below, row));
    });
    f.store('i32.store', add(pivots, op('i32.shl', j, i32c(2))), best);
    f.if(op('i32.ne', best, j), () => swapRuns(f, code, mine, add(a, mul(best, row)), n));
    const value = f.let(loadFloat(code, add(mine, column)));
    f.if(op(`${type}.ne`, value, zero), () => {
      const rest = f.let(sub(n, next));
      const from = f.let(add(add(mine, column), i32c(code.bytes)));
      const here = f.var(add(add(mine, row), column));
      f.for(next, m, () => {
        const factor = f.let(op(`${type}.div`, loadFloat(code, here), value));
        storeFloat(f, code, here, factor);
        addScaled(f, code, add(here, i32c(code.bytes)), from, factor, rest);
        f.set(here, add(here, row));
      });
    });
  });
  return f.build();
}

/** lu_exchange(count, pivots, a, row, columns): exchanges rows of some columns as the pivots say, in order. */
function exchange(code: FloatCode): Func {
  const f = new FunctionBuilder(`lu_exchange_${code.type}`, new Array(5).fill('i32'));
  const [count, pivots, a, row, columns] = f.parameters;
  f.for(0, count, (i) => {
    const other = f.let(load('i32.load', add(pivots, op('i32.shl', i, i32c(2)))));
    f.if(op('i32.ne', other, i), () => swapRuns(f, code, add(a, mul(i, row)), add(a, mul(other, row)), columns));
  });
  return f.build();
}

/** lu_part(m, n, a, row, pivots, negated, work) */
function halves(code: FloatCode): Func {
  const { type } = code;
  const name = `lu_part_${type}`;
  const f = new FunctionBuilder(name, new Array(7).fill('i32'));
  const [m, n, a, row, pivots, negated, work] = f.parameters;
  const k = f.let(select(op('i32.lt_s', m, n), m, n));
  f.if(op('i32.le_s', k, i32c(few)), () => {
    f.call(`lu_panel_${type}`, m, n, a, row, pivots);
    f.return();
  });
  const first = f.let(op('i32.and', add(op('i32.shr_u', k, i32c(1)), i32c(7)), i32c(-8)));
  const [below, right] = [f.let(sub(m, first)), f.let(sub(n, first))];
  const one = i32c(code.bytes);
  const upper = f.let(add(a, byteOffset(code, first)));
  const lower = f.let(add(a, mul(first, row)));
  const rest = f.let(add(lower, byteOffset(code, first)));
  f.call(name, m, first, a, row, pivots, negated, work);
  f.call(`lu_exchange_${type}`, first, pivots, upper, row, right);
  f.call(`solve_rows_${type}`, first, right, a, row, one, i32c(1), i32c(1), upper, row, negated, work);
  const left = { rows: below, columns: first, at: lower, row, column: one };
  multiplySubtract(f, code, left, { columns: right, at: upper, row, column: one }, rest, row, { negated, work });
  const later = f.let(add(pivots, op('i32.shl', first, i32c(2))));
  f.call(name, below, right, rest, row, later, negated, work);
  const others = f.let(sub(k, first));
  f.call(`lu_exchange_${type}`, others, later, lower, row, first);
  f.for(0, others, (i) => {
    const pivot = f.let(add(later, op('i32.shl', i, i32c(2))));
    f.store('i32.store', pivot, add(load('i32.load', pivot), first));
  });
  return f.build();
}

function batches(code: FloatCode): Func {
  const f = new FunctionBuilder(`lu_${floatName(code)}`, new Array(8).fill('i32'));
  const [batch, m, n, a, pivots, order, negated, work] = f.parameters;
  const k = f.let(select(op('i32.lt_s', m, n), m, n));
  const word = (base: Expr, i: Expr): Expr => add(base, op('i32.shl', i, i32c(2)));
  const row = f.let(byteOffset(code, n));
  f.for(0, batch, () => {
    f.call(`lu_part_${code.type}`, m, n, a, row, pivots, negated, work);
    f.for(0, m, (i) => f.store('i32.store', word(order, i), i));
    f.for(0, k, (i) => {
      const other = f.let(word(order, load('i32.load', word(pivots, i))));
      const kept = f.let(load('i32.load', word(order, i)));
      f.store('i32.store', word(order, i), load('i32.load', other));
      f.store('i32.store', other, kept);
    });
    f.set(a, add(a, mul(m, row)));
    f.set(pivots, word(pivots, k));
    f.set(order, word(order, m));
  });
  return f.build(true);
}
