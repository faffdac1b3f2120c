import { type DType, isFloating } from '../../src/core/dtype.ts';
import type { Element } from '../element.ts';
import { Inputs } from '../lower/expressions/streams.ts';
import { applyElement, forEachTree, operandsOf, type Tree, withOperands } from '../lower/expressions/tree.ts';
import { VectorEval } from '../lower/expressions/vector-eval.ts';
import { extractLane, storeVector } from '../lower/expressions/vector-memory.ts';
import { Accumulators } from '../lower/folds/accumulators.ts';
import { type Combine, combineScalars, foldedButNaN } from '../lower/folds/combine.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { Buffer, Scalar, scalarType } from '../lower/storage.ts';
import { mathCode } from '../math/index.ts';
import { MathUses } from '../math/uses.ts';
import { type CodeModule, type Expr, type Func, FunctionBuilder, i32c, op, type Target } from '../wasm/code.ts';
import { hoistConstants } from '../wasm/hoist-constants.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { type JoinRecord, joinFunction } from './joined.ts';

/** Several elementwise operations in one kernel, or a fold of what they compute. */
export interface FusedRecord {
  readonly key: string;
  readonly element: Element;
  readonly operands: readonly { readonly dtype: DType; readonly byValue: boolean }[];
  readonly combine?: Combine;
}

/**
 * Kernels of what NumPy's functions are made of, for calls outside of `jit`:
 *
 *     key(rows, n, out, outStep, x, xStep, …)
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

const add = (a: Expr, b: Expr): Expr => op('i32.add', a, b);

/** Neither zero nor NaN. */
const isRegular = (x: Expr): Expr =>
  op(`${x.type}.gt`, op(`${x.type}.abs`, x), { kind: 'const', type: x.type as 'f64', value: 0 });

/**
 * The same with floating-point bounds that come by value compared and chosen, which is right unless a bound is zero, whose
 * sign matters, or NaN: WebAssembly's `max` and `min`, which are right for all, are eight instructions of x86.
 */
function withRegularBounds(root: Tree): { root: Tree; bounds: Scalar[] } {
  const bounds = new Set<Scalar>();
  const memo = new Map<Tree, Tree>();
  forEachTree(root, (tree) => {
    const own = withOperands(
      tree,
      operandsOf(tree).map((arg) => memo.get(arg)!),
    );
    memo.set(tree, own);
    if (own.kind !== 'op' || (own.op !== 'max' && own.op !== 'min') || !isFloating(own.dtype)) return;
    const [x, y] = own.args as [Tree, Tree];
    const [value, bound] = y.kind === 'scalar' ? [x, y] : [y, x];
    if (bound.kind !== 'scalar') return;
    bounds.add(bound.scalar);
    const { dtype } = own;
    const beyond: Tree = { kind: 'op', dtype: 'bool', op: own.op === 'max' ? 'lt' : 'gt', args: [value, bound] };
    memo.set(tree, { kind: 'op', dtype, op: 'select', args: [beyond, bound, value] });
  });
  return { root: memo.get(root)!, bounds: [...bounds] };
}

function fusedFunction({ key, element, operands, combine }: FusedRecord, names: Set<string>, target: Target): Func {
  const f = new FunctionBuilder(key, new Array(4 + 2 * operands.length).fill('i32'));
  const [rows, n, out, outStep] = f.parameters;
  const values = new Map<object, Expr>();
  const given = operands.map(({ dtype, byValue }, i) => {
    const [start, step] = [f.param(4 + 2 * i), f.param(5 + 2 * i)];
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
  const general = applyElement(element, trees, [0]);
  const quick = withRegularBounds(general);
  const read = new Inputs([general, quick.root]);
  const [root, quickRoot] = read.roots as [Tree, Tree];
  const math = new MathUses(target);
  const evaluator = new VectorEval(f, read, values, (stream) => stream.steps[0]!, math);
  const pointers = new Map<Tree, Expr>();
  for (const { tree, pointer } of given) if (pointer) pointers.set(tree, pointer);
  /** Goes over elements until `until`, `count` at a time; `body` leaves pointers where they are. */
  const along = (count: number, until: Expr, body: () => void): void =>
    f.for(
      0,
      until,
      () => {
        body();
        for (const { dtype, pointer } of given)
          if (pointer) f.set(pointer, add(pointer, i32c(count * elementBytes[dtype])));
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
      const unroll = root.dtype === 'float64' ? 2 : 4;
      const folded = foldedButNaN(combine, root);
      const totals = new Accumulators(f, combine, root.dtype, folded !== undefined);
      totals.start(unroll);
      const isLogical = combine === 'and' || combine === 'or';
      const blocks = (count: number, until: Expr): void =>
        along(4 * count, until, () => {
          for (let u = 0; u < count; u++) totals.add(u, evaluator.evaluate(folded ?? root, pointers, 4 * u, 4), 4);
          if (isLogical) f.if(totals.isDecided(), () => f.break());
        });
      blocks(unroll, op('i32.and', n, i32c(-4 * unroll)));
      blocks(1, op('i32.and', n, i32c(4 * unroll - 4)));
      const total = f.var(totals.horizontal());
      along(1, op('i32.and', n, i32c(3)), () => {
        const last = f.let(extractLane(root.dtype, evaluator.evaluate(root, pointers, 0, 1), 0));
        f.set(
          total,
          combineScalars(combine, root.dtype, total, last, (e) => f.let(e)),
        );
      });
      storeElement(f, root.dtype, out, total);
    } else {
      const to = f.var(out);
      const elements = (tree: Tree): void => {
        const store = (lanes: number, until: Expr): void =>
          along(lanes, until, () => {
            storeVector(f, root.dtype, to, evaluator.evaluate(tree, pointers, 0, lanes), 0, lanes);
            f.set(to, add(to, i32c(lanes * elementBytes[root.dtype])));
          });
        store(4, op('i32.and', n, i32c(-4)));
        store(1, op('i32.and', n, i32c(3)));
      };
      if (quick.bounds.length === 0) elements(root);
      else {
        const regular = quick.bounds.map((bound) => isRegular(values.get(bound)!));
        const all = regular.reduce((a, b) => op('i32.and', a, b));
        f.if(
          all,
          () => elements(quickRoot),
          () => elements(root),
        );
      }
    }
    f.set(out, add(out, outStep));
    for (const { start, step } of given) f.set(start, add(start, step));
  });
  for (const used of math.names) names.add(used);
  return hoistConstants(f.build(true));
}
