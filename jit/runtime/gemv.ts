import { add, sub } from '../wasm/addresses.ts';
import {
  type Func,
  FunctionBuilder,
  f32c,
  f64c,
  i32c,
  type Local,
  lane,
  load,
  madd,
  op,
  select,
  type Target,
} from '../wasm/code.ts';
import type { Element } from './gemm.ts';

/** Rows that one call handles, so that the kernels are entered often enough to be optimised while they run. */
const dotRows = 4;
const axpyRows = 1024;

/**
 * Matrix times vector, y = A·x or y += A·x, bound by reading A once: along its rows as dot products when those are
 * contiguous, along its columns otherwise. gemv(m, k, a, aRow, aCol, x, xStride, y, yStride, accumulate, scratch) with
 * strides in bytes; vectors that the kernels need contiguous are gathered into `scratch`, k + m elements.
 */
export function gemvFunctions(target: Target, e: Element): Func[] {
  return [dot(target, e, dotRows), dot(target, e, 1), axpy(target, e), gather(e), gemv(e)];
}

/** Scalar elements: y[i·yStride] = x[i·xStride] for n elements. */
function gather(e: Element): Func {
  const f = new FunctionBuilder(`gather_${e.name}`, new Array(5).fill('i32'));
  const [n, x, xStride, y, yStride] = f.parameters;
  f.for(0, n, () => {
    f.store(`${e.name}.store`, y, load(`${e.name}.load`, x));
    f.set(x, add(x, xStride));
    f.set(y, add(y, yStride));
  });
  return f.build();
}

const dotName = (e: Element, most: number): string => `dot_${e.name}_${most}`;

/** Up to `most` rows against x: two accumulators a row, missing rows being copies of the last. Writes y per row. */
function dot(target: Target, e: Element, most: number): Func {
  const f = new FunctionBuilder(dotName(e, most), new Array(8).fill('i32'));
  const [rows, k, a, aRow, x, y, yStride, accumulate] = f.parameters;
  const pointers: Local[] = [a];
  for (let r = 1; r < most; r++) {
    const last = pointers[r - 1]!;
    pointers.push(f.var(select(op('i32.gt_s', rows, i32c(r)), add(last, aRow), last)));
  }
  const sums = pointers.map(() => [f.local('v128'), f.local('v128')] as const);
  const step = 2 * e.lanes;
  const rest = f.var(op('i32.shr_u', k, i32c(Math.log2(step))));
  const [x0, x1] = [f.local('v128'), f.local('v128')];
  f.while(rest, () => {
    f.set(x0, load('v128.load', x, 0));
    f.set(x1, load('v128.load', x, 16));
    pointers.forEach((p, r) => {
      const [s0, s1] = sums[r]!;
      f.set(s0, madd(target, e.shape, load('v128.load', p, 0), x0, s0));
      f.set(s1, madd(target, e.shape, load('v128.load', p, 16), x1, s1));
      f.set(p, add(p, i32c(32)));
    });
    f.set(x, add(x, i32c(32)));
    f.set(rest, sub(rest, i32c(1)));
  });
  const totals = sums.map(([s0, s1]) => {
    const sum = f.var(op(`${e.shape}.add`, s0, s1));
    const lanes = Array.from({ length: e.lanes }, (_, l) => lane(`${e.shape}.extract_lane`, l, sum));
    while (lanes.length > 1) lanes.push(op(`${e.name}.add`, lanes.shift()!, lanes.shift()!));
    return f.var(lanes[0]!);
  });
  f.set(rest, op('i32.and', k, i32c(step - 1)));
  f.while(rest, () => {
    pointers.forEach((p, r) => {
      const product = op(`${e.name}.mul`, load(`${e.name}.load`, p), load(`${e.name}.load`, x));
      f.set(totals[r]!, op(`${e.name}.add`, totals[r]!, product));
      f.set(p, add(p, i32c(e.bytes)));
    });
    f.set(x, add(x, i32c(e.bytes)));
    f.set(rest, sub(rest, i32c(1)));
  });
  totals.forEach((total, r) => {
    f.if(op('i32.gt_s', rows, i32c(r)), () => {
      f.if(accumulate, () => f.set(total, op(`${e.name}.add`, total, load(`${e.name}.load`, y))));
      f.store(`${e.name}.store`, y, total);
      f.set(y, add(y, yStride));
    });
  });
  return f.build();
}

/** y += A·x for up to `axpyRows` rows, contiguous along columns: four columns at a time over y, which stays cached. */
function axpy(target: Target, e: Element): Func {
  const f = new FunctionBuilder(`axpy_${e.name}`, new Array(6).fill('i32'));
  const [m, k, a, aCol, x, y] = f.parameters;
  const columns = (count: number): void => {
    const pointers: Local[] = [f.var(a)];
    for (let c = 1; c < count; c++) pointers.push(f.var(add(pointers[c - 1]!, aCol)));
    const factors = pointers.map((_, c) => f.var(load(e.splat, x, c * e.bytes)));
    const to = f.var(y);
    const sum = f.local('v128');
    const rest = f.var(op('i32.shr_u', m, i32c(Math.log2(e.lanes))));
    f.while(rest, () => {
      f.set(sum, load('v128.load', to));
      pointers.forEach((p, c) => {
        f.set(sum, madd(target, e.shape, load('v128.load', p), factors[c]!, sum));
      });
      f.store('v128.store', to, sum);
      for (const p of [to, ...pointers]) f.set(p, add(p, i32c(16)));
      f.set(rest, sub(rest, i32c(1)));
    });
    f.set(rest, op('i32.and', m, i32c(e.lanes - 1)));
    f.while(rest, () => {
      const total = f.var(load(`${e.name}.load`, to));
      pointers.forEach((p, c) => {
        const product = op(`${e.name}.mul`, load(`${e.name}.load`, p), load(`${e.name}.load`, x, c * e.bytes));
        f.set(total, op(`${e.name}.add`, total, product));
      });
      f.store(`${e.name}.store`, to, total);
      for (const p of [to, ...pointers]) f.set(p, add(p, i32c(e.bytes)));
      f.set(rest, sub(rest, i32c(1)));
    });
    f.set(a, add(a, op('i32.mul', aCol, i32c(count))));
    f.set(x, add(x, i32c(count * e.bytes)));
    f.set(k, sub(k, i32c(count)));
  };
  f.while(op('i32.ge_s', k, i32c(4)), () => columns(4));
  f.while(k, () => columns(1));
  return f.build();
}

function gemv(e: Element): Func {
  const f = new FunctionBuilder(`gemv_${e.name}`, new Array(11).fill('i32'));
  const [m, k, a, aRow, aCol, x, xStride, y, yStride, accumulate, scratch] = f.parameters;
  const one = i32c(e.bytes);
  const zero = e.name === 'f32' ? f32c(0) : f64c(0);
  f.if(op('i32.ne', xStride, one), () => {
    f.call(`gather_${e.name}`, k, x, xStride, scratch, one);
    f.set(x, scratch);
  });
  f.if(op('i32.eq', aCol, one), () => {
    f.for(
      0,
      m,
      (i) => {
        const rows = f.var(sub(m, i));
        const args = [rows, k, a, aRow, x, y, yStride, accumulate];
        // The product of two vectors reads as much as the memory gives, if it does nothing in vain.
        f.if(
          op('i32.eq', rows, i32c(1)),
          () => f.call(dotName(e, 1), ...args),
          () => f.call(dotName(e, dotRows), ...args),
        );
        f.set(a, add(a, op('i32.shl', aRow, i32c(2))));
        f.set(y, add(y, op('i32.shl', yStride, i32c(2))));
      },
      dotRows,
    );
    f.return();
  });
  f.if(op('i32.eq', aRow, one), () => {
    const contiguous = f.var(op('i32.eq', yStride, one));
    const sums = f.var(y);
    f.if(op('i32.eqz', contiguous), () => {
      f.set(sums, add(scratch, op('i32.shl', k, i32c(e.shift))));
      f.if(accumulate, () => f.call(`gather_${e.name}`, m, y, yStride, sums, one));
    });
    f.if(op('i32.eqz', accumulate), () => f.fill(sums, i32c(0), op('i32.shl', m, i32c(e.shift))));
    f.for(
      0,
      m,
      (i) => {
        const left = f.var(sub(m, i));
        const rows = select(op('i32.lt_s', left, i32c(axpyRows)), left, i32c(axpyRows));
        const skip = f.var(op('i32.shl', i, i32c(e.shift)));
        f.call(`axpy_${e.name}`, rows, k, add(a, skip), aCol, x, add(sums, skip));
      },
      axpyRows,
    );
    f.if(op('i32.eqz', contiguous), () => f.call(`gather_${e.name}`, m, sums, one, y, yStride));
    f.return();
  });
  // Neither way contiguous: one element at a time.
  f.for(0, m, () => {
    const at = f.var(a);
    const factor = f.var(x);
    const sum = f.local(e.name);
    f.set(sum, zero);
    f.for(0, k, () => {
      f.set(
        sum,
        op(`${e.name}.add`, sum, op(`${e.name}.mul`, load(`${e.name}.load`, at), load(`${e.name}.load`, factor))),
      );
      f.set(at, add(at, aCol));
      f.set(factor, add(factor, one));
    });
    f.if(accumulate, () => f.set(sum, op(`${e.name}.add`, sum, load(`${e.name}.load`, y))));
    f.store(`${e.name}.store`, y, sum);
    f.set(a, add(a, aRow));
    f.set(y, add(y, yStride));
  });
  return f.build();
}
