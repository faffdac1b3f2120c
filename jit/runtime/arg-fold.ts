import { type DType, dtypes, isFloating, shortName } from '../../src/core/dtype.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { scalarType } from '../lower/storage.ts';
import { bitselect, type Expr, type Func, FunctionBuilder, i32c, type Local, load, op } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { chooseLanes } from '../wasm/vector-blocks.ts';
import type { Extremum } from './arg-fold-calls.ts';
import { foldName } from './folds.ts';

/**
 * Where the first largest or smallest element along the middle axis of outer × n × inner elements is, or the first NaN:
 *
 *     arg_max_f32(outer, n, inner, from, to, best)
 *
 * A row whose elements lie together is folded in vectors, and searched for the result. Otherwise lines of `inner` elements
 * go by, and `best`, scratch memory for one, holds the best of each column.
 */
export const argFoldFunctions = (): Func[] =>
  dtypes.flatMap((dtype) => [
    find(dtype),
    ...(['max', 'min'] as const).flatMap((e) => [part(e, dtype), line(e, dtype), along(e, dtype)]),
  ]);

const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);
const equal = (x: Expr, y: Expr): Expr => op(`${x.type}.eq`, x, y);

/** The position of the first element equal to a value, or of the first NaN if it is one; there is such an element. */
function find(dtype: DType): Func {
  const f = new FunctionBuilder(`find_${shortName(dtype)}`, ['i32', scalarType(dtype), 'i32'], 'i32');
  const [from, value, n] = [f.param(0), f.param(1), f.param(2)];
  const bytes = elementBytes[dtype];
  const at = f.var(from);
  skip(f, dtype, at, value, n);
  const until = (found: (x: Expr) => Expr): void => {
    f.while(op('i32.eqz', found(loadElement(dtype, at))), () => f.set(at, add(at, i32c(bytes))));
  };
  const search = (): void => until((x) => equal(x, value));
  if (isFloating(dtype)) {
    f.if(equal(value, value), search, () => {
      f.while(equal(loadElement(dtype, at), loadElement(dtype, at)), () => f.set(at, add(at, i32c(bytes))));
    });
  } else search();
  f.return(op('i32.shr_u', op('i32.sub', at, from), i32c(Math.log2(bytes))));
  return f.build();
}

/** Goes past blocks of four vectors in which there is no such element. */
function skip(f: FunctionBuilder, dtype: DType, at: Local, value: Expr, n: Expr): void {
  if (dtype === 'bool') return;
  const shape = dtype === 'float64' ? 'f64x2' : dtype === 'float32' ? 'f32x4' : 'i32x4';
  const splat = f.let(op(`${shape}.splat`, value));
  const nan = isFloating(dtype) ? f.let(op(`${shape}.ne`, splat, splat)) : undefined;
  const end = f.let(add(at, op('i32.mul', n, i32c(elementBytes[dtype]))));
  const match = (offset: number): Expr => {
    const x = f.let(load('v128.load', at, offset));
    const found = op(`${shape}.eq`, x, splat);
    return nan ? op('v128.or', found, op('v128.and', nan, op(`${shape}.ne`, x, x))) : found;
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

/** The same, element by element. */
function part(extremum: Extremum, dtype: DType): Func {
  const f = new FunctionBuilder(`arg_part_${extremum}_${shortName(dtype)}`, new Array(5).fill('i32'));
  const [n, k, x, best, to] = f.parameters;
  const sign = signOf(dtype);
  f.for(0, n, () => {
    const [value, old] = [f.let(loadElement(dtype, x)), f.let(loadElement(dtype, best))];
    const compare = (name: string): Expr => op(`${value.type}.${name}${sign}`, value, old);
    // Nothing replaces NaN, which is itself never unbeaten.
    const better = isFloating(dtype)
      ? op('i32.and', equal(old, old), op('i32.eqz', compare(extremum === 'max' ? 'le' : 'ge')))
      : compare(extremum === 'max' ? 'gt' : 'lt');
    f.if(better, () => {
      storeElement(f, dtype, best, value);
      f.store('i32.store', to, k);
    });
    for (const ptr of [x, best]) f.set(ptr, add(ptr, i32c(elementBytes[dtype])));
    f.set(to, add(to, i32c(4)));
  });
  return f.build();
}

function along(extremum: Extremum, dtype: DType): Func {
  const short = shortName(dtype);
  const f = new FunctionBuilder(`arg_${extremum}_${short}`, new Array(6).fill('i32'));
  const [outer, n, inner, from, to, best] = f.parameters;
  const width = f.let(op('i32.mul', inner, i32c(elementBytes[dtype])));
  const combine = dtype !== 'bool' ? extremum : extremum === 'max' ? 'or' : 'and';
  f.for(0, outer, () => {
    f.if(
      op('i32.eq', inner, i32c(1)),
      () => {
        const type = scalarType(dtype);
        const value = f.let({ kind: 'call', type, fn: foldName(combine, dtype), args: [n, from] });
        f.store('i32.store', to, { kind: 'call', type: 'i32', fn: `find_${short}`, args: [from, value, n] });
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
