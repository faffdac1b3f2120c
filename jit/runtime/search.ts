import { type DType, isFloating, shortName } from '../../src/core/dtype.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { scalarType } from '../lower/storage.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, op, select } from '../wasm/code.ts';
import { loadElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';
import type { Side } from './search-calls.ts';

const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];
/** Searches that go on at the same time, so that each waits for memory while the others do. */
const together = 8;

/**
 * How many of n sorted elements precede each of m queries, in each of `outer` rows:
 *
 *     search_left_f32(outer, n, m, sorted, queries, to)
 *
 * Shar's search (Knuth, The Art of Computer Programming, section 6.2.1) without branches: a first comparison leaves a
 * power of two, whose halves are taken or not. NaN belongs behind everything.
 */
export const searchFunctions = (): Func[] =>
  (['left', 'right'] as const).flatMap((side) => numeric.flatMap((dtype) => [queries(side, dtype), rows(side, dtype)]));

const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
const sub = (a: Expr, b: Expr): Expr => op('i32.sub', a, b);

function queries(side: Side, dtype: DType): Func {
  const name = `search_queries_${side}_${shortName(dtype)}`;
  const f = new FunctionBuilder(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [n, m, sorted, query, to] = f.parameters;
  const bytes = elementBytes[dtype];
  const type = scalarType(dtype);
  const shift = i32c(Math.log2(bytes));
  const sign = isFloating(dtype) ? '' : dtype === 'int32' ? '_s' : '_u';
  const end = f.let(add(sorted, op('i32.shl', n, shift)));
  /** The largest power of two that is not above n, in bytes. */
  const largest = f.let(op('i32.shl', i32c(bytes), sub(i32c(31), op('i32.clz', n))));
  const precedes = (at: Expr, v: Expr): Expr =>
    op(`${type}.${side === 'left' ? 'lt' : 'le'}${sign}`, loadElement(dtype, at), v);
  const values = Array.from({ length: together }, () => f.local(type));
  const places = Array.from({ length: together }, () => f.local('i32'));
  const half = f.local('i32');
  const search = (count: number): void => {
    const each = (body: (v: Local, at: Local, i: number) => void): void => {
      for (let i = 0; i < count; i++) body(values[i]!, places[i]!, i);
    };
    each((v, at, i) => {
      f.set(v, loadElement(dtype, query, i * bytes));
      const last = add(sorted, sub(largest, i32c(bytes)));
      f.set(at, select(precedes(last, v), sub(end, largest), sorted));
    });
    f.set(half, op('i32.shr_u', largest, i32c(1)));
    f.while(op('i32.ge_u', half, i32c(bytes)), () => {
      each((v, at) => {
        f.set(at, select(precedes(add(at, sub(half, i32c(bytes))), v), add(at, half), at));
      });
      f.set(half, op('i32.shr_u', half, i32c(1)));
    });
    each((v, at, i) => {
      const found = add(op('i32.shr_u', sub(at, sorted), shift), precedes(at, v));
      f.store('i32.store', to, isFloating(dtype) ? select(op(`${type}.eq`, v, v), found, n) : found, 4 * i);
    });
    f.set(query, add(query, i32c(count * bytes)));
    f.set(to, add(to, i32c(4 * count)));
  };
  f.for(0, op('i32.and', m, i32c(-together)), () => search(together), together);
  f.for(0, op('i32.and', m, i32c(together - 1)), () => search(1));
  return f.build();
}

function rows(side: Side, dtype: DType): Func {
  const short = shortName(dtype);
  const f = new FunctionBuilder(`search_${side}_${short}`, new Array(6).fill('i32'));
  const [outer, n, m, sorted, query, to] = f.parameters;
  const bytes = i32c(elementBytes[dtype]);
  const times = (a: Expr, b: Expr): Expr => op('i32.mul', a, b);
  f.if(op('i32.eqz', n), () => {
    f.fill(to, i32c(0), times(times(outer, m), i32c(4)));
    f.return();
  });
  f.for(0, outer, () => {
    inChunks(f, m, (at, count) => {
      const [from, place] = [add(query, times(at, bytes)), add(to, times(at, i32c(4)))];
      f.call(`search_queries_${side}_${short}`, n, count, sorted, from, place);
    });
    f.set(sorted, add(sorted, times(n, bytes)));
    f.set(query, add(query, times(m, bytes)));
    f.set(to, add(to, times(m, i32c(4))));
  });
  return f.build(true);
}
