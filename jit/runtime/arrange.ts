import { add, mul, shl } from '../wasm/addresses.ts';
import { type Expr, type Func, FunctionBuilder } from '../wasm/code.ts';
import { inChunks } from './chunks.ts';
import { buffersIn, eachRow } from './sort.ts';
import { pairFormat } from './sort-calls.ts';

/**
 * Positions in the order of keys: rows that are too short or too long for [buckets](shuffle.ts).
 *
 *     arrange(outer, n, inner, keys, positions, to, scratch)
 */
export const arrangeFunctions = (): Func[] => [row(), arrange()];

const pair = pairFormat('uint32');
const call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', type: 'i32', fn, args });

/** arrange_row(n, keys, positions, step, to, a, b, counts): a row of whatever keys. */
function row(): Func {
  const f = new FunctionBuilder('arrange_row', new Array(8).fill('i32'));
  const [n, keys, positions, step, to, a, b, counts] = f.parameters;
  const pairs = (from: Expr, elements: Expr): Expr => add(from, shl(elements, Math.log2(pair.bytes)));
  inChunks(f, n, (i, length) => {
    const distance = f.let(mul(i, step));
    f.let(call(`keys_u32_${pair.name}`, length, add(keys, distance), step, pairs(a, i), add(positions, distance)));
  });
  const sorted = f.let(call(`radix_${pair.name}`, n, a, b, counts));
  inChunks(f, n, (i, length) => f.call(`payloads_${pair.name}`, length, pairs(sorted, i), add(to, mul(i, step)), step));
  return f.build();
}

function arrange(): Func {
  const f = new FunctionBuilder('arrange', new Array(7).fill('i32'));
  const [outer, n, inner, keys, positions, to, scratch] = f.parameters;
  const [counts, a, b] = buffersIn(f, n, pair, scratch);
  const step = f.let(shl(inner, 2));
  eachRow(f, outer, n, inner, (at) => {
    const [source, beside, target] = [keys, positions, to].map((array) => add(array, shl(at, 2))) as [Expr, Expr, Expr];
    f.call('arrange_row', n, source, beside, step, target, a, b, counts);
  });
  return f.build();
}
