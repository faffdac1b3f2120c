/** Writing windows into an array at computed positions: set, add, multiply, minimum, maximum. */

import type { JvpRule } from '../../transforms/jvp.ts';
import type { TransposeRule } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { type DType, dtypes, isFloating } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkChoice, checkIntegers, optionsOf } from '../core/options.ts';
import { type Accuracy, exact, type Primitive, primitive, reductionAccuracy, type Sample } from '../core/primitive.ts';
import { type Shape, sameShape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { mul } from './arithmetic.ts';
import { convert } from './convert.ts';
import { full } from './creation.ts';
import { strengthen } from './movement.ts';
import { windowSamples } from './movement-samples.ts';
import { repeatLanes } from './rule-helpers.ts';
import { addTranspose, bindOp, extremeJvp, linearJvp, mulJvp, setTranspose } from './scatter-rules.ts';
import {
  checkWindows,
  forEachElement,
  type IndexMode,
  joinedIndices,
  joinedRows,
  type WindowMap,
  windowAccess,
  windowsShape,
} from './windows.ts';

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
export function windowMap(operand: Shape, updates: Shape, p: ScatterParams): WindowMap {
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

interface ScatterSpec {
  readonly which: ScatterOp;
  readonly on: readonly DType[];
  readonly accuracy: Accuracy;
  readonly combine: (old: number, update: number, dtype: DType) => number;
  readonly jvp: JvpRule<ScatterParams>;
  readonly transpose?: TransposeRule<ScatterParams>;
}

function scatterPrimitive(spec: ScatterSpec): Primitive<ScatterParams> {
  const name = spec.which === 'set' ? 'scatter' : `scatter_${spec.which}`;
  const self: Primitive<ScatterParams> = primitive<ScatterParams>({
    name,
    type: ([x, ...others], params) => {
      const updates = others.at(-1);
      const indices = joinedIndices(others.slice(0, -1));
      const map = windowMap(x!.shape, updates!.shape, params);
      checkWindows(name, x!, indices, map);
      const shape = windowsShape(x!.shape, indices.shape, map);
      if (!sameShape(shape, updates!.shape)) {
        throw new ShapeError(`${name}: updates for ${x} at ${indices} must have shape [${shape}], but are ${updates}.`);
      }
      if (x!.dtype !== updates!.dtype || !spec.on.includes(x!.dtype)) {
        throw new DtypeError(`${name}: cannot combine ${x} with updates ${updates}.`);
      }
      return [x!.strong()];
    },
    run: ([x, ...others], params, [out]) => {
      const result = x!.data.slice();
      const updates = others.at(-1);
      const map = windowMap(x!.aval.shape, updates!.aval.shape, params);
      forEachElement(x!.aval.shape, joinedRows(others.slice(0, -1)), map, params.mode === 'fill', (from, to) => {
        if (to >= 0) result[to] = spec.combine(result[to]!, updates!.data[from]!, out!.dtype);
      });
      return [result];
    },
    accuracy: spec.accuracy,
    jvp: spec.jvp,
    ...(spec.transpose ? { transpose: spec.transpose } : {}),
    batch: (size, [x, indices, updates], [xBatched, indicesBatched, updatesBatched], p) => {
      const operands = [
        xBatched ? x! : repeatLanes(x!, size),
        indices!,
        updatesBatched ? updates! : repeatLanes(updates!, size),
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
      kind: 'scatter',
      combine: spec.which,
      access: (params, inputs) => {
        const updates = inputs.length - 1;
        const map = windowMap(inputs[0]!.shape, inputs[updates]!.shape, params);
        const columns = inputs.slice(1, updates).map((column) => column.shape);
        return { ...windowAccess(inputs[0]!.shape, columns, map, params.mode === 'fill' ? 0 : undefined), updates };
      },
    },
    samples: () => scatterSamples(spec.on),
  });
  return self;
}

const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];
const wrap = (x: number, dtype: DType): number => (isFloating(dtype) ? x : dtype === 'uint32' ? x >>> 0 : x | 0);

/** One primitive for each way of combining an update with what stands there. Updates are applied in order. */
export const scatterP: Readonly<Record<ScatterOp, Primitive<ScatterParams>>> = {
  set: scatterPrimitive({
    which: 'set',
    on: dtypes,
    accuracy: exact,
    combine: (_, update) => update,
    jvp: linearJvp('set'),
    transpose: setTranspose,
  }),
  add: scatterPrimitive({
    which: 'add',
    on: numeric,
    accuracy: reductionAccuracy(),
    combine: (old, update, dtype) => wrap(old + update, dtype),
    jvp: linearJvp('add'),
    transpose: addTranspose,
  }),
  mul: scatterPrimitive({
    which: 'mul',
    on: numeric,
    accuracy: reductionAccuracy(),
    combine: (old, update, dtype) => (isFloating(dtype) ? old * update : wrap(Math.imul(old, update), dtype)),
    jvp: mulJvp,
    transpose: ([ct], [x, indices, updates], p) => {
      const factors = bindOp('mul', [full(x!.aval.shape, 1, x!.aval.dtype), indices as Value, updates as Value], p);
      return [mul(ct as Value, factors), undefined, undefined];
    },
  }),
  min: scatterPrimitive({
    which: 'min',
    on: numeric,
    accuracy: exact,
    combine: (old, update) => Math.min(old, update),
    jvp: extremeJvp('min'),
  }),
  max: scatterPrimitive({
    which: 'max',
    on: numeric,
    accuracy: exact,
    combine: (old, update) => Math.max(old, update),
    jvp: extremeJvp('max'),
  }),
};

const scatterSamples = (on: readonly DType[]): Sample[] =>
  windowSamples(on, ({ shape, indices, values, map }, mode, dtype) => ({
    inputs: [
      { shape, dtype, low: -3, high: 3 },
      { shape: indices, dtype: 'int32', values },
      { shape: windowsShape(shape, indices, map), dtype, low: -3, high: 3 },
    ],
    params: {
      updateWindowDims: map.offsetDims,
      insertedWindowDims: map.collapsedSliceDims,
      scatterDimsToOperandDims: map.startIndexMap,
      operandBatchingDims: map.operandBatchingDims,
      scatterIndicesBatchingDims: map.startIndicesBatchingDims,
      mode,
      uniqueIndices: false,
    } satisfies ScatterParams,
  }));

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
  const [starts, windows] = [toValue(indices, operation), toValue(updates, operation)];
  const lists = ['updateWindowDims', 'scatterDimsToOperandDims'];
  const optionalLists = ['insertedWindowDims', 'operandBatchingDims', 'scatterIndicesBatchingDims'];
  optionsOf(operation, o, [...lists, ...optionalLists, 'mode', 'uniqueIndices'], lists);
  for (const name of [...lists, ...optionalLists]) {
    const list = o[name as 'updateWindowDims'];
    if (list !== undefined) checkIntegers(operation, `\`${name}\``, list);
  }
  if (o.mode !== undefined) checkChoice(operation, 'mode', o.mode, ['clip', 'fill', 'promise_in_bounds']);
  return bindOp(which, [value, convert(starts, 'int32'), convert(windows, value.aval.dtype)], {
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
