/** Writing windows into an array at computed positions: set, add, multiply, minimum, maximum. */
import { type Expr, op, select as selectExpr } from '../../jit/code.ts';
import { addressed, copyRegion, copyRun, loadElement, nest, storeElement } from '../../jit/loop-nest.ts';
import type { JvpRule } from '../../transforms/jvp.ts';
import { instantiate } from '../../transforms/jvp.ts';
import { isLinear, type TransposeRule } from '../../transforms/transpose.ts';
import { addLanes } from '../../transforms/vmap.ts';
import type { ArrayLike } from '../array.ts';
import type { ShapedArray } from '../core/aval.ts';
import { byteSize, type DType, dtypes, isFloating } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { type Accuracy, exact, type Primitive, primitive, reductionAccuracy, type Sample } from '../core/primitive.ts';
import { type Shape, sameShape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { add, div, mul } from './arithmetic.ts';
import { eq, select } from './compare.ts';
import { convert } from './convert.ts';
import { full, iota, zerosLike } from './creation.ts';
import { gatherP } from './gather.ts';
import { reshape, strengthen } from './movement.ts';
import { windowCases } from './movement-samples.ts';
import { checkWindows, emitRows, forEachElement, type IndexMode, type WindowMap, windowsShape } from './windows.ts';

export interface ScatterParams {
  /** Axes of the updates that run within a window. */
  readonly updateWindowDims: readonly number[];
  /** Operand axes along which a window has length 1, missing from the updates. */
  readonly insertedWindowDims: readonly number[];
  readonly scatterDimsToOperandDims: readonly number[];
  readonly operandBatchingDims: readonly number[];
  readonly scatterIndicesBatchingDims: readonly number[];
  /** 'fill' leaves out windows that do not fit; the others move them inside. */
  readonly mode: IndexMode;
  /** The user's promise that no element is written twice. */
  readonly uniqueIndices: boolean;
}

export type ScatterOp = 'set' | 'add' | 'mul' | 'min' | 'max';

/** The windows in gather's vocabulary; their lengths are those of the updates. */
function windowMap(operand: Shape, updates: Shape, p: ScatterParams): WindowMap {
  let next = 0;
  const missing = [...p.insertedWindowDims, ...p.operandBatchingDims];
  return {
    offsetDims: p.updateWindowDims,
    collapsedSliceDims: p.insertedWindowDims,
    startIndexMap: p.scatterDimsToOperandDims,
    operandBatchingDims: p.operandBatchingDims,
    startIndicesBatchingDims: p.scatterIndicesBatchingDims,
    sliceSizes: operand.map((n, axis) =>
      missing.includes(axis) ? Math.min(1, n) : (updates[p.updateWindowDims[next++]!] ?? 0),
    ),
  };
}

const up = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);

/** Reads, for each update, the element of `x` that it is written to. */
const gatherLike = (x: Value, indices: Value, updates: ShapedArray, p: ScatterParams, fillValue = 0): Value =>
  bind1(gatherP, [x, indices], { ...windowMap(x.aval.shape, updates.shape, p), mode: p.mode, fillValue });

interface ScatterSpec {
  readonly name: string;
  readonly on: readonly DType[];
  readonly accuracy: Accuracy;
  readonly combine: (old: number, update: number, dtype: DType) => number;
  /** The combined element in compiled code; missing where the update replaces the old element. */
  readonly emit?: (old: Expr, update: Expr, dtype: DType) => Expr;
  readonly jvp: JvpRule<ScatterParams>;
  readonly transpose?: TransposeRule<ScatterParams>;
}

function scatterPrimitive(spec: ScatterSpec): Primitive<ScatterParams> {
  const self: Primitive<ScatterParams> = primitive<ScatterParams>({
    name: spec.name,
    type: ([x, indices, updates], params) => {
      const map = windowMap(x!.shape, updates!.shape, params);
      checkWindows(spec.name, x!, indices!, map);
      const shape = windowsShape(x!.shape, indices!.shape, map);
      if (!sameShape(shape, updates!.shape)) {
        throw new ShapeError(
          `${spec.name}: updates for ${x} at ${indices} must have shape [${shape}], but are ${updates}.`,
        );
      }
      if (x!.dtype !== updates!.dtype || !spec.on.includes(x!.dtype)) {
        throw new DtypeError(`${spec.name}: cannot combine ${x} with updates ${updates}.`);
      }
      return [x!.strong()];
    },
    run: ([x, indices, updates], params, [out]) => {
      const result = x!.data.slice();
      const map = windowMap(x!.aval.shape, updates!.aval.shape, params);
      forEachElement(x!.aval.shape, indices!, map, params.mode === 'fill', (from, to) => {
        if (to >= 0) result[to] = spec.combine(result[to]!, updates!.data[from]!, out!.dtype);
      });
      return [result];
    },
    accuracy: spec.accuracy,
    jvp: spec.jvp,
    ...(spec.transpose ? { transpose: spec.transpose } : {}),
    batch: (size, [x, indices, updates], [xBatched, indicesBatched, updatesBatched], p) => {
      const operands = [
        xBatched ? x! : addLanes(x!, size),
        indices!,
        updatesBatched ? updates! : addLanes(updates!, size),
      ];
      const moved = {
        insertedWindowDims: up(p.insertedWindowDims),
        scatterDimsToOperandDims: up(p.scatterDimsToOperandDims),
      };
      const lifted: ScatterParams = indicesBatched
        ? {
            ...p,
            ...moved,
            updateWindowDims: up(p.updateWindowDims),
            operandBatchingDims: [0, ...up(p.operandBatchingDims)],
            scatterIndicesBatchingDims: [0, ...up(p.scatterIndicesBatchingDims)],
          }
        : {
            ...p,
            ...moved,
            updateWindowDims: [0, ...up(p.updateWindowDims)],
            operandBatchingDims: up(p.operandBatchingDims),
          };
      return { outs: [bind1(self, operands, lifted)], batched: [true] };
    },
    lower: {
      kind: 'kernel',
      build: (k, [x, indices, updates], [out], params) => {
        const { f } = k;
        const { dtype, size } = out!.aval;
        if (size === 0) return;
        copyRun(f, out!.ptr, addressed(k, x!), size * byteSize(dtype));
        if (updates!.aval.size === 0) return;
        const map = windowMap(x!.shape, updates!.shape, params);
        const drop = params.mode === 'fill' && map.startIndexMap.length > 0;
        const pointers = { windows: addressed(k, updates!), operand: out!.ptr, indices: indices!.ptr };
        emitRows(f, { operand: x!.aval, indices: indices!.aval, map, drop }, pointers, (from, to, window, fits) => {
          const turned = window.map(({ extent, steps }) => ({ extent, steps: [steps[1]!, steps[0]!] }));
          const write = () => {
            if (!spec.emit) copyRegion(f, dtype, turned, to, from);
            else {
              nest(f, turned, [to, from], ([t, s]) => {
                const [old, update] = [f.let(loadElement(dtype, t!)), f.let(loadElement(dtype, s!))];
                storeElement(f, dtype, t!, spec.emit!(old, update, dtype));
              });
            }
          };
          if (fits) f.if(fits, write);
          else write();
        });
      },
    },
    samples: scatterSamples(spec.on),
  });
  return self;
}

const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];
const wrap = (x: number, dtype: DType): number => (isFloating(dtype) ? x : dtype === 'uint32' ? x >>> 0 : x | 0);

/** Float instructions carry NaN through; integers compare by sign. */
const extreme = (which: 'min' | 'max') => (a: Expr, b: Expr, dtype: DType) => {
  if (isFloating(dtype)) return op(`${a.type}.${which}`, a, b);
  const compare = `i32.${which === 'min' ? 'lt' : 'gt'}_${dtype === 'uint32' ? 'u' : 's'}`;
  return selectExpr(op(compare, a, b), a, b);
};

const bindOp = (which: ScatterOp, operands: readonly Value[], p: ScatterParams): Value =>
  bind1(scatterP[which], operands, p);

/** Where the update is the one that stays: the last that is written to its element. Updates are numbered and followed. */
function lastWrites(operand: ShapedArray, indices: Value, updates: ShapedArray, p: ScatterParams): Value {
  const ids = reshape(iota('int32', updates.size), updates.shape);
  const written = bindOp('set', [full(operand.shape, -1, 'int32'), indices, ids], p);
  return eq(gatherLike(written, indices, updates, p, -1), ids);
}

const setTranspose: TransposeRule<ScatterParams> = ([ct], [x, indices, updates], p) => {
  const at = indices as Value;
  let update: Value | undefined;
  if (isLinear(updates)) {
    update = gatherLike(ct as Value, at, updates.aval, p);
    if (!p.uniqueIndices) {
      update = select(lastWrites(x!.aval, at, updates.aval, p), update, zerosLike(update.aval));
    }
  }
  return [isLinear(x) ? bindOp('set', [ct as Value, at, zerosLike(updates!.aval)], p) : undefined, undefined, update];
};

const addTranspose: TransposeRule<ScatterParams> = ([ct], [x, indices, updates], p) => [
  isLinear(x) ? (ct as Value) : undefined,
  undefined,
  isLinear(updates) ? gatherLike(ct as Value, indices as Value, updates.aval, p) : undefined,
];

/** Set and add are linear: the same operation on the tangents. A set's last write wins in the tangents as well. */
const linearJvp =
  (which: 'set' | 'add'): JvpRule<ScatterParams> =>
  ([x, indices, updates], [dx, , du], p) => [
    [bindOp(which, [x!, indices!, updates!], p)],
    [bindOp(which, [instantiate(dx!), indices!, instantiate(du!)], p)],
  ];

/**
 * out = x · Π u over the updates of an element. Each tangent is multiplied by the product of all other factors. Where
 * no factor is 0 that is out / u; to be right with zeros too, the product of the factors that are not 0 and the number
 * of those that are 0 are computed apart.
 */
const mulJvp: JvpRule<ScatterParams> = ([x, indices, updates], [dx, , du], p) => {
  const [a, at, u] = [x!, indices!, updates!];
  const { dtype } = a.aval;
  const ones = full(a.aval.shape, 1, dtype);
  let tangent: Value | undefined;
  if (!isZero(dx!)) tangent = mul(dx, bindOp('mul', [ones, at, u], p));
  if (!isZero(du!)) {
    const isNull = eq(u, 0);
    const nonzero = select(isNull, full(u.aval.shape, 1, dtype), u);
    const zeros = bindOp('add', [full(a.aval.shape, 0, dtype), at, convert(isNull, dtype)], p);
    const product = gatherLike(bindOp('mul', [a, at, nonzero], p), at, u.aval, p);
    const otherZeros = add(gatherLike(zeros, at, u.aval, p), mul(convert(isNull, dtype), -1));
    const others = select(eq(otherZeros, 0), div(product, nonzero), zerosLike(u.aval));
    const share = bindOp('add', [full(a.aval.shape, 0, dtype), at, mul(du, others)], p);
    tangent = tangent ? add(tangent, share) : share;
  }
  return [[bindOp('mul', [a, at, u], p)], [tangent!]];
};

/** The tangent of whichever value is the result; where several are, their mean (as for `reduceMax`). */
const extremeJvp =
  (which: 'min' | 'max'): JvpRule<ScatterParams> =>
  ([x, indices, updates], [dx, , du], p) => {
    const [a, at, u] = [x!, indices!, updates!];
    const { dtype } = a.aval;
    const out = bindOp(which, [a, at, u], p);
    const oldWins = convert(eq(a, out), dtype);
    const updateWins = convert(eq(u, gatherLike(out, at, u.aval, p, Number.NaN)), dtype);
    const ties = bindOp('add', [oldWins, at, updateWins], p);
    const old = mul(instantiate(dx!), oldWins);
    const sum = bindOp('add', [old, at, mul(instantiate(du!), updateWins)], p);
    return [[out], [div(sum, ties)]];
  };

/** One primitive for each way of combining an update with what stands there. Updates are applied in order. */
export const scatterP: Readonly<Record<ScatterOp, Primitive<ScatterParams>>> = {
  set: scatterPrimitive({
    name: 'scatter',
    on: dtypes,
    accuracy: exact,
    combine: (_, update) => update,
    jvp: linearJvp('set'),
    transpose: setTranspose,
  }),
  add: scatterPrimitive({
    name: 'scatter_add',
    on: numeric,
    accuracy: reductionAccuracy(),
    combine: (old, update, dtype) => wrap(old + update, dtype),
    emit: (a, b) => op(`${a.type}.add`, a, b),
    jvp: linearJvp('add'),
    transpose: addTranspose,
  }),
  mul: scatterPrimitive({
    name: 'scatter_mul',
    on: numeric,
    accuracy: reductionAccuracy(),
    combine: (old, update, dtype) => (isFloating(dtype) ? old * update : wrap(Math.imul(old, update), dtype)),
    emit: (a, b) => op(`${a.type}.mul`, a, b),
    jvp: mulJvp,
    transpose: ([ct], [x, indices, updates], p) => {
      const factors = bindOp('mul', [full(x!.aval.shape, 1, x!.aval.dtype), indices as Value, updates as Value], p);
      return [mul(ct as Value, factors), undefined, undefined];
    },
  }),
  min: scatterPrimitive({
    name: 'scatter_min',
    on: numeric,
    accuracy: exact,
    combine: (old, update) => Math.min(old, update),
    emit: extreme('min'),
    jvp: extremeJvp('min'),
  }),
  max: scatterPrimitive({
    name: 'scatter_max',
    on: numeric,
    accuracy: exact,
    combine: (old, update) => Math.max(old, update),
    emit: extreme('max'),
    jvp: extremeJvp('max'),
  }),
};

function scatterSamples(on: readonly DType[]): Sample[] {
  return windowCases.flatMap(({ shape, indices, values, map }) =>
    (['clip', 'fill', 'promise_in_bounds'] as const).flatMap((mode) =>
      on.map((dtype): Sample => {
        const all = { operandBatchingDims: [], startIndicesBatchingDims: [], ...map };
        return {
          inputs: [
            { shape, dtype, low: -3, high: 3 },
            { shape: indices, dtype: 'int32', values },
            { shape: windowsShape(shape, indices, all), dtype, low: -3, high: 3 },
          ],
          params: {
            updateWindowDims: all.offsetDims,
            insertedWindowDims: all.collapsedSliceDims,
            scatterDimsToOperandDims: all.startIndexMap,
            operandBatchingDims: all.operandBatchingDims,
            scatterIndicesBatchingDims: all.startIndicesBatchingDims,
            mode,
            uniqueIndices: false,
          } satisfies ScatterParams,
        };
      }),
    ),
  );
}

export interface ScatterOptions {
  readonly updateWindowDims: readonly number[];
  readonly insertedWindowDims?: readonly number[];
  readonly scatterDimsToOperandDims: readonly number[];
  readonly operandBatchingDims?: readonly number[];
  readonly scatterIndicesBatchingDims?: readonly number[];
  /** 'fill' when left out: windows that do not lie inside are not written. */
  readonly mode?: IndexMode;
  /** Promise that no element is written twice: the derivative of a set is cheaper then. */
  readonly uniqueIndices?: boolean;
}

function scatterWith(which: ScatterOp, x: ArrayLike, indices: ArrayLike, updates: ArrayLike, o: ScatterOptions): Value {
  const operation = which === 'set' ? 'scatter' : `scatter${which[0]!.toUpperCase()}${which.slice(1)}`;
  const value = strengthen(toValue(x, operation));
  return bindOp(which, [value, convert(indices, 'int32'), convert(updates, value.aval.dtype)], {
    updateWindowDims: o.updateWindowDims,
    insertedWindowDims: o.insertedWindowDims ?? [],
    scatterDimsToOperandDims: o.scatterDimsToOperandDims,
    operandBatchingDims: o.operandBatchingDims ?? [],
    scatterIndicesBatchingDims: o.scatterIndicesBatchingDims ?? [],
    mode: o.mode ?? 'fill',
    uniqueIndices: o.uniqueIndices ?? false,
  });
}

type Scatter = (x: ArrayLike, indices: ArrayLike, updates: ArrayLike, options: ScatterOptions) => Value;

/**
 * `x` with windows of `updates` written where the rows of `indices` say; XLA's scatter. Where several are written to
 * one element, the last one stays.
 *
 * @example
 * // Rows 2 and 0 of an f32[3,4] replaced
 * scatter(x, np.array([[2], [0]], { dtype: 'int32' }), rows,
 *   { updateWindowDims: [1], insertedWindowDims: [0], scatterDimsToOperandDims: [0] });
 * @throws ShapeError when the dimension numbers do not fit the operands
 */
export const scatter: Scatter = (x, indices, updates, options) => scatterWith('set', x, indices, updates, options);
/** Like `scatter`, adding the updates. */
export const scatterAdd: Scatter = (x, indices, updates, options) => scatterWith('add', x, indices, updates, options);
/** Like `scatter`, multiplying by the updates. */
export const scatterMul: Scatter = (x, indices, updates, options) => scatterWith('mul', x, indices, updates, options);
/** Like `scatter`, keeping the smaller of the old and the new. */
export const scatterMin: Scatter = (x, indices, updates, options) => scatterWith('min', x, indices, updates, options);
/** Like `scatter`, keeping the larger of the old and the new. */
export const scatterMax: Scatter = (x, indices, updates, options) => scatterWith('max', x, indices, updates, options);
