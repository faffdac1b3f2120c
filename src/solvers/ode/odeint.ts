/** `odeint`: initial value problems of ordinary differential equations. */
import { checkFunction } from '../../../transforms/flat.ts';
import type { ArrayLike } from '../../array.ts';
import { namedScan, namedWhile } from '../../control/loops.ts';
import type { DType } from '../../core/dtype.ts';
import { ShapeError, TraceError, TreeError } from '../../core/errors.ts';
import { checkList, checkNumbers, naming, optionsOf } from '../../core/options.ts';
import { atUserLine } from '../../core/source.ts';
import type { Value } from '../../core/trace.ts';
import { statusWhere, throwUnlessSolved } from '../../implicit/status.ts';
import { abs, add, div, max, min, mul, pow, sub } from '../../lax/arithmetic.ts';
import { ge, le, lt, select } from '../../lax/compare.ts';
import { convert } from '../../lax/convert.ts';
import { scalar, zerosLike } from '../../lax/creation.ts';
import { and, not } from '../../lax/logic.ts';
import { reshape } from '../../lax/movement.ts';
import { concatenate, slice } from '../../lax/slicing.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { finfo } from '../../numpy/testing.ts';
import { toFloating, toValue } from '../../promote.ts';
import { quoted } from '../../syntax/names.ts';
import { type Arrays, flatten, type Like, leafPaths, type Tree, unflatten } from '../../tree.ts';
import { select as choose } from '../vectors.ts';
import { type Attempt, attempt, type Piece, type Slope, scaledNorm, valueOf } from './dormand-prince.ts';

export interface OdeintOptions {
  /** The error that a step may make, relative to the state and absolute: √ε of the dtype when left out. */
  rtol?: number;
  atol?: number;
  /** Most steps from one time to the next. Default 4096. */
  maxSteps?: number;
  /** Throw a SolveError where that was not enough, or values were not finite; else the states from there on are NaN. */
  throw?: boolean;
}

/** What goes from step to step. Times run forwards: they are those of the user or their negatives. */
interface Carry {
  readonly t: Value;
  readonly h: Value;
  readonly y: Value;
  readonly slope: Value;
  /** The last step: when it began, how long it is, and what happened in it. */
  readonly before: Value;
  readonly length: Value;
  readonly piece: Piece;
}

/**
 * The states y(t) with dy/dt = `f(y, t, ...args)` and y(ts[0]) = `y0`, at the increasing or decreasing times `ts`: a tree like
 * `y0` whose arrays have an axis for times in front. Dormand and Prince's pair of orders 5 and 4 chooses its steps for each
 * lane of a `vmap`; states between steps are of its continuous extension.
 *
 * Derivatives of any order, forwards and backwards, in `y0`, `ts`, `args` and what `f` captures are those of the steps that were
 * taken, whose lengths count as given. Backwards, of N = `maxSteps` steps between two times at most about 2√N states are kept.
 *
 * Computed in the widest floating dtype among `y0` and `ts`. Names and order of arguments are those of
 * `jax.experimental.ode.odeint`, but `args` are a list.
 *
 * @example
 * const decay = (y, t, rate) => y.mul(rate).neg();
 * solvers.odeint(decay, 1, np.array([0, 1, 2], { dtype: 'float64' }), [0.5]); // [1. 0.60653066 0.36787944]
 * @throws TreeError or ShapeError when `f` does not return a tree like the state
 */
export function odeint<Y extends Tree, A extends readonly unknown[] = []>(
  f: (y: Arrays<Y>, t: Value, ...args: { -readonly [K in keyof A]: Arrays<A[K]> }) => NoInfer<Like<Y>>,
  y0: Y,
  ts: ArrayLike,
  args?: readonly [...A],
  given: OdeintOptions = {},
): Arrays<Y> {
  checkFunction('odeint', f);
  if (args !== undefined) checkList('odeint', 'the arguments of the function', args);
  const options = optionsOf('odeint', given, ['rtol', 'atol', 'maxSteps', 'throw']);
  checkNumbers('odeint', given, ['rtol', 'atol']);
  const { maxSteps = 4096, throw: throws = false } = options;
  if (!Number.isInteger(maxSteps) || maxSteps < 1)
    throw new TraceError(`odeint: \`maxSteps\` must be a positive integer, but it is ${naming(maxSteps)}.`);
  const times = toFloating(ts, 'odeint');
  if (times.ndim !== 1 || times.size === 0)
    throw new ShapeError(`odeint: the times must be a vector that is not empty, but they are ${naming(ts)}.`);
  const state = new State(f as never, args ?? [], y0, times);
  const { dtype } = state;
  const tolerance = Math.sqrt(finfo(dtype).eps);
  const { rtol = tolerance, atol = tolerance } = options;
  const states = atUserLine(true, () =>
    new Integration(state, { rtol, atol, maxSteps, throws }).at(convert(times, dtype)),
  );
  return state.tree(states, [times.size]) as Arrays<Y>;
}

/** The user's state as one vector, and the user's function as one of vectors. */
class State {
  readonly dtype: DType;
  readonly start: Value;
  private readonly leaves: readonly Value[];
  private readonly def: ReturnType<typeof flatten>['def'];
  private readonly f: (...args: unknown[]) => unknown;
  private readonly args: readonly unknown[];

  constructor(f: (...args: unknown[]) => unknown, args: readonly unknown[], y0: unknown, times: Value) {
    const { leaves, def } = flatten(y0, (path) => `odeint: the state${path}`);
    this.f = f;
    this.args = args;
    this.def = def;
    this.leaves = leaves.map((leaf) => {
      const value = toFloating(leaf, 'odeint');
      return value.aval.weakType ? convert(value, times.aval.weakType ? 'float32' : times.dtype) : value;
    });
    this.dtype = [times, ...this.leaves].some((v) => v.dtype === 'float64') ? 'float64' : 'float32';
    this.start = this.vector(this.leaves);
  }

  private vector(leaves: readonly Value[]): Value {
    const parts = leaves.map((leaf) => reshape(convert(leaf, this.dtype), [leaf.size]));
    return parts.length === 1 ? parts[0]! : concatenate(parts, 0);
  }

  /** The vector as a tree, or vectors in rows. */
  tree(vectors: Value, lead: readonly number[] = []): unknown {
    let from = 0;
    const parts = this.leaves.map(({ aval }) => {
      const to = from + aval.size;
      const part = lead.length ? slice(vectors, [0, from], [lead[0]!, to]) : slice(vectors, [from], [to]);
      from = to;
      return convert(reshape(part, [...lead, ...aval.shape]), aval.dtype);
    });
    return unflatten(this.def, parts);
  }

  slope(y: Value, t: Value): Value {
    const { f, def } = this;
    const result = flatten(f(this.tree(y), t, ...this.args), (path) => `odeint: the result${path} of ${quoted(f)}`);
    if (result.def.key !== def.key)
      throw new TreeError(
        `odeint: ${quoted(f)} returned the structure ${result.def}, but that of the state is ${def}.`,
      );
    const slopes = result.leaves.map((leaf, i) => {
      const value = toValue(leaf, 'odeint');
      const { aval } = this.leaves[i]!;
      if (value.aval.shape.join() === aval.shape.join()) return value;
      const path = leafPaths(def)[i]!;
      throw new ShapeError(
        `odeint: ${quoted(f)} returned ${value.aval}${path && ` at ${path}`}, but the state there is ${aval}.`,
      );
    });
    return this.vector(slopes);
  }
}

interface Settings {
  readonly rtol: number;
  readonly atol: number;
  readonly maxSteps: number;
  readonly throws: boolean;
}

/** Step lengths after a step are at most so many times, and at least this part, of the one before; and how careful they are. */
const [growth, shrinkage, safety] = [10, 0.2, 0.9];

class Integration {
  private readonly state: State;
  private readonly settings: Settings;

  constructor(state: State, settings: Settings) {
    this.state = state;
    this.settings = settings;
  }

  /** The states at these times, in rows. */
  at(times: Value): Value {
    const { state } = this;
    const { start } = state;
    const count = times.size;
    const rows = (y: Value, n: number): Value => reshape(y, [n, start.size]);
    const time = (i: number): Value => reshape(slice(times, [i], [i + 1]), []);
    if (count === 1) return rows(start, 1);
    const direction = select(lt(time(count - 1), time(0)), -1, scalar(1, state.dtype));
    const slope: Slope = (y, t) => mul(direction, state.slope(y, mul(direction, t)));
    const from = mul(direction, time(0));
    const first = slope(start, from);
    const zero = zerosLike(start.aval);
    const carry: Carry = {
      t: from,
      h: this.firstLength(slope, start, first, from),
      y: start,
      slope: first,
      before: from,
      length: scalar(1, state.dtype),
      piece: { start, difference: zero, bend: zero, twist: zero, quartic: zero },
    };
    const targets = mul(direction, slice(times, [1], [count]));
    const [, later] = namedScan(
      { operation: 'odeint' },
      (c: any, target: any) => this.until(slope, c, target) as never,
      carry as any,
      targets as any,
      {},
    ) as unknown as [unknown, Value];
    return concatenate([rows(start, 1), later], 0);
  }

  /** Steps until a time is reached or passed, and the state then. */
  private until(slope: Slope, carry: Carry, target: Value): [Carry, Value] {
    const end = namedWhile(
      { operation: 'odeint' },
      ({ t }: any) => lt(t, target),
      (c: any) => this.step(slope, c) as never,
      carry as any,
      { maxSteps: this.settings.maxSteps },
    ) as unknown as Carry;
    const reached = ge(end.t, target);
    if (this.settings.throws) throwUnlessSolved('odeint', statusWhere([[not(reached), 'maxiter']], 'converged'));
    const found = valueOf(end.piece, div(sub(target, end.before), end.length));
    return [end, select(reached, found, Number.NaN)];
  }

  private step(slope: Slope, carry: Carry): Carry {
    const { t, y, h } = carry;
    const tried = attempt(slope, y, carry.slope, t, h);
    const error = stopGradient(this.errorOf(y, tried));
    // Not so of NaN.
    const accepted = le(error, 1);
    const wanted = mul(pow(error, -1 / 5), safety);
    const most = select(accepted, growth, 1);
    const factor = select(le(error, Number.MAX_VALUE), min(max(wanted, shrinkage), most), shrinkage);
    const next = { t: add(t, h), y: tried.end, slope: tried.slope, before: t, length: h, piece: tried.piece };
    const { h: _, ...last } = carry;
    const chosen: Omit<Carry, 'h'> = choose(accepted, next, last);
    return { ...chosen, h: mul(h, factor) };
  }

  /** Of the size of a step's error where 1 is as large as is allowed. */
  private errorOf(y: Value, { end, error }: Attempt): Value {
    const { rtol, atol } = this.settings;
    return scaledNorm(error, add(atol, mul(max(abs(y), abs(end)), rtol)));
  }

  /** A length for which Euler's step, and what the slope changes in it, is small (Hairer, Nørsett, Wanner, II.4). */
  private firstLength(slope: Slope, y: Value, first: Value, t: Value): Value {
    const { rtol, atol } = this.settings;
    const scale = add(atol, mul(abs(y), rtol));
    const [d0, d1] = [scaledNorm(y, scale), scaledNorm(first, scale)];
    const small = 1e-5;
    const known = and(ge(d0, small), ge(d1, small));
    const h0 = select(known, mul(div(d0, select(known, d1, 1)), 0.01), 1e-6);
    const change = sub(slope(add(y, mul(h0, first)), add(t, h0)), first);
    const d2 = div(scaledNorm(change, scale), h0);
    const steepest = max(d1, d2);
    const flat = le(steepest, 1e-15);
    const h1 = select(flat, max(1e-6, mul(h0, 1e-3)), pow(div(0.01, select(flat, 1, steepest)), 1 / 5));
    return stopGradient(min(mul(h0, 100), h1));
  }
}
