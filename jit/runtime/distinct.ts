import { type DType, shortName } from '../../src/core/dtype.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { add, mul } from '../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i32x4c,
  type Local,
  lane,
  load,
  op,
  select,
} from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';

/** Unsigned integers are compared as others are. */
const types: readonly DType[] = ['bool', 'int32', 'float32', 'float64'];
/** The name that functions for elements of `dtype` end with. */
export const distinctType = (dtype: DType): string => shortName(dtype === 'uint32' ? 'int32' : dtype);

/**
 * Which elements are not 0, and which of a sorted vector are the first of their kind:
 *
 *     nonzero_count_f32(n, x) → how many are not 0
 *     nonzero_f32(rows, n, unit, x, columns, places, step, rowStep, end)
 *     compress_8_f32(n, mask, x, to, end): the elements of 8 bytes at whose number the mask, here float32, is not 0
 *     distinct_count_f32(n, x, joined) → how many differ from the one before them
 *     distinct_f32(n, x, joined, values, counts, step)
 *
 * `nonzero` writes to `columns` the column of each times `unit`, `step` bytes apart, and to `places` its row, `rowStep` bytes apart;
 * columns end at `end`, as the elements do that `compress` writes. `distinct` writes the first of equal elements, and to `counts`,
 * `step` bytes apart, how many they are; NaNs are equal if they are `joined`. All is written at every element and passed over where
 * nothing is found, since a branch would be foretold wrongly half the time.
 */
export const distinctFunctions = (): Func[] =>
  types.flatMap((dtype) => [
    ...counting('nonzero_count', dtype, (f, x) => isNonzero(f, dtype, x), countNonzero),
    nonzeroPart(dtype),
    nonzero(dtype),
    ...[1, 4, 8].flatMap((bytes) => [compressPart(dtype, bytes), compress(dtype, bytes)]),
    ...counting('distinct_count', dtype, (f, x, i, joined) => isFirst(f, dtype, x, i, joined)),
    distinctPart(dtype),
    distinct(dtype),
  ]);

const call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', type: 'i32', fn, args });
const nameOf = (name: string, dtype: DType): string => `${name}_${distinctType(dtype)}`;

function isNonzero(f: FunctionBuilder, dtype: DType, ptr: Expr): Expr {
  const x = f.let(loadElement(dtype, ptr));
  if (dtype === 'bool') return x;
  return op(`${x.type}.ne`, x, x.type === 'i32' ? i32c(0) : op(`${x.type}.convert_i32_s`, i32c(0)));
}

/** Whether the element at `ptr`, which is number `i`, differs from the one before it. */
function isFirst(f: FunctionBuilder, dtype: DType, ptr: Expr, i: Expr, joined: Expr): Expr {
  const x = f.let(loadElement(dtype, ptr));
  const before = f.let(loadElement(dtype, op('i32.sub', ptr, i32c(elementBytes[dtype]))));
  const differ = op(`${x.type}.ne`, x, before);
  const start = op('i32.eqz', i);
  if (x.type === 'i32') return op('i32.or', start, differ);
  const isNaN = (v: Expr): Expr => op(`${v.type}.ne`, v, v);
  const same = op('i32.and', joined, op('i32.and', isNaN(x), isNaN(before)));
  return op('i32.or', start, op('i32.and', differ, op('i32.eqz', same)));
}

type Test = (f: FunctionBuilder, ptr: Expr, i: Expr, joined: Expr) => Expr;

/** Goes past all but the last few of n elements at x. Returns how many are not 0. */
function countNonzero(f: FunctionBuilder, dtype: DType, n: Local, x: Local): Expr {
  const total = f.var(i32x4c(0));
  const shape = dtype === 'float64' ? 'f64x2' : dtype === 'float32' ? 'f32x4' : 'i32x4';
  const inVector = 16 / elementBytes[dtype];
  f.for(
    0,
    op('i32.and', n, i32c(-inVector)),
    () => {
      const value = load('v128.load', x);
      if (dtype === 'bool') {
        const pairs = op('i16x8.extadd_pairwise_i8x16_u', value);
        f.set(total, op('i32x4.add', total, op('i32x4.extadd_pairwise_i16x8_u', pairs)));
      } else {
        // A mask is −1 where true, in both words of float64.
        const mask = op(`${shape}.ne`, value, i32x4c(0));
        f.set(total, op('i32x4.sub', total, mask));
      }
      f.set(x, add(x, i32c(16)));
    },
    inVector,
  );
  f.set(n, op('i32.and', n, i32c(inVector - 1)));
  const lanes = dtype === 'float64' ? [0, 2] : [0, 1, 2, 3];
  return lanes.map((i): Expr => lane('i32x4.extract_lane', i, total)).reduce(add);
}

/** How many elements pass a test. `most` counts all but the last few in vectors. */
function counting(
  name: string,
  dtype: DType,
  test: Test,
  most?: (f: FunctionBuilder, dtype: DType, n: Local, x: Local) => Expr,
): Func[] {
  const bytes = elementBytes[dtype];
  const part = new FunctionBuilder(nameOf(`${name}_part`, dtype), new Array(4).fill('i32'), 'i32');
  {
    const [n, from, x, joined] = part.parameters;
    const total = part.var(most?.(part, dtype, n, x) ?? i32c(0));
    part.for(0, n, (i) => {
      part.set(total, add(total, test(part, x, part.let(add(from, i)), joined)));
      part.set(x, add(x, i32c(bytes)));
    });
    part.return(total);
  }
  const whole = new FunctionBuilder(nameOf(name, dtype), new Array(3).fill('i32'), 'i32');
  const [n, x, joined] = whole.parameters;
  const total = whole.var(i32c(0));
  inChunks(whole, n, (at, count) => {
    const here = call(nameOf(`${name}_part`, dtype), count, at, add(x, mul(at, i32c(bytes))), joined);
    whole.set(total, add(total, here));
  });
  whole.return(total);
  return [part.build(), whole.build(true)];
}

/** A run of elements of one row, the first of which has the number `column`; the result is where the columns go on. */
function nonzeroPart(dtype: DType): Func {
  const f = new FunctionBuilder(nameOf('nonzero_part', dtype), new Array(10).fill('i32'), 'i32');
  const [n, column, unit, x, row, columns, places, step, rowStep, end] = f.parameters;
  const last = f.let(add(x, mul(n, i32c(elementBytes[dtype]))));
  const value = f.var(mul(column, unit));
  f.while(op('i32.and', op('i32.lt_u', x, last), op('i32.lt_u', columns, end)), () => {
    f.store('i32.store', columns, value);
    f.store('i32.store', places, row);
    const found = f.let(isNonzero(f, dtype, x));
    f.set(columns, add(columns, mul(found, step)));
    f.set(places, add(places, mul(found, rowStep)));
    f.set(value, add(value, unit));
    f.set(x, add(x, i32c(elementBytes[dtype])));
  });
  f.return(columns);
  return f.build();
}

function nonzero(dtype: DType): Func {
  const f = new FunctionBuilder(nameOf('nonzero', dtype), new Array(9).fill('i32'));
  const [rows, n, unit, x, columns, places, step, rowStep, end] = f.parameters;
  const start = f.let(columns);
  f.for(0, rows, (row) => {
    inChunks(f, n, (at, count) => {
      const from = add(x, mul(at, i32c(elementBytes[dtype])));
      // As many rows as columns have been written, if any are.
      const written = op('i32.div_u', op('i32.sub', columns, start), step);
      const place = f.let(add(places, mul(written, rowStep)));
      f.set(
        columns,
        call(nameOf('nonzero_part', dtype), count, at, unit, from, row, columns, place, step, rowStep, end),
      );
    });
    f.set(x, add(x, mul(n, i32c(elementBytes[dtype]))));
  });
  return f.build(true);
}

const compressName = (dtype: DType, bytes: number): string => nameOf(`compress_${bytes}`, dtype);

/** A run of elements; the result is where what follows goes. */
function compressPart(dtype: DType, bytes: number): Func {
  const f = new FunctionBuilder(`${compressName(dtype, bytes)}_part`, new Array(5).fill('i32'), 'i32');
  const [n, mask, x, to, end] = f.parameters;
  const last = f.let(add(x, mul(n, i32c(bytes))));
  const moved: DType = bytes === 8 ? 'float64' : bytes === 4 ? 'int32' : 'bool';
  f.while(op('i32.and', op('i32.lt_u', x, last), op('i32.lt_u', to, end)), () => {
    storeElement(f, moved, to, loadElement(moved, x));
    f.set(to, add(to, mul(isNonzero(f, dtype, mask), i32c(bytes))));
    f.set(mask, add(mask, i32c(elementBytes[dtype])));
    f.set(x, add(x, i32c(bytes)));
  });
  f.return(to);
  return f.build();
}

function compress(dtype: DType, bytes: number): Func {
  const f = new FunctionBuilder(compressName(dtype, bytes), new Array(5).fill('i32'));
  const [n, mask, x, to, end] = f.parameters;
  inChunks(f, n, (at, count) => {
    const here = add(mask, mul(at, i32c(elementBytes[dtype])));
    f.set(to, call(`${compressName(dtype, bytes)}_part`, count, here, add(x, mul(at, i32c(bytes))), to, end));
  });
  return f.build(true);
}

/** Elements from number `from` on, after `values` and `counts` of the last before them; the result is how many kinds are new. */
function distinctPart(dtype: DType): Func {
  const f = new FunctionBuilder(nameOf('distinct_part', dtype), new Array(7).fill('i32'), 'i32');
  const [n, from, x, joined, values, counts, step] = f.parameters;
  const bytes = elementBytes[dtype];
  const total = f.var(i32c(0));
  const value = f.var(loadElement(dtype, values));
  const start = f.var(op('i32.sub', from, load('i32.load', counts)));
  f.for(0, n, (k) => {
    const i = f.let(add(from, k));
    const first = f.let(isFirst(f, dtype, x, i, joined));
    f.set(value, select(first, loadElement(dtype, x), value));
    f.set(start, select(first, i, start));
    f.set(values, add(values, mul(first, i32c(bytes))));
    f.set(counts, add(counts, mul(first, step)));
    f.set(total, add(total, first));
    storeElement(f, dtype, values, value);
    f.store('i32.store', counts, op('i32.sub', add(i, i32c(1)), start));
    f.set(x, add(x, i32c(bytes)));
  });
  f.return(total);
  return f.build();
}

function distinct(dtype: DType): Func {
  const f = new FunctionBuilder(nameOf('distinct', dtype), new Array(6).fill('i32'));
  const [n, x, joined, values, counts, step] = f.parameters;
  const bytes = i32c(elementBytes[dtype]);
  f.set(values, op('i32.sub', values, bytes));
  f.set(counts, op('i32.sub', counts, step));
  inChunks(f, n, (at, count) => {
    const from = add(x, mul(at, bytes));
    const fresh = f.let(call(nameOf('distinct_part', dtype), count, at, from, joined, values, counts, step));
    f.set(values, add(values, mul(fresh, bytes)));
    f.set(counts, add(counts, mul(fresh, step)));
  });
  return f.build(true);
}
