import { add, mul, shl } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, lane, load, op, select } from '../wasm/code.ts';
import { inChunks } from './chunks.ts';
import { countTables } from './count-calls.ts';

/**
 * How often each of 0, 1, …, length − 1 occurs in each of `outer` rows of n; numbers below 0 count as 0, larger ones do not:
 *
 *     count_i32(outer, n, length, stride, x, to, tables)
 *
 * Elements that follow each other are counted in different tables, `stride` bytes apart, since an increment of what has just been
 * written waits for it. Where that costs more than it gains, the stride is 0 and they are one. What is left out is counted behind
 * the last number.
 */
export const countFunctions = (): Func[] => (['i32', 'u32'] as const).flatMap((type) => [elements(type), rows(type)]);

/** count_elements_i32(n, length, stride, x, tables) */
function elements(type: 'i32' | 'u32'): Func {
  const f = new FunctionBuilder(`count_elements_${type}`, new Array(5).fill('i32'));
  const [n, length, stride, x, tables] = f.parameters;
  const starts = Array.from({ length: countTables }, (_, k) => f.let(add(tables, mul(stride, i32c(k)))));
  const increment = (start: Expr, place: Expr): void => {
    const at = f.let(add(start, place));
    f.store('i32.store', at, add(load('i32.load', at), i32c(1)));
  };
  const [zeros, most] = [f.let(op('i32x4.splat', i32c(0))), f.let(op('i32x4.splat', length))];
  const end = f.let(add(x, shl(n, 2)));
  f.while(op('i32.le_u', add(x, i32c(16)), end), () => {
    const given = load('v128.load', x);
    const inside = type === 'i32' ? op('i32x4.max_s', given, zeros) : given;
    const places = f.let(op('i32x4.shl', op('i32x4.min_u', inside, most), i32c(2)));
    starts.forEach((start, k) => {
      increment(start, lane('i32x4.extract_lane', k, places));
    });
    f.set(x, add(x, i32c(16)));
  });
  f.while(op('i32.lt_u', x, end), () => {
    const given = f.let(load('i32.load', x));
    const inside = type === 'i32' ? f.let(select(op('i32.lt_s', given, i32c(0)), i32c(0), given)) : given;
    increment(tables, shl(select(op('i32.lt_u', inside, length), inside, length), 2));
    f.set(x, add(x, i32c(4)));
  });
  return f.build();
}

function rows(type: 'i32' | 'u32'): Func {
  const f = new FunctionBuilder(`count_${type}`, new Array(7).fill('i32'));
  const [outer, n, length, stride, x, to, tables] = f.parameters;
  const bytes = f.let(shl(length, 2));
  const all = f.let(add(add(mul(stride, i32c(countTables - 1)), bytes), i32c(4)));
  f.for(0, outer, () => {
    f.fill(tables, i32c(0), all);
    inChunks(f, n, (at, count) => {
      f.call(`count_elements_${type}`, count, length, stride, add(x, shl(at, 2)), tables);
    });
    f.copy(to, tables, bytes);
    f.if(stride, () => {
      f.for(1, countTables, (k) => {
        const table = f.let(add(tables, mul(k, stride)));
        f.for(0, length, (i) => {
          const at = f.let(add(to, shl(i, 2)));
          f.store('i32.store', at, add(load('i32.load', at), load('i32.load', add(table, shl(i, 2)))));
        });
      });
    });
    f.set(x, add(x, shl(n, 2)));
    f.set(to, add(to, bytes));
  });
  return f.build(true);
}
