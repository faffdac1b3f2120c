import type { ShapedArray } from '../../src/core/aval.ts';
import { type DType, shortName } from '../../src/core/dtype.ts';
import { ElementBuilder } from '../element.ts';
import { Inputs } from '../lower/expressions/streams.ts';
import { applyElement, type Tree } from '../lower/expressions/tree.ts';
import { VectorEval } from '../lower/expressions/vector-eval.ts';
import { storeVector } from '../lower/expressions/vector-memory.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { vectorsAtOnce } from '../lower/kernels/vectors-at-once.ts';
import { Buffer, Scalar, scalarType } from '../lower/storage.ts';
import type { LowerRule } from '../lower-rule.ts';
import { mathCode } from '../math/index.ts';
import { MathUses } from '../math/uses.ts';
import {
  type CodeModule,
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  type Local,
  op,
  type Target,
} from '../wasm/code.ts';
import { hoistConstants } from '../wasm/hoist-constants.ts';
import { inVersions, regularVersion } from './regular.ts';

/** One elementwise operation on operands of given dtypes. */
export interface ElementwiseRecord {
  readonly name: string;
  readonly rule: Extract<LowerRule<any>, { kind: 'elementwise' }>;
  readonly params: object;
  readonly inputs: readonly DType[];
  readonly output: ShapedArray;
}

/** What the runtime calls an operation: with the dtypes, and which operands come by value. */
export const elementwiseName = (
  name: string,
  params: object,
  inputs: readonly DType[],
  scalars: readonly boolean[],
): string => {
  const to = 'newDType' in params ? `>${shortName(params.newDType as DType)}` : Object.values(params).join();
  return `${name}${to}(${inputs.map((dtype, i) => `${shortName(dtype)}${scalars[i] ? '*' : ''}`)})`;
};

const prebuilt: ReadonlySet<string> = new Set(['newDType', 'y', 'word']);

/**
 * Parameters make a function for each of their values: the dtype of a conversion, the word of a hash, and of exponents those
 * in the samples.
 */
export const isPrebuilt = (params: object): boolean => Object.keys(params).every((key) => prebuilt.has(key));

/**
 * Which operands may come by value. Of two, either; of more, none: rank-0 operands of a `select` are filled into an
 * array first.
 */
const variants = (arity: number): boolean[][] =>
  arity === 2
    ? [
        [false, false],
        [true, false],
        [false, true],
      ]
    : [new Array<boolean>(arity).fill(false)];

/**
 * The module that eager elementwise operations run in: `f(n, out, x, …)`, where an operand is an address, or a value
 * for those marked with a star. The code is that of compiled kernels, so the bits are the same.
 */
export function elementwiseModule(records: readonly ElementwiseRecord[], target: Target): CodeModule {
  const names = new Set<string>();
  const functions = records.flatMap((record) =>
    variants(record.inputs.length).map((scalars) => elementwiseFunction(record, scalars, names, target)),
  );
  const code = mathCode(names, target);
  return { imports: code.imports, functions: [...code.functions, ...functions] };
}

function elementwiseFunction(
  record: ElementwiseRecord,
  scalars: readonly boolean[],
  names: Set<string>,
  target: Target,
): Func {
  const { name, rule, params, inputs, output } = record;
  const types = inputs.map((dtype, i) => (scalars[i] ? scalarType(dtype) : 'i32'));
  const f = new FunctionBuilder(elementwiseName(name, params, inputs, scalars), ['i32', 'i32', ...types]);
  const [n, out] = [f.param(0), f.param(1)];
  const values = new Map<object, Expr>();
  const operands = inputs.map((dtype, i): Tree => {
    const param = f.param(2 + i);
    if (scalars[i]) {
      const scalar = new Scalar(dtype, param);
      values.set(scalar, param);
      return { kind: 'scalar', dtype, scalar };
    }
    return { kind: 'array', dtype, buffer: new Buffer(dtype, 0, param), offset: 0, strides: [1] };
  });
  const builder = new ElementBuilder();
  const element = rule.build(
    builder,
    inputs.map((dtype, i) => builder.input(i, dtype)),
    params,
    output,
  );
  const general = applyElement(element, operands, [0]);
  const quick = regularVersion(general);
  const read = new Inputs([general, quick.root]);
  const [root, quickRoot] = read.roots as [Tree, Tree];
  const math = new MathUses(target);
  const evaluator = new VectorEval(f, read, values, (stream) => stream.steps[0]!, math);
  const arrays = operands.flatMap((tree) => (tree.kind === 'array' ? [tree] : []));
  const pointers = new Map<Tree, Expr>(arrays.map((tree) => [tree, tree.buffer.ptr]));
  evaluator.hoist(pointers);
  const bytes = elementBytes[root.dtype];
  const elements = (tree: Tree): void => {
    const loop = (until: Expr, vectors: number, lanes: number): void =>
      f.for(
        0,
        until,
        () => {
          for (let u = 0; u < vectors; u++)
            storeVector(f, root.dtype, out, evaluator.evaluate(tree, pointers, 4 * u, lanes), 4 * u * bytes, lanes);
          const advance = (ptr: Expr, bytes: number): void =>
            f.set(ptr as Local, op('i32.add', ptr, i32c(vectors * lanes * bytes)));
          for (const { buffer, dtype } of arrays) advance(buffer.ptr, elementBytes[dtype]);
          advance(out, bytes);
        },
        vectors * lanes,
      );
    const vectors = vectorsAtOnce(tree);
    if (vectors > 1) loop(op('i32.and', n, i32c(-4 * vectors)), vectors, 4);
    loop(op('i32.and', n, i32c(vectors > 1 ? 4 * vectors - 4 : -4)), 1, 4);
    loop(op('i32.and', n, i32c(3)), 1, 1);
  };
  inVersions(
    f,
    quick.conditions,
    values,
    () => elements(quickRoot),
    () => elements(root),
  );
  for (const used of math.names) names.add(used);
  return hoistConstants(f.build(true));
}
