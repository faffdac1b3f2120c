/** `debug.callback`: JavaScript called from inside a program, with the values that the program computes. */
import { NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { DtypeError } from '../core/errors.ts';
import { evaluatingTrace } from '../core/evaluate.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { sizeOf } from '../core/shape.ts';
import { withSource } from '../core/source.ts';
import { bind, withTrace } from '../core/trace.ts';
import { and } from '../lax/logic.ts';
import { any } from '../lax/reductions.ts';
import { takeApart } from './operands.ts';

/** One `vmap` around the call: how many lanes, and which operands have a leading axis for them. */
interface Lanes {
  readonly size: number;
  readonly batched: readonly boolean[];
}

interface CallbackParams {
  readonly callback: (...args: NDArray[]) => void;
  /** The first operand is a bool: where it is false, nothing is called. */
  readonly guarded?: boolean;
  /** Outermost first. An operand's leading axes are those of the levels that batch it, in this order. */
  readonly lanes: readonly Lanes[];
}

/**
 * No results: an equation that is kept for its effect. Derivatives pass it by: it sees primal values, once. A callback on
 * a tangent runs where tangents are pushed forward, and has no place in the transposed program.
 */
export const debugCallbackP: Primitive<CallbackParams> = primitive<CallbackParams>({
  name: 'debug_callback',
  effectful: () => true,
  type: () => [],
  run: (inputs, params) => {
    invoke(
      params,
      inputs.map(({ aval, data }) => NDArray.fromHost(data.slice(), aval)),
    );
    return [];
  },
  accuracy: exact,
  jvp: 'zero',
  // Lanes are taken apart when the callback runs, so that a program does not grow with their number.
  batch: (size, args, batched, params) => {
    if (params.guarded && !batched.includes(true, 1)) {
      // What is called back does not depend on the lane: once, if any lane gets here.
      bind(debugCallbackP, [any(args[0]!, { axis: 0 }), ...args.slice(1)], params);
    } else {
      bind(debugCallbackP, args, { ...params, lanes: [{ size, batched }, ...params.lanes] });
    }
    return { outs: [], batched: [] };
  },
  guard: (active, args, params) =>
    params.guarded
      ? bind(debugCallbackP, [and(active, args[0]!), ...args.slice(1)], params)
      : bind(debugCallbackP, [active, ...args], {
          ...params,
          guarded: true,
          lanes: params.lanes.map(({ size, batched }) => ({ size, batched: [false, ...batched] })),
        }),
  lower: {
    kind: 'callback',
    handler:
      (params) =>
      (...args) =>
        invoke(params, args as NDArray[]),
  },
});

/** Calls back, lane by lane; what the callback computes is computed at once, whatever is being traced around it. */
function invoke({ callback, lanes, guarded }: CallbackParams, args: readonly NDArray[]): void {
  const visit = (level: number, values: readonly NDArray[]): void => {
    if (guarded && !values[0]!.hostData().includes(1)) return;
    const lane = lanes[level];
    if (!lane) {
      callback(...(guarded ? values.slice(1) : values));
      return;
    }
    const { size, batched } = lane;
    const active = guarded && batched[0] ? values[0]!.hostData() : undefined;
    const step = active ? active.length / size : 0;
    for (let i = 0; i < size; i++) {
      if (active && !active.subarray(i * step, (i + 1) * step).includes(1)) continue;
      visit(
        level + 1,
        values.map((x, k) => (batched[k] ? row(x, i) : x)),
      );
    }
  };
  withSource(null, () => withTrace(evaluatingTrace, () => visit(0, args)));
}

function row(x: NDArray, i: number): NDArray {
  const shape = x.aval.shape.slice(1);
  const n = sizeOf(shape);
  return NDArray.fromHost(x.hostData().slice(i * n, (i + 1) * n), shapedArray(shape, x.aval.dtype, x.aval.weakType));
}

/**
 * Calls `f(...args)` each time the program around it gets here: with concrete arrays, where `args` (trees) hold traced
 * ones. Whatever in `args` is no array is passed on as it is. What `f` returns is ignored; what it throws ends the program.
 *
 * Inside `jit` it runs at each execution, in program order, in loops at each turn and in `cond` on the chosen branch.
 * Under `vmap` it runs lane after lane, or once if no argument depends on the lane; where a `cond` or a loop depends on the
 * lane, for those lanes that get here. Under `grad` it sees the values, not
 * their derivatives.
 *
 * @example
 * const seen = [];
 * jit((x) => { debug.callback((v) => seen.push(v.item()), x.sum()); return x.mul(2); })(np.array([1, 2])); // seen: [3]
 * @throws DtypeError when `f` is not a function
 */
export function callback<A extends unknown[]>(f: (...args: A) => unknown, ...args: A): void {
  if (typeof f !== 'function') {
    throw new DtypeError(
      `debug.callback: the first argument must be a function, but it is ${(f as unknown) instanceof NDArray ? (f as NDArray).describe() : `a ${typeof f}`}.`,
    );
  }
  const { arrays, rebuild } = takeApart(args);
  bind(debugCallbackP, arrays, {
    callback: (...values) => {
      f(...(rebuild(values) as A));
    },
    lanes: [],
  } satisfies CallbackParams);
}
