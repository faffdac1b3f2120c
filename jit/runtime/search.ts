import { type DType, isFloating, shortName } from '../../src/core/dtype.ts';
import { constant } from '../lower/expressions/scalar-code.ts';
import { identityOf } from '../lower/folds/combine.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { scalarType } from '../lower/storage.ts';
import { add, sub } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, op, select } from '../wasm/code.ts';
import { loadElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';
import type { Side } from './search-calls.ts';

const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];
/** Searches that go on at the same time, so that each waits for memory while the others do. */
const together = 8;
/** Queries that are searched for before it is seen again whether the next ones need it. */
const between = 32;

/**
 * How many of n sorted elements precede each of m queries, in each of `outer` rows:
 *
 *     search_left_f32(outer, n, m, sorted, queries, to)
 *
 * Shar's search (Knuth, The Art of Computer Programming, section 6.2.1) without branches: a first comparison leaves a
 * power of two, whose halves are taken or not. NaN belongs behind everything. Queries that all belong where the one before them does,
 * as those of a curve that is sampled more finely than the table, are not searched for.
 */
export const searchFunctions = (): Func[] =>
  (['left', 'right'] as const).flatMap((side) =>
    numeric.flatMap((dtype) => [queries(side, dtype), runs(side, dtype), rows(side, dtype)]),
  );

const signOf = (dtype: DType): string => (isFloating(dtype) ? '' : dtype === 'int32' ? '_s' : '_u');

/** search_queries_left_f32(n, m, sorted, queries, to) */
function queries(side: Side, dtype: DType): Func {
  const name = `search_queries_${side}_${shortName(dtype)}`;
  const f = new FunctionBuilder(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [n, m, sorted, query, to] = f.parameters;
  const bytes = elementBytes[dtype];
  const type = scalarType(dtype);
  const shift = i32c(Math.log2(bytes));
  const end = f.let(add(sorted, op('i32.shl', n, shift)));
  /** The largest power of two that is not above n, in bytes. */
  const largest = f.let(op('i32.shl', i32c(bytes), sub(i32c(31), op('i32.clz', n))));
  const precedes = (at: Expr, v: Expr): Expr =>
    op(`${type}.${side === 'left' ? 'lt' : 'le'}${signOf(dtype)}`, loadElement(dtype, at), v);
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

/** search_runs_left_f32(n, m, sorted, queries, to): the same, of queries many of which may belong where the one before them does. */
function runs(side: Side, dtype: DType): Func {
  const short = shortName(dtype);
  const f = new FunctionBuilder(`search_runs_${side}_${short}`, new Array(5).fill('i32'));
  const [n, m, sorted, query, to] = f.parameters;
  const bytes = elementBytes[dtype];
  const shape = isFloating(dtype) ? `${scalarType(dtype)}x${16 / bytes}` : 'i32x4';
  const splat = (x: Expr): Expr => op(`${shape}.splat`, x);
  const [least, most] = (['max', 'min'] as const).map((fold) => constant(identityOf(fold, dtype), dtype)) as [
    Expr,
    Expr,
  ];
  // Where the query before belongs, and what stands on either side of that place. Nothing lies between them at first.
  const place = f.var(i32c(0));
  const [low, high] = [f.var(splat(most)), f.var(splat(least))];
  const areSame = (): Expr => {
    const [behind, before] = side === 'left' ? ['gt', 'le'] : ['ge', 'lt'];
    const each = Array.from({ length: (together * bytes) / 16 }, (_, i) => {
      const v = f.let(load('v128.load', query, 16 * i));
      const [isBehind, isBefore] = [
        op(`${shape}.${behind}${signOf(dtype)}`, v, low),
        op(`${shape}.${before}${signOf(dtype)}`, v, high),
      ];
      return op('v128.and', isBehind, isBefore);
    });
    return op(
      'i32x4.all_true',
      each.reduce((x, y) => op('v128.and', x, y)),
    );
  };
  const left = f.var(m);
  const goOn = (count: Expr): void => {
    f.set(query, add(query, op('i32.mul', count, i32c(bytes))));
    f.set(to, add(to, op('i32.shl', count, i32c(2))));
    f.set(left, sub(left, count));
  };
  f.while(op('i32.ge_s', left, i32c(together)), () => {
    f.if(
      areSame(),
      () => {
        for (let i = 0; i < together; i += 4) f.store('v128.store', to, op('i32x4.splat', place), 4 * i);
        goOn(i32c(together));
      },
      () => {
        const count = f.let(select(op('i32.lt_s', left, i32c(between)), left, i32c(between)));
        f.call(`search_queries_${side}_${short}`, n, count, sorted, query, to);
        goOn(count);
        f.set(place, load('i32.load', sub(to, i32c(4))));
        const element = (i: Expr): Expr => loadElement(dtype, add(sorted, op('i32.mul', i, i32c(bytes))));
        const [over, under] = [sub(place, op('i32.ne', place, i32c(0))), sub(place, op('i32.eq', place, n))];
        f.set(low, splat(select(place, element(over), least)));
        f.set(high, splat(select(op('i32.lt_s', place, n), element(under), most)));
      },
    );
  });
  f.call(`search_queries_${side}_${short}`, n, left, sorted, query, to);
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
      f.call(`search_runs_${side}_${short}`, n, count, sorted, from, place);
    });
    f.set(sorted, add(sorted, times(n, bytes)));
    f.set(query, add(query, times(m, bytes)));
    f.set(to, add(to, times(m, i32c(4))));
  });
  return f.build(true);
}
