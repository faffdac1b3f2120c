/**
 * Transforms of all lines along an axis of an array, outer × n × inner elements:
 *
 *     fft_f32(outer, n, inner, from, to, xr, xi, yr, yi, scale, inverse, full, layout, w, table, work)
 *
 * and, with real numbers on one side, rfft_f32 and irfft_f32: lines have `from` numbers before and `to` after.
 */

import { add, mul, sub } from '../../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op } from '../../wasm/code.ts';
import type { FloatCode } from '../../wasm/vector-loops.ts';
import { lineName, Planes, transposeName } from './lines.ts';
import { bytesOf } from './passes.ts';
import { layouts, scales } from './plan.ts';

type Kind = 'fft' | 'rfft' | 'irfft';

export const axisFunctions = (code: FloatCode): Func[] => [
  fewColumns(code),
  unfold(code),
  ...(['fft', 'rfft', 'irfft'] as const).map((kind) => alongAxis(kind, code)),
];

/** rows × columns elements from rows that are `xStep` bytes apart to such that are `yStep` bytes apart. */
function fewColumns(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`fft_few_columns_${type}`, new Array(6).fill('i32'));
  const [rows, columns, x, xStep, y, yStep] = f.parameters;
  const width = f.let(bytesOf(code, columns));
  f.for(0, rows, () => {
    f.for(
      0,
      width,
      (at) =>
        f.store(`${type}.store`, add(y, at), { kind: 'load', type, op: `${type}.load`, ptr: add(x, at), offset: 0 }),
      bytes,
    );
    f.set(x, add(x, xStep));
    f.set(y, add(y, yStep));
  });
  return f.build();
}

/** fft_unfold_f32(outer, n, inner, xr, xi, yr, yi): the n numbers, odd many, of which x is the half, X[n − k] = conj X[k]. */
function unfold(code: FloatCode): Func {
  const { type, bytes } = code;
  const f = new FunctionBuilder(`fft_unfold_${type}`, new Array(7).fill('i32'));
  const [outer, n, inner, xr, xi, yr, yi] = f.parameters;
  const row = f.let(bytesOf(code, inner));
  const whole = f.let(mul(n, row));
  const number = (x: Expr): Expr => ({ kind: 'load', type, op: `${type}.load`, ptr: x, offset: 0 });
  f.for(0, outer, () => {
    const [near, far] = [f.var(i32c(0)), f.var(whole)];
    f.while(op('i32.lt_s', near, far), () => {
      f.for(
        0,
        row,
        (at) => {
          const [re, im] = [f.let(number(add(xr, at))), f.var(number(add(xi, at)))];
          f.if(
            near,
            () => {
              f.store(`${type}.store`, add(add(yr, far), at), re);
              f.store(`${type}.store`, add(add(yi, far), at), op(`${type}.neg`, im));
            },
            () => f.set(im, { kind: 'const', type, value: 0 }),
          );
          f.store(`${type}.store`, add(add(yr, near), at), re);
          f.store(`${type}.store`, add(add(yi, near), at), im);
        },
        bytes,
      );
      f.set(near, add(near, row));
      f.set(far, sub(far, row));
      for (const x of [xr, xi]) f.set(x, add(x, row));
    });
    for (const y of [yr, yi]) f.set(y, add(y, whole));
  });
  return f.build(true);
}

/** What results are multiplied by. */
function scaleOf(f: FunctionBuilder, { type }: FloatCode, n: Expr, scale: Expr): Expr {
  const length = f.let(op('f64.convert_i32_s', n));
  const divisor = f.var({ kind: 'const', type: 'f64', value: 1 });
  f.if(op('i32.eq', scale, i32c(scales.mean)), () => f.set(divisor, length));
  f.if(op('i32.eq', scale, i32c(scales.unitary)), () => f.set(divisor, op('f64.sqrt', length)));
  const factor = op('f64.div', { kind: 'const', type: 'f64', value: 1 }, divisor);
  return f.let(type === 'f32' ? op('f32.demote_f64', factor) : factor);
}

function alongAxis(kind: Kind, code: FloatCode): Func {
  const { type } = code;
  const one = i32c(code.bytes);
  const f = new FunctionBuilder(`${kind}_${type}`, new Array(16).fill('i32'));
  const [outer, n, inner, from, to, xr, xi, yr, yi, scale, inverse, full, layout, w, table, work] = f.parameters;
  const factor = scaleOf(f, code, n, scale);
  const sources = kind === 'rfft' ? [xr] : [xr, xi];
  const results = kind === 'irfft' ? [yr] : [yr, yi];
  const together = f.let(bytesOf(code, w));
  const [xRow, yRow] = [f.let(bytesOf(code, from)), f.let(bytesOf(code, to))];
  const across = f.let(bytesOf(code, inner));
  const is = (name: keyof typeof layouts): Expr => op('i32.eq', layout, i32c(layouts[name]));

  const transform = (
    width: Expr,
    x: readonly Expr[],
    xStep: Expr,
    y: readonly Expr[],
    yStep: Expr,
    memory: Expr,
  ): void => {
    const places = [x[0]!, x[1] ?? x[0]!, xStep, y[0]!, y[1] ?? y[0]!, yStep, factor];
    if (kind === 'fft') f.call(lineName(code), n, width, ...places, table, memory);
    else f.call(`${kind}_line_${type}`, n, width, ...places, inverse, full, table, memory);
  };
  const shifted = (bases: readonly Expr[], by: Expr): Expr[] => bases.map((base) => f.let(add(base, by)));
  /** Groups of up to w of so many; the last one overlaps that before it, if there is one. */
  const inGroups = (count: Expr, write: (first: Expr, size: Expr) => void): void => {
    const size = f.let({ kind: 'select', type: 'i32', cond: op('i32.lt_s', count, w), a: count, b: w });
    const last = f.let(sub(count, size));
    f.for(
      0,
      count,
      (i) => {
        f.if(op('i32.gt_s', i, last), () => f.set(i, last));
        write(i, size);
      },
      w,
    );
  };
  /** Memory for w lines before and after. */
  const blocks = (): { x: Planes; y: Planes } => {
    const x = new Planes(f, work, mul(from, together));
    return { x, y: new Planes(f, x.end, mul(to, together)) };
  };
  const each = (list: readonly Expr[], planes: Planes, write: (array: Expr, plane: Expr) => void): void =>
    list.forEach((array, i) => {
      write(array, planes.both[i]!);
    });
  const overOuter = (write: (x: Expr[], y: Expr[]) => void): void =>
    f.for(0, outer, (o) => {
      write(shifted(sources, mul(o, mul(xRow, inner))), shifted(results, mul(o, mul(yRow, inner))));
    });

  f.if(is('columns'), () => {
    overOuter((x, y) =>
      inGroups(inner, (i) => {
        const at = f.let(bytesOf(code, i));
        transform(w, shifted(x, at), across, shifted(y, at), across, work);
      }),
    );
  });
  f.if(is('rows'), () => overOuter((x, y) => transform(i32c(1), x, one, y, one, work)));
  f.if(is('turned'), () => {
    const block = blocks();
    inGroups(outer, (o, size) => {
      const padding = f.let(mul(from, together));
      f.if(op('i32.lt_s', size, w), () => each(sources, block.x, (_, plane) => f.fill(plane, i32c(0), padding)));
      each(shifted(sources, mul(o, xRow)), block.x, (array, plane) =>
        f.call(transposeName(code), size, from, array, xRow, plane, together),
      );
      transform(w, block.x.both, together, block.y.both, together, block.y.end);
      each(shifted(results, mul(o, yRow)), block.y, (array, plane) =>
        f.call(transposeName(code), to, size, plane, together, array, yRow),
      );
    });
  });
  f.if(is('few'), () => {
    const block = blocks();
    const size = mul(from, together);
    each(sources, block.x, (_, plane) => f.fill(plane, i32c(0), size));
    overOuter((x, y) => {
      each(x, block.x, (array, plane) =>
        f.call(`fft_few_columns_${type}`, from, inner, array, across, plane, together),
      );
      transform(w, block.x.both, together, block.y.both, together, block.y.end);
      each(y, block.y, (array, plane) => f.call(`fft_few_columns_${type}`, to, inner, plane, together, array, across));
    });
  });
  f.if(is('long'), () => {
    const block = blocks();
    overOuter((x, y) =>
      inGroups(inner, (i, size) => {
        const at = f.let(bytesOf(code, i));
        each(shifted(x, at), block.x, (array, plane) =>
          f.call(transposeName(code), from, size, array, across, plane, xRow),
        );
        f.for(0, size, (l) => {
          const [before, after] = [f.let(mul(l, xRow)), f.let(mul(l, yRow))];
          transform(i32c(1), shifted(block.x.both, before), one, shifted(block.y.both, after), one, block.y.end);
        });
        each(shifted(y, at), block.y, (array, plane) =>
          f.call(transposeName(code), size, to, plane, yRow, array, across),
        );
      }),
    );
  });
  return f.build(true);
}
