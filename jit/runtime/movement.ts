import { range } from '../../src/core/shape.ts';
import { turn } from '../lower/expressions/vector-memory.ts';
import { add } from '../wasm/addresses.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  type Local,
  load,
  op,
  select,
  shuffle,
  type WasmType,
} from '../wasm/code.ts';
import { copyBytes } from '../wasm/copy.ts';
import { inChunks } from './chunks.ts';

/** Sizes of elements, with the instructions that move one. */
const widths: readonly { readonly bytes: number; readonly type: WasmType; readonly suffix: string }[] = [
  { bytes: 1, type: 'i32', suffix: '8' },
  { bytes: 4, type: 'i32', suffix: '' },
  { bytes: 8, type: 'f64', suffix: '' },
];

/**
 * fill_1, fill_4 (to, n, bits) and fill_8 (to, n, f64); copy_1, copy_4, copy_8 (rows, columns, to, toRow, toColumn,
 * from, fromRow, fromColumn) with strides in elements, 0 for broadcasting; repeat_1, repeat_4, repeat_8 (rows, columns, to,
 * from), which write each of `rows` neighbours `columns` times; turn_4, turn_8 (rows, columns, to, toRow, from, fromColumn), which
 * copy columns of neighbours into rows of neighbours, both in fours.
 */
export function movementFunctions(): Func[] {
  return widths.flatMap(({ bytes, type, suffix }) => [
    fillChunk(bytes, type, suffix),
    fill(bytes, type),
    copyRow(bytes, type, suffix),
    copy(bytes),
    repeat(bytes, type, suffix),
    ...(bytes > 1 ? [turned(bytes)] : []),
  ]);
}

function fillChunk(bytes: number, type: WasmType, suffix: string): Func {
  const f = new FunctionBuilder(`fill_chunk_${bytes}`, ['i32', 'i32', type]);
  const [to, n, value] = [f.param(0), f.param(1), f.param(2)];
  if (bytes === 1) {
    f.fill(to, value, n);
    return f.build();
  }
  const vector = f.var(op(bytes === 4 ? 'i32x4.splat' : 'f64x2.splat', value));
  const lanes = 16 / bytes;
  const end = f.var(add(to, op('i32.shl', n, i32c(Math.log2(bytes)))));
  const whole = f.var(add(to, op('i32.shl', op('i32.and', n, i32c(-lanes)), i32c(Math.log2(bytes)))));
  f.while(op('i32.lt_u', to, whole), () => {
    f.store('v128.store', to, vector);
    f.set(to, add(to, i32c(16)));
  });
  f.while(op('i32.lt_u', to, end), () => {
    f.store(`${type}.store${suffix}`, to, value);
    f.set(to, add(to, i32c(bytes)));
  });
  return f.build();
}

function fill(bytes: number, type: WasmType): Func {
  const f = new FunctionBuilder(`fill_${bytes}`, ['i32', 'i32', type]);
  const [to, n, value] = [f.param(0), f.param(1), f.param(2)];
  const bits = bytes === 8 ? op('i64.reinterpret_f64', value) : value;
  // What fills memory with zeros need not read the lines that it overwrites.
  f.if(op(`${bits.type}.eqz`, bits), () => {
    f.fill(to, i32c(0), op('i32.mul', n, i32c(bytes)));
    f.return();
  });
  inChunks(f, n, (at, count) => {
    f.call(`fill_chunk_${bytes}`, add(to, op('i32.mul', at, i32c(bytes))), count, value);
  });
  return f.build(true);
}

/** Byte strides: one row, at most `chunk` elements. */
function copyRow(bytes: number, type: WasmType, suffix: string): Func {
  const f = new FunctionBuilder(`copy_row_${bytes}`, ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [n, to, toStep, from, fromStep] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
  f.for(0, n, () => {
    f.store(`${type}.store${suffix}`, to, load(`${type}.load${suffix && `${suffix}_u`}`, from));
    f.set(to, add(to, toStep));
    f.set(from, add(from, fromStep));
  });
  return f.build();
}

function repeat(bytes: number, type: WasmType, suffix: string): Func {
  const f = new FunctionBuilder(`repeat_${bytes}`, ['i32', 'i32', 'i32', 'i32']);
  const [rows, columns, to, from] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  const move = (ptr: Local, by: number): void => f.set(ptr, add(ptr, i32c(by)));
  const lanes = 16 / bytes;
  // Twice: each half of a vector beside itself.
  f.if(op('i32.eq', columns, i32c(2)), () => {
    const byte = (i: number): number => bytes * (Math.floor(i / bytes) >> 1) + (i % bytes);
    const half = range(16).map(byte);
    f.for(
      0,
      op('i32.and', rows, i32c(-lanes)),
      () => {
        const x = f.let(load('v128.load', from));
        f.store('v128.store', to, shuffle(x, x, half));
        f.store(
          'v128.store',
          to,
          shuffle(
            x,
            x,
            half.map((i) => i + 8),
          ),
          16,
        );
        move(from, 16);
        move(to, 32);
      },
      lanes,
    );
    f.set(rows, op('i32.and', rows, i32c(lanes - 1)));
  });
  const whole = f.let(op('i32.and', columns, i32c(-lanes)));
  const rest = f.let(op('i32.and', columns, i32c(lanes - 1)));
  f.for(0, rows, () => {
    const element = f.let(load(`${type}.load${suffix && `${suffix}_u`}`, from));
    const vector = f.let(load(`v128.load${8 * bytes}_splat`, from));
    f.for(
      0,
      whole,
      () => {
        f.store('v128.store', to, vector);
        move(to, 16);
      },
      lanes,
    );
    f.for(0, rest, () => {
      f.store(`${type}.store${suffix}`, to, element);
      move(to, bytes);
    });
    move(from, bytes);
  });
  return f.build(true);
}

function copy(bytes: number): Func {
  const f = new FunctionBuilder(`copy_${bytes}`, new Array(8).fill('i32'));
  const [rows, columns, to, toRow, toColumn, from, fromRow, fromColumn] = Array.from({ length: 8 }, (_, i) =>
    f.param(i),
  ) as [Local, Local, Local, Local, Local, Local, Local, Local];
  for (const stride of [toRow, toColumn, fromRow, fromColumn]) f.set(stride, op('i32.mul', stride, i32c(bytes)));
  const one = i32c(bytes);
  const contiguous = f.var(op('i32.and', op('i32.eq', toColumn, one), op('i32.eq', fromColumn, one)));
  f.for(0, rows, () => {
    f.if(
      contiguous,
      () => copyBytes(f, to, from, op('i32.mul', columns, one)),
      () =>
        inChunks(f, columns, (at, count) => {
          const target = add(to, op('i32.mul', at, toColumn));
          const source = add(from, op('i32.mul', at, fromColumn));
          f.call(`copy_row_${bytes}`, count, target, toColumn, source, fromColumn);
        }),
    );
    f.set(to, add(to, toRow));
    f.set(from, add(from, fromRow));
  });
  return f.build(true);
}

/**
 * Tiles of four by four, which are turned round in registers. They go along the rows of the result for sixteen columns, so that a
 * line of the cache is whole before the next one, though lines at distances of 4096 bytes drive each other out.
 */
function turned(bytes: number): Func {
  const f = new FunctionBuilder(`turn_${bytes}`, new Array(6).fill('i32'));
  const [rows, columns, to, toRow, from, fromColumn] = f.parameters as [Local, Local, Local, Local, Local, Local];
  for (const stride of [toRow, fromColumn]) f.set(stride, op('i32.mul', stride, i32c(bytes)));
  const halves = range(bytes / 4);
  const next = (ptr: Local, by: Expr): void => f.set(ptr, add(ptr, by));
  const inFours = (count: Expr, body: () => void): void => f.for(0, count, body, 4);
  f.for(
    0,
    columns,
    (first) => {
      const left = f.let(op('i32.sub', columns, first));
      const width = f.let(select(op('i32.lt_s', left, i32c(16)), left, i32c(16)));
      const [target, source] = [f.var(to), f.var(from)];
      inFours(rows, () => {
        const [row, column] = [f.var(target), f.var(source)];
        inFours(width, () => {
          const ptr = f.var(row);
          const tile = range(4).map(() => {
            const vectors = halves.map((half) => f.let(load('v128.load', column, 16 * half)));
            next(column, fromColumn);
            return vectors;
          });
          turn(tile, bytes === 8 ? 'float64' : 'float32', (value) => f.let(value)).forEach((vectors, i) => {
            if (i > 0) next(ptr, toRow);
            vectors.forEach((vector, half) => {
              f.store('v128.store', ptr, vector, 16 * half);
            });
          });
          next(row, i32c(4 * bytes));
        });
        next(target, op('i32.shl', toRow, i32c(2)));
        next(source, i32c(4 * bytes));
      });
      next(to, i32c(16 * bytes));
      next(from, op('i32.shl', fromColumn, i32c(4)));
    },
    16,
  );
  return f.build(true);
}
