import type { DType } from '../../src/core/dtype.ts';
import type { Element } from '../element.ts';
import { Inputs } from '../lower/expressions/streams.ts';
import { applyElement, type Tree } from '../lower/expressions/tree.ts';
import { successive, VectorEval } from '../lower/expressions/vector-eval.ts';
import { extractLane, storeVector } from '../lower/expressions/vector-memory.ts';
import { Accumulators } from '../lower/folds/accumulators.ts';
import { Addends } from '../lower/folds/addends.ts';
import { type Combine, combineScalars, foldedButNaN, foldedIntegers } from '../lower/folds/combine.ts';
import { forBlocks, laneBlocks } from '../lower/folds/lane-blocks.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { vectorsAtOnce } from '../lower/kernels/vectors-at-once.ts';
import { Buffer, Scalar, scalarType } from '../lower/storage.ts';
import { mathCode } from '../math/index.ts';
import { MathUses } from '../math/uses.ts';
import { add } from '../wasm/addresses.ts';
import { type CodeModule, type Expr, type Func, FunctionBuilder, i32c, op, type Target } from '../wasm/code.ts';
import { hoistConstants } from '../wasm/hoist-constants.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { type JoinRecord, joinFunction } from './joined.ts';
import { inVersions, regularVersion } from './regular.ts';

/** Several elementwise operations in one kernel, with one result or several, or a fold of what they compute. */
export interface FusedRecord {
  readonly key: string;
  /** One for each result. */
  readonly elements: readonly Element[];
  readonly operands: readonly { readonly dtype: DType; readonly byValue: boolean }[];
  readonly combine?: Combine;
}

/**
 * Kernels of what NumPy's functions are made of, for calls outside of `jit`:
 *
 *     key(rows, n, out, outStep, …, x, xStep, …)
 *
 * Steps from row to row are in bytes. An operand that comes by value has one element for each row. A fold writes one result
 * for each row, computed in the order of the plain folds.
 */
export function fusedModule(records: readonly (FusedRecord | JoinRecord)[], target: Target): CodeModule {
  const names = new Set<string>();
  const functions = records.map((record) =>
    'places' in record ? joinFunction(record, names, target) : fusedFunction(record, names, target),
  );
  const code = mathCode(names, target);
  return { imports: code.imports, functions: [...code.functions, ...functions] };
}

function fusedFunction({ key, elements, operands, combine }: FusedRecord, names: Set<string>, target: Target): Func {
  const results = elements.length;
  const f = new FunctionBuilder(key, new Array(2 + 2 * (results + operands.length)).fill('i32'));
  const [rows, n] = f.parameters;
  const outs = elements.map((_, i) => ({ start: f.param(2 + 2 * i), step: f.param(3 + 2 * i) }));
  const values = new Map<object, Expr>();
  const given = operands.map(({ dtype, byValue }, i) => {
    const [start, step] = [f.param(2 + 2 * (results + i)), f.param(3 + 2 * (results + i))];
    if (byValue) {
      const value = f.local(scalarType(dtype));
      const scalar = new Scalar(dtype, value);
      values.set(scalar, value);
      return { dtype, start, step, value, tree: { kind: 'scalar', dtype, scalar } as Tree };
    }
    const pointer = f.local('i32');
    const tree: Tree = { kind: 'array', dtype, buffer: new Buffer(dtype, 0, pointer), offset: 0, strides: [1] };
    return { dtype, start, step, pointer, tree };
  });
  const trees = given.map(({ tree }) => tree);
  const general = elements.map((element) => applyElement(element, trees, [0]));
  const quick = general.map(regularVersion);
  const conditions = quick.flatMap((version) => version.conditions);
  const read = new Inputs([...general, ...quick.map((version) => version.root)]);
  const [roots, quickRoots] = [read.roots.slice(0, results), read.roots.slice(results)];
  const math = new MathUses(target);
  const evaluator = new VectorEval(f, read, values, (stream) => stream.steps[0]!, math);
  const pointers = new Map<Tree, Expr>();
  for (const { tree, pointer } of given) if (pointer) pointers.set(tree, pointer);
  const moveOn = (count: number): void => {
    for (const { dtype, pointer } of given)
      if (pointer) f.set(pointer, add(pointer, i32c(count * elementBytes[dtype])));
  };
  /** Goes over elements until `until`, `count` at a time; `body` leaves pointers where they are. */
  const along = (count: number, until: Expr, body: () => void): void =>
    f.for(
      0,
      until,
      () => {
        body();
        moveOn(count);
      },
      count,
    );
  f.for(0, rows, () => {
    for (const { dtype, start, pointer, value } of given) {
      if (pointer) f.set(pointer, start);
      else f.set(value, loadElement(dtype, start));
    }
    evaluator.hoist(pointers);
    if (combine) {
      const [root] = roots as [Tree];
      const butNaN = foldedButNaN(combine, root);
      const integers = foldedIntegers(combine, root);
      const folded = butNaN ?? integers?.root ?? root;
      const totals = integers
        ? new Accumulators(f, integers.combine, 'uint32')
        : new Accumulators(f, combine, root.dtype, butNaN !== undefined);
      const isLogical = combine === 'and' || combine === 'or';
      const fold = { combine: integers?.combine ?? combine, root: folded };
      const addends = new Addends([fold], target);
      const [most, ...fewer] = laneBlocks([fold], addends.roots);
      totals.startOne(most!);
      // To ask whether it is decided takes longer than to look at a vector.
      const blocks = isLogical ? [2 * most!, 1] : [most!, ...fewer];
      forBlocks(f, n, blocks, (count) => {
        evaluator.evaluateEach(addends.roots, pointers, successive(count, 4), (results, u) => {
          totals.add(u % most!, addends.of(results, 0), 4);
        });
        moveOn(4 * count);
        if (isLogical) f.if(totals.isDecided(), () => f.break());
      });
      const joined = totals.horizontal();
      const total = f.var(integers ? op('i32.ne', joined, i32c(0)) : joined);
      along(1, op('i32.and', n, i32c(3)), () => {
        const last = f.let(extractLane(root.dtype, evaluator.evaluate(root, pointers, 0, 1), 0));
        f.set(
          total,
          combineScalars(combine, root.dtype, total, last, (e) => f.let(e)),
        );
      });
      storeElement(f, root.dtype, outs[0]!.start, total);
    } else {
      const places = outs.map(({ start }) => f.var(start));
      const write = (trees: readonly Tree[]): void => {
        const store = (vectors: number, lanes: number, until: Expr): void =>
          along(vectors * lanes, until, () => {
            // A value that several results are computed from is named, once.
            const known = results > 1 ? evaluator.evaluateAll(trees, pointers, vectors, lanes) : undefined;
            trees.forEach((tree, i) => {
              const [to, bytes] = [places[i]!, elementBytes[tree.dtype]];
              for (let u = 0; u < vectors; u++) {
                const value = known ? known[u]![i]! : evaluator.evaluate(tree, pointers, 4 * u, lanes);
                storeVector(f, tree.dtype, to, value, 4 * u * bytes, lanes);
              }
              f.set(to, add(to, i32c(vectors * lanes * bytes)));
            });
          });
        const vectors = Math.min(...trees.map(vectorsAtOnce));
        if (vectors > 1) store(vectors, 4, op('i32.and', n, i32c(-4 * vectors)));
        store(1, 4, op('i32.and', n, i32c(vectors > 1 ? 4 * vectors - 4 : -4)));
        store(1, 1, op('i32.and', n, i32c(3)));
      };
      inVersions(
        f,
        conditions,
        values,
        () => write(quickRoots),
        () => write(roots),
      );
    }
    for (const { start, step } of [...outs, ...given]) f.set(start, add(start, step));
  });
  for (const used of math.names) names.add(used);
  return hoistConstants(f.build(true));
}
