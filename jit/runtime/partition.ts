import { type DType, dtypes, shortName } from '../../src/core/dtype.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { add, mul } from '../wasm/addresses.ts';
import { call, type Expr, type Func, FunctionBuilder, i32c, type Local, load, op, select } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { inChunks } from './chunks.ts';
import { mostForQuick, quickselect } from './quickselect.ts';
import { type Format, formats } from './radix.ts';
import { eachRow } from './sort.ts';
import { keyFormat, partitionPlaces, selectCounts } from './sort-calls.ts';

/**
 *     partition_f32(outer, n, inner, kth, from, to, scratch)
 *     argpartition_f32(outer, n, inner, kth, from, to, scratch)    positions instead of elements
 *
 * over the rows of arrays of outer × n × inner elements. The kth key of a row is selected, and then one pass deals its elements
 * out: what is smaller, what is equal, what is larger. So elements keep their order, and there is nothing to be carried along
 * with keys.
 */
export const partitionFunctions = (): Func[] => [
  ...formats.filter(({ pair }) => !pair).flatMap((format) => [...quickselect(format), deal(format)]),
  // Elements of a size are moved alike.
  ...(['bool', 'uint32', 'float64'] as const).map((dtype) => deal(keyFormat(dtype), dtype)),
  ...dtypes.flatMap((dtype) => [partition(dtype, false), partition(dtype, true)]),
];

const typeOf = ({ bytes }: Format): 'i32' | 'i64' => (bytes === 8 ? 'i64' : 'i32');
const dealName = ({ name }: Format, dtype?: DType): string =>
  dtype === undefined ? `deal_positions_${name}` : `deal_${elementBytes[dtype]}_${name}`;
/** Where the next place is for what is smaller, equal, larger. */
const [smaller, equal, larger] = [0, 4, 8];

/**
 *     deal_4_k32(n, keys, key, places, stepTo, from, step)
 *     deal_positions_k32(n, keys, key, places, stepTo, first)
 *
 * puts n elements, or the positions from `first` on, where their keys go.
 */
function deal(format: Format, dtype?: DType): Func {
  const type = typeOf(format);
  const f = new FunctionBuilder(dealName(format, dtype), [
    'i32',
    'i32',
    type,
    ...new Array(dtype === undefined ? 3 : 4).fill('i32'),
  ]);
  const [n, keys, key, places, stepTo, from, step] = f.parameters;
  const placeOf = (at: number): Local => f.var(load('i32.load', places, at));
  const [front, middle, back] = [placeOf(smaller), placeOf(equal), placeOf(larger)];
  f.for(0, n, (i) => {
    const own = f.let(load(`${type}.load`, keys));
    const isSmaller = f.let(op(`${type}.lt_u`, own, key));
    const isLarger = f.let(op(`${type}.gt_u`, own, key));
    const to = f.let(select(isSmaller, front, select(isLarger, back, middle)));
    if (dtype === undefined) f.store('i32.store', to, add(from, i));
    else {
      storeElement(f, dtype, to, loadElement(dtype, from));
      f.set(from, add(from, step));
    }
    f.set(front, add(front, mul(isSmaller, stepTo)));
    f.set(back, add(back, mul(isLarger, stepTo)));
    f.set(middle, add(middle, mul(op('i32.eqz', op('i32.or', isSmaller, isLarger)), stepTo)));
    f.set(keys, add(keys, i32c(format.bytes)));
  });
  f.store('i32.store', places, front, smaller);
  f.store('i32.store', places, middle, equal);
  f.store('i32.store', places, back, larger);
  return f.build();
}

function partition(dtype: DType, positions: boolean): Func {
  const name = shortName(dtype);
  const format = keyFormat(dtype);
  const type = typeOf(format);
  const bytes = elementBytes[dtype];
  const bytesTo = positions ? 4 : bytes;
  const f = new FunctionBuilder(`${positions ? 'argpartition' : 'partition'}_${name}`, new Array(7).fill('i32'));
  const [outer, n, inner, kth, from, to, places] = f.parameters;
  const counts = f.let(add(places, i32c(partitionPlaces)));
  const a = f.let(add(counts, i32c(selectCounts)));
  const inKeys = (index: Expr): Expr => op('i32.shl', index, i32c(Math.log2(format.bytes)));
  const b = f.let(add(a, inKeys(n)));
  const [step, stepTo] = [f.let(mul(inner, i32c(bytes))), f.let(mul(inner, i32c(bytesTo)))];
  const key = f.local(type);
  const ranks = add(places, i32c(equal));
  eachRow(f, outer, n, inner, (at) => {
    const [source, target] = [f.let(add(from, mul(at, i32c(bytes)))), f.let(add(to, mul(at, i32c(bytesTo))))];
    inChunks(f, n, (i, count) =>
      f.let(call(`keys_${name}_${format.name}`, 'i32', count, add(source, mul(i, step)), step, add(a, inKeys(i)))),
    );
    f.if(
      op('i32.le_s', n, i32c(mostForQuick)),
      () => f.set(key, call(`quick_${format.name}`, type, n, a, kth, b, counts, ranks)),
      () => {
        f.set(key, load(`${type}.load`, call(`select_${format.name}`, 'i32', n, a, kth, b, counts)));
        f.fill(ranks, i32c(0), i32c(8));
        inChunks(f, n, (i, count) => f.call(`ranks_${format.name}`, count, add(a, inKeys(i)), key, ranks));
      },
    );
    f.store('i32.store', places, target, smaller);
    for (const place of [equal, larger])
      f.store('i32.store', places, add(target, mul(load('i32.load', places, place), stepTo)), place);
    inChunks(f, n, (i, count) => {
      const args = [count, add(a, inKeys(i)), key, places, stepTo];
      if (positions) f.call(dealName(format), ...args, i);
      else f.call(dealName(format, dtype), ...args, add(source, mul(i, step)), step);
    });
  });
  return f.build(true);
}
