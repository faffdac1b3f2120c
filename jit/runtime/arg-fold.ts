import { type DType, dtypes, isFloating, shortName } from '../../src/core/dtype.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { scalarType } from '../lower/storage.ts';
import { add } from '../wasm/addresses.ts';
import {
  bitselect,
  call,
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  type Local,
  load,
  op,
  select,
} from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { chooseLanes } from '../wasm/vector-blocks.ts';
import type { Extremum } from './arg-fold-calls.ts';
import { foldName } from './folds.ts';

/**
 * Where the first largest or smallest element along the middle axis of outer × n × inner elements is, or the first NaN:
 *
 *     arg_max_f32(outer, n, inner, from, to, best)
 *
 * A row whose elements lie together is folded in vectors, part by part, and the part that the result is of is searched for it.
 * Otherwise lines of `inner` elements go by, and `best`, scratch memory for one, holds the best of each column.
 */
export const argFoldFunctions = (): Func[] =>
  dtypes.flatMap((dtype) => [
    find(dtype),
    ...(['max', 'min'] as const).flatMap((e) => [part(e, dtype), line(e, dtype), row(e, dtype), along(e, dtype)]),
  ]);

/** Elements of a part of a row, which is searched while the first-level cache has it. */
const partLength = 4096;

const equal = (x: Expr, y: Expr): Expr => op(`${x.type}.eq`, x, y);

/** The position of the first element equal to a value, or of the first NaN if it is one; there is such an element. */
function find(dtype: DType): Func {
  const f = new FunctionBuilder(`find_${shortName(dtype)}`, ['i32', scalarType(dtype), 'i32'], 'i32');
  const [from, value, n] = [f.param(0), f.param(1), f.param(2)];
  const bytes = elementBytes[dtype];
  const at = f.var(from);
  const search = (isNaN: boolean): void => {
    if (dtype !== 'bool') skip(f, dtype, at, isNaN ? undefined : value, n);
    const missed = (): Expr => {
      const x = loadElement(dtype, at);
      return isNaN ? equal(x, loadElement(dtype, at)) : op('i32.eqz', equal(x, value));
    };
    f.while(missed(), () => f.set(at, add(at, i32c(bytes))));
  };
  if (isFloating(dtype))
    f.if(
      equal(value, value),
      () => search(false),
      () => search(true),
    );
  else search(false);
  f.return(op('i32.shr_u', op('i32.sub', at, from), i32c(Math.log2(bytes))));
  return f.build();
}

/** Goes past blocks of four vectors in which no element is equal to a value, or none NaN if there is no value. */
function skip(f: FunctionBuilder, dtype: DType, at: Local, value: Expr | undefined, n: Expr): void {
  const shape = dtype === 'float64' ? 'f64x2' : dtype === 'float32' ? 'f32x4' : 'i32x4';
  const splat = value && f.let(op(`${shape}.splat`, value));
  const end = f.let(add(at, op('i32.mul', n, i32c(elementBytes[dtype]))));
  const match = (offset: number): Expr => {
    const x = load('v128.load', at, offset);
    if (splat) return op(`${shape}.eq`, x, splat);
    const named = f.let(x);
    return op(`${shape}.ne`, named, named);
  };
  f.while(op('i32.le_u', add(at, i32c(64)), end), () => {
    const any = [0, 16, 32, 48].map(match).reduce((a, b) => op('v128.or', a, b));
    f.if(op('v128.any_true', any), () => f.break());
    f.set(at, add(at, i32c(64)));
  });
}

const signOf = (dtype: DType): string => (isFloating(dtype) ? '' : dtype === 'int32' ? '_s' : '_u');

/** Elements of line k that are better than what each column had. Blocks without any are passed over in vectors. */
function line(extremum: Extremum, dtype: DType): Func {
  const f = new FunctionBuilder(`arg_line_${extremum}_${shortName(dtype)}`, new Array(5).fill('i32'));
  const [n, k, x, best, to] = f.parameters;
  const partName = `arg_part_${extremum}_${shortName(dtype)}`;
  if (dtype !== 'bool') {
    const bytes = elementBytes[dtype];
    const count = 64 / bytes;
    const shape = dtype === 'float64' ? 'f64x2' : dtype === 'float32' ? 'f32x4' : 'i32x4';
    // False for NaN on either side, which is then looked at.
    const instruction = `${shape}.${extremum === 'max' ? 'le' : 'ge'}${signOf(dtype)}`;
    const masks = [0, 16, 32, 48].map((at) => op(instruction, load('v128.load', x, at), load('v128.load', best, at)));
    const none = op(
      bytes === 8 ? 'i64x2.all_true' : 'i32x4.all_true',
      masks.reduce((a, b) => op('v128.and', a, b)),
    );
    f.while(op('i32.ge_s', n, i32c(count)), () => {
      f.if(op('i32.eqz', none), () => block(f, extremum, dtype, k, x, best, to));
      for (const ptr of [x, best]) f.set(ptr, add(ptr, i32c(64)));
      f.set(to, add(to, i32c(4 * count)));
      f.set(n, add(n, i32c(-count)));
    });
  }
  f.call(partName, n, k, x, best, to);
  return f.build();
}

/** The same for 64 bytes, in vectors. */
function block(f: FunctionBuilder, extremum: Extremum, dtype: DType, k: Expr, x: Expr, best: Expr, to: Expr): void {
  const shape = dtype === 'float64' ? 'f64x2' : dtype === 'float32' ? 'f32x4' : 'i32x4';
  const places = f.let(op('i32x4.splat', k));
  const better = (at: number): Expr => {
    const [value, old] = [f.let(load('v128.load', x, at)), f.let(load('v128.load', best, at))];
    const compare = (name: string): Expr => op(`${shape}.${name}${signOf(dtype)}`, value, old);
    // As element by element: nothing replaces NaN.
    const mask = f.let(
      isFloating(dtype)
        ? op('v128.andnot', op(`${shape}.eq`, old, old), compare(extremum === 'max' ? 'le' : 'ge'))
        : compare(extremum === 'max' ? 'gt' : 'lt'),
    );
    f.store('v128.store', best, bitselect(mask, value, old), at);
    return mask;
  };
  const place = (mask: Expr, at: number): void =>
    f.store('v128.store', to, bitselect(mask, places, load('v128.load', to, at)), at);
  if (dtype !== 'float64') {
    for (const at of [0, 16, 32, 48]) place(better(at), at);
    return;
  }
  for (const at of [0, 32]) {
    const [low, high] = [better(at), better(at + 16)];
    place(chooseLanes(low, high, 4, 0, 2, 4, 6), at / 2);
  }
}

/** Whether a number replaces the best one so far. */
function isBetter(extremum: Extremum, dtype: DType, value: Expr, best: Expr): Expr {
  const compare = (name: string): Expr => op(`${value.type}.${name}${signOf(dtype)}`, value, best);
  if (!isFloating(dtype)) return compare(extremum === 'max' ? 'gt' : 'lt');
  // Nothing replaces NaN, which is itself never unbeaten.
  return op('i32.and', equal(best, best), op('i32.eqz', compare(extremum === 'max' ? 'le' : 'ge')));
}

/** The same, element by element. */
function part(extremum: Extremum, dtype: DType): Func {
  const f = new FunctionBuilder(`arg_part_${extremum}_${shortName(dtype)}`, new Array(5).fill('i32'));
  const [n, k, x, best, to] = f.parameters;
  f.for(0, n, () => {
    const [value, old] = [f.let(loadElement(dtype, x)), f.let(loadElement(dtype, best))];
    f.if(isBetter(extremum, dtype, value, old), () => {
      storeElement(f, dtype, best, value);
      f.store('i32.store', to, k);
    });
    for (const ptr of [x, best]) f.set(ptr, add(ptr, i32c(elementBytes[dtype])));
    f.set(to, add(to, i32c(4)));
  });
  return f.build();
}

/** arg_row_max_f32(n, from) → the position in n elements that lie together. */
function row(extremum: Extremum, dtype: DType): Func {
  const short = shortName(dtype);
  const f = new FunctionBuilder(`arg_row_${extremum}_${short}`, ['i32', 'i32'], 'i32');
  const [n, from] = f.parameters;
  const combine = dtype !== 'bool' ? extremum : extremum === 'max' ? 'or' : 'and';
  const addressOf = (k: Expr): Expr => add(from, op('i32.mul', k, i32c(elementBytes[dtype])));
  const lengthFrom = (k: Expr): Expr => {
    const rest = f.let(op('i32.sub', n, k));
    return select(op('i32.lt_u', rest, i32c(partLength)), rest, i32c(partLength));
  };
  const folded = (k: Expr): Expr => call(foldName(combine, dtype), scalarType(dtype), lengthFrom(k), addressOf(k));
  const [best, place] = [f.var(folded(i32c(0))), f.var(i32c(0))];
  f.for(
    partLength,
    n,
    (k) => {
      const value = f.let(folded(k));
      f.if(isBetter(extremum, dtype, value, best), () => {
        f.set(best, value);
        f.set(place, k);
      });
    },
    partLength,
  );
  const found = call(`find_${short}`, 'i32', addressOf(place), best, lengthFrom(place));
  f.return(add(place, found));
  return f.build();
}

function along(extremum: Extremum, dtype: DType): Func {
  const short = shortName(dtype);
  const f = new FunctionBuilder(`arg_${extremum}_${short}`, new Array(6).fill('i32'));
  const [outer, n, inner, from, to, best] = f.parameters;
  const width = f.let(op('i32.mul', inner, i32c(elementBytes[dtype])));
  f.for(0, outer, () => {
    f.if(
      op('i32.eq', inner, i32c(1)),
      () => {
        f.store('i32.store', to, call(`arg_row_${extremum}_${short}`, 'i32', n, from));
        f.set(from, add(from, op('i32.mul', n, width)));
      },
      () => {
        f.copy(best, from, width);
        f.fill(to, i32c(0), op('i32.shl', inner, i32c(2)));
        f.set(from, add(from, width));
        f.for(1, n, (k) => {
          f.call(`arg_line_${extremum}_${short}`, inner, k, from, best, to);
          f.set(from, add(from, width));
        });
      },
    );
    f.set(to, add(to, op('i32.shl', inner, i32c(2))));
  });
  return f.build(true);
}
