import type { DType } from '../../src/core/dtype.ts';
import { shortName } from '../../src/core/dtype.ts';
import { type Combine, combineScalars } from '../lower/folds/combine.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { add } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op, select } from '../wasm/code.ts';
import { copyBytes } from '../wasm/copy.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';

/**
 * Gathers and scatters outside of compiled code, where positions are first written down, in bytes, for each row of indices:
 *
 *     window_places(rows, places, index, indexStep, room, stride, drop, first) → whether one lies outside
 *     gather_4(rows, places, toRow, outer, toOuter, fromOuter, inner, toInner, fromInner, to, from)
 *     scatter_add_f32(rows, places, fromRow, outer, fromOuter, toOuter, inner, fromInner, toInner, from, to)
 *
 * A window has at most two axes, with steps in bytes. One that is left out has the place −1.
 */
export const windowFunctions = (): Func[] => [
  places(),
  ...sizes.map(([bytes, dtype]) => region(`gather_${bytes}`, dtype, 'gather')),
  ...sizes.map(([bytes, dtype]) => region(`scatter_set_${bytes}`, dtype, 'scatter')),
  ...numeric.flatMap((dtype) =>
    combines.map((combine) => region(`scatter_${combine}_${shortName(dtype)}`, dtype, 'scatter', combine)),
  ),
];

const sizes: readonly (readonly [number, DType])[] = [
  [1, 'bool'],
  [4, 'int32'],
  [8, 'float64'],
];
const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];
const combines: readonly Combine[] = ['add', 'mul', 'max', 'min'];

/** Adds what one component of the index rows contributes; the first one starts. */
function places(): Func {
  const f = new FunctionBuilder('window_places', new Array(8).fill('i32'), 'i32');
  const [rows, to, index, step, room, stride, drop, first] = f.parameters;
  const outside = f.local('i32');
  f.for(0, rows, () => {
    const position = f.let(load('i32.load', index));
    // As unsigned numbers, negative positions are larger than any room.
    const missed = f.let(op('i32.gt_u', position, room));
    f.set(outside, op('i32.or', outside, missed));
    const high = f.let(select(op('i32.gt_s', position, room), room, position));
    const clamped = select(op('i32.lt_s', high, i32c(0)), i32c(0), high);
    const before = f.let(select(first, i32c(0), load('i32.load', to)));
    const out = op('i32.or', op('i32.and', drop, missed), op('i32.lt_s', before, i32c(0)));
    f.store('i32.store', to, select(out, i32c(-1), add(before, op('i32.mul', clamped, stride))));
    f.set(to, add(to, i32c(4)));
    f.set(index, add(index, step));
  });
  f.return(outside);
  return f.build(true);
}

/** Copies windows, or combines what is there with them. `moving` is the side that goes on from row to row. */
function region(name: string, dtype: DType, kind: 'gather' | 'scatter', combine?: Combine): Func {
  const f = new FunctionBuilder(name, new Array(11).fill('i32'));
  const [rows, at, movingRow, outer, movingOuter, placedOuter, inner, movingInner, placedInner, moving, placed] =
    f.parameters;
  const write = (m: Expr, p: Expr): void => {
    const [to, from] = kind === 'gather' ? [m, p] : [p, m];
    const x = loadElement(dtype, from);
    if (!combine) storeElement(f, dtype, to, x);
    else {
      const [old, update] = [f.let(loadElement(dtype, to)), f.let(x)];
      storeElement(
        f,
        dtype,
        to,
        combineScalars(combine, dtype, old, update, (e) => f.let(e)),
      );
    }
  };
  const bytes = i32c(elementBytes[dtype]);
  const together = op('i32.and', op('i32.eq', movingInner, bytes), op('i32.eq', placedInner, bytes));
  // Short runs are quicker one by one than as a call of `memory.copy`.
  const asRun = combine ? undefined : f.let(op('i32.and', together, op('i32.gt_s', inner, i32c(16))));
  const single = op('i32.eq', op('i32.mul', outer, inner), i32c(1));
  const eachRow = (body: (place: Expr) => void): void =>
    f.for(0, rows, () => {
      const place = f.let(load('i32.load', at));
      f.if(op('i32.ge_s', place, i32c(0)), () => body(f.let(add(placed, place))));
      f.set(at, add(at, i32c(4)));
      f.set(moving, add(moving, movingRow));
    });
  f.if(
    single,
    () => eachRow((place) => write(moving, place)),
    () =>
      eachRow((place) => {
        const [m, p] = [f.var(moving), f.var(place)];
        f.for(0, outer, () => {
          const oneByOne = (): void => {
            const [a, b] = [f.var(m), f.var(p)];
            f.for(0, inner, () => {
              write(a, b);
              f.set(a, add(a, movingInner));
              f.set(b, add(b, placedInner));
            });
          };
          if (asRun) {
            const length = op('i32.mul', inner, bytes);
            const [to, from] = kind === 'gather' ? [m, p] : [p, m];
            f.if(asRun, () => copyBytes(f, to, from, length), oneByOne);
          } else oneByOne();
          f.set(m, add(m, movingOuter));
          f.set(p, add(p, placedOuter));
        });
      }),
  );
  return f.build(true);
}
