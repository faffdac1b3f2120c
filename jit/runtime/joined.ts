/** Kernels that compute several elements of a row from elements of others: `key(n, out, …arrays)`. */
import { byteSize, type DType } from '../../src/core/dtype.ts';
import type { JoinLeaf } from '../eager/joins.ts';
import type { Element } from '../element.ts';
import { Inputs } from '../lower/expressions/streams.ts';
import { applyElement, type HeldLeaf } from '../lower/expressions/tree.ts';
import { VectorEval } from '../lower/expressions/vector-eval.ts';
import { loadLanes, storeLanes } from '../lower/expressions/vector-memory.ts';
import { MathUses } from '../math/uses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op, type Target } from '../wasm/code.ts';
import { hoistConstants } from '../wasm/hoist-constants.ts';

export interface JoinRecord {
  readonly key: string;
  readonly dtype: DType;
  readonly elements: readonly Element[];
  readonly leaves: readonly JoinLeaf[];
  readonly places: readonly number[];
  readonly step: number;
}

/** Steps of the leaves of one array are equal: its pointer moves by them. */
export function joinFunction(record: JoinRecord, names: Set<string>, target: Target): Func {
  const { key, dtype, elements, leaves, places, step } = record;
  const bytes = byteSize(dtype);
  const arrays = Math.max(...leaves.map(({ array }) => array)) + 1;
  const f = new FunctionBuilder(key, new Array(2 + arrays).fill('i32'));
  const [n, out] = [f.param(0), f.param(1)];
  const held = leaves.map((): HeldLeaf => ({ kind: 'held', dtype }));
  const read = new Inputs(elements.map((element) => applyElement(element, held, [0])));
  const math = new MathUses(target);
  const evaluator = new VectorEval(f, read, new Map(), () => 0, math, true);
  evaluator.hoist(new Map());
  const along = (lanes: number, until: Expr): void =>
    f.for(
      0,
      until,
      () => {
        leaves.forEach(({ array, offset, step }, i) => {
          const ptr = f.param(2 + array);
          const value = loadLanes(dtype, lanes, (lane) => ({ ptr, offset: (offset + lane * step) * bytes }));
          evaluator.hold(held[i]!, [value.map((part) => f.let(part))]);
        });
        const [results] = evaluator.evaluateAll(read.roots, new Map(), 1, lanes);
        results!.forEach((value, i) => {
          storeLanes(f, dtype, out, value, places[i]! * bytes, step * bytes, lanes);
        });
        f.set(out, op('i32.add', out, i32c(lanes * step * bytes)));
        for (let array = 0; array < arrays; array++) {
          const own = leaves.find((leaf) => leaf.array === array)!.step;
          f.set(f.param(2 + array), op('i32.add', f.param(2 + array), i32c(lanes * own * bytes)));
        }
      },
      lanes,
    );
  along(4, op('i32.and', n, i32c(-4)));
  along(1, op('i32.and', n, i32c(3)));
  for (const used of math.names) names.add(used);
  return hoistConstants(f.build(true));
}
