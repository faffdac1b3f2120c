import { type DType, isFloating, shortName } from '../../src/core/dtype.ts';
import { noMath, vectorOp } from '../lower/expressions/vector-code.ts';
import { combineScalars } from '../lower/folds/combine.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { scalarType } from '../lower/storage.ts';
import { add, mul } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, f64c, i32c, type Local, load, op, select } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';
import { type Folding, keepsWideLine } from './cumulative-calls.ts';
import { type Float, neutral, runningRow, wideLine } from './running-sums.ts';

const operations: readonly Folding[] = ['add', 'mul', 'max', 'min'];
const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];

/**
 * Folding sums, products and extrema along the middle axis of outer × n × inner elements, from either end:
 *
 *     cumulative_max_f32(outer, n, inner, reverse, from, to)
 *     cumulative_add_f32(outer, n, inner, reverse, from, to, scratch)
 *
 * A row whose elements lie together goes by one after the other, in one register, or [four at a time](running-sums.ts). Otherwise whole lines
 * of `inner` elements are combined, in vectors; sums of float32 have scratch memory for one line in float64.
 */
export const cumulativeFunctions = (): Func[] =>
  operations.flatMap((name) =>
    numeric.flatMap((dtype) => [
      isRunningSum(name, dtype) ? runningRow(dtype as Float) : row(name, dtype),
      keepsWideLine(name, dtype) ? wideLine() : line(name, dtype),
      along(name, dtype),
    ]),
  );

const isRunningSum = (name: Folding, dtype: DType): boolean => name === 'add' && isFloating(dtype);

/** n more elements of a row, after `total`: the last result. `step` bytes from one to the next. */
function row(name: Folding, dtype: DType): Func {
  const type = scalarType(dtype);
  const f = new FunctionBuilder(`cumulative_row_${name}_${shortName(dtype)}`, ['i32', 'i32', 'i32', 'i32', type], type);
  const [n, from, to, step, total] = f.parameters;
  f.for(0, n, () => {
    const x = f.let(loadElement(dtype, from));
    f.set(
      total,
      combineScalars(name, dtype, total, x, (e) => f.let(e)),
    );
    storeElement(f, dtype, to, total);
    f.set(from, add(from, step));
    f.set(to, add(to, step));
  });
  f.return(total);
  return f.build();
}

/** to[i] = before[i] combined with x[i], for n elements. */
function line(name: Folding, dtype: DType): Func {
  const f = new FunctionBuilder(`cumulative_line_${name}_${shortName(dtype)}`, ['i32', 'i32', 'i32', 'i32']);
  const [n, to, before, x] = f.parameters;
  const bytes = elementBytes[dtype];
  const parts = bytes / 4;
  const advance = (count: number): void => {
    for (const ptr of [to, before, x]) f.set(ptr, add(ptr, i32c(count * bytes)));
  };
  f.for(
    0,
    op('i32.and', n, i32c(-4)),
    () => {
      const vector = (ptr: Expr): Expr[] =>
        Array.from({ length: parts }, (_, i) => f.let(load('v128.load', ptr, 16 * i)));
      vectorOp(name, dtype, [vector(before), vector(x)], dtype, (e) => f.let(e), noMath).forEach((part, i) => {
        f.store('v128.store', to, part, 16 * i);
      });
      advance(4);
    },
    4,
  );
  f.for(0, op('i32.and', n, i32c(3)), () => {
    const [a, b] = [f.let(loadElement(dtype, before)), f.let(loadElement(dtype, x))];
    storeElement(
      f,
      dtype,
      to,
      combineScalars(name, dtype, a, b, (e) => f.let(e)),
    );
    advance(1);
  });
  return f.build();
}

function along(name: Folding, dtype: DType): Func {
  const short = shortName(dtype);
  const bytes = i32c(elementBytes[dtype]);
  const isWide = keepsWideLine(name, dtype);
  const f = new FunctionBuilder(`cumulative_${name}_${short}`, new Array(isWide ? 7 : 6).fill('i32'));
  const [outer, n, inner, reverse, from, to] = f.parameters;
  const width = f.let(mul(inner, bytes));
  const block = f.let(mul(n, width));
  const step = f.let(select(reverse, op('i32.sub', i32c(0), width), width));
  const first = f.let(select(reverse, op('i32.sub', block, width), i32c(0)));
  const isSum = isRunningSum(name, dtype);
  const type = isSum ? 'f64' : scalarType(dtype);
  const alongRow = (source: Local, target: Local): void => {
    const begin = loadElement(dtype, source);
    const total = f.var(isWide ? op('f64.promote_f32', begin) : begin);
    storeElement(f, dtype, target, begin);
    f.set(source, add(source, step));
    f.set(target, add(target, step));
    inChunks(f, f.let(op('i32.sub', n, i32c(1))), (i, count) => {
      const moved = f.let(mul(i, step));
      const args = [count, add(source, moved), add(target, moved), isSum ? reverse : step, total];
      f.set(total, { kind: 'call', type, fn: `cumulative_row_${name}_${short}`, args });
    });
  };
  const lineFunction = `cumulative_line_${name}_${short}`;
  const byLines = (source: Local, target: Local): void => {
    f.copy(target, source, width);
    f.for(1, n, () => {
      const last = f.var(target);
      f.set(source, add(source, step));
      f.set(target, add(target, step));
      inChunks(f, inner, (i, count) => {
        const at = f.let(mul(i, bytes));
        f.call(lineFunction, count, add(target, at), add(last, at), add(source, at));
      });
    });
  };
  const byWideLines = (source: Local, target: Local, totals: Expr): void => {
    const place = f.var(totals);
    f.for(0, inner, () => {
      f.store('f64.store', place, f64c(neutral));
      f.set(place, add(place, i32c(8)));
    });
    f.for(0, n, () => {
      inChunks(f, inner, (i, count) => {
        const at = f.let(mul(i, bytes));
        f.call(lineFunction, count, add(target, at), add(totals, mul(i, i32c(8))), add(source, at));
      });
      f.set(source, add(source, step));
      f.set(target, add(target, step));
    });
  };
  f.for(0, outer, () => {
    const [source, target] = [f.var(add(from, first)), f.var(add(to, first))];
    f.if(
      op('i32.eq', inner, i32c(1)),
      () => alongRow(source, target),
      () => (isWide ? byWideLines(source, target, f.param(6)) : byLines(source, target)),
    );
    f.set(from, add(from, block));
    f.set(to, add(to, block));
  });
  return f.build(true);
}
