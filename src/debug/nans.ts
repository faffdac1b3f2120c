/** `debug.nans`: the operation that made a NaN, and the line that asked for it. */
import { interpret, observe } from '../../jit/interpret.ts';
import { type AnyFunction, numbersAsArrays, standsFor } from '../../transforms/flat.ts';
import { formatArray } from '../array-print.ts';
import type { ShapedArray } from '../core/aval.ts';
import type { TypedArray } from '../core/dtype.ts';
import { NonfiniteError, TraceError } from '../core/errors.ts';
import { evaluatingTrace, setWatch, type Watch, watch } from '../core/evaluate.ts';
import { type Eqn, type Jaxpr, subJaxprs, withoutEffects } from '../core/jaxpr.ts';
import { naming, optionsOf } from '../core/options.ts';
import type { HostArray, Primitive } from '../core/primitive.ts';
import { currentSource } from '../core/source.ts';
import { currentTrace, type Value } from '../core/trace.ts';

export interface NansOptions {
  /** Infinities too. */
  inf?: boolean;
}

/**
 * Stops at the first operation that makes a NaN: `debug.nans(true)` for all that follows, until `debug.nans(false)`; or
 * `debug.nans(f)` for the calls of one function. The error names the operation, the element, its operands there, the turn
 * of the loop and the user's line. With `{ inf: true }` infinities count as well.
 *
 * Operations run as always, compiled where they are; when a program's result has a NaN, the program is run again by the
 * reference semantics, equation by equation, also inside loops, branches, derivatives and solvers. NaNs that do not reach
 * a result, such as those that `np.where` leaves out, are no matter.
 *
 * @example
 * debug.nans(grad((x) => np.sum(np.sqrt(x.sub(1)))))(np.array([4, 0.5]));
 * // NonfiniteError: sqrt gives nan, at [1] of f32[2], where its operand is -0.5.
 * @throws NonfiniteError
 */
export function nans(enabled: boolean, options?: NansOptions): void;
export function nans<F extends AnyFunction>(f: F, options?: NansOptions): F;
export function nans(subject: boolean | AnyFunction, options: NansOptions = {}): unknown {
  const { inf = false } = optionsOf('debug.nans', options, ['inf']);
  const search = new Search(inf);
  if (typeof subject !== 'function' && typeof subject !== 'boolean')
    throw new TraceError(
      `debug.nans: the first argument must be a function, true or false, but it is ${naming(subject)}.`,
    );
  if (typeof subject !== 'function') {
    setWatch(subject ? search : undefined);
    return undefined;
  }
  return standsFor((...args: unknown[]): unknown => {
    if (currentTrace() !== evaluatingTrace) {
      throw new TraceError('debug.nans: there are no values to look at while a function is traced.', {
        hint: 'wrap the outermost function, as in `debug.nans(jit(f))(x)`',
      });
    }
    const outer = watch;
    setWatch(search);
    try {
      return subject(...numbersAsArrays(args));
    } finally {
      setWatch(outer);
    }
  }, subject);
}

/** The element that is no finite number. */
interface Place {
  readonly index: number;
  readonly value: number;
  readonly aval: ShapedArray;
}

/** Where a NaN came from: what is said of it. */
interface Origin {
  readonly message: string;
  readonly position: string | undefined;
}

class Search implements Watch {
  private readonly inf: boolean;

  constructor(inf: boolean) {
    this.inf = inf;
  }

  private find(data: TypedArray, aval: ShapedArray): Place | undefined {
    if (!aval.isFloating) return undefined;
    const index = data.findIndex((x: number) => (this.inf ? !Number.isFinite(x) : Number.isNaN(x)));
    return index < 0 ? undefined : { index, value: data[index]!, aval };
  }

  private firstOf(arrays: readonly HostArray[]): Place | undefined {
    for (const { data, aval } of arrays) {
      const place = this.find(data, aval);
      if (place) return place;
    }
    return undefined;
  }

  operation(primitive: Primitive, args: readonly Value[], results: readonly Value[]): void {
    const place = this.firstOf(results.map(host));
    if (!place) return;
    const operands = args.map(host);
    // What was there before was not made here: data with NaNs may be computed with, and masked, if nothing adds to them.
    if (this.firstOf(operands)) return;
    throw new NonfiniteError(describe(primitive.name, place, operands), { position: currentSource().position });
  }

  program(jaxpr: Jaxpr, args: readonly Value[], results: readonly Value[]): void {
    if (!this.firstOf(results.map(host))) return;
    const rerun = new Rerun((data, aval) => this.find(data, aval));
    const pure = withoutEffects(jaxpr);
    const inputs = args.map(host);
    const outs = observe(rerun, () => interpret(pure, inputs));
    const origin = outs.map((out) => rerun.origins.get(out)).find((found) => found !== undefined);
    if (origin) throw new NonfiniteError(origin.message, { position: origin.position });
  }
}

const host = (value: Value): HostArray => ({ aval: value.aval, data: value.hostData() });

/** Follows NaNs through a program that is evaluated again, from the equations that make them. */
class Rerun {
  readonly origins: WeakMap<TypedArray, Origin> = new WeakMap();
  private readonly find: (data: TypedArray, aval: ShapedArray) => Place | undefined;
  private readonly around: { eqn: Eqn; made: Origin | undefined }[] = [];
  private readonly turns = new Map<Jaxpr, number>();

  constructor(find: (data: TypedArray, aval: ShapedArray) => Place | undefined) {
    this.find = find;
  }

  enter(jaxpr: Jaxpr): void {
    this.turns.set(jaxpr, (this.turns.get(jaxpr) ?? -1) + 1);
  }

  before(eqn: Eqn): void {
    for (const inner of subJaxprs(eqn.params)) this.turns.delete(inner);
    this.around.push({ eqn, made: undefined });
  }

  after(jaxpr: Jaxpr, eqn: Eqn, inputs: readonly HostArray[], results: readonly TypedArray[]): void {
    const { made } = this.around.pop()!;
    results.forEach((data, i) => {
      const place = this.find(data, eqn.outputs[i]!.aval);
      // Programs inside have followed it already, or have made it in an array that was copied since.
      if (!place || this.origins.has(data)) return;
      const before = inputs.filter(({ data, aval }) => this.find(data, aval));
      const origin =
        before.map(({ data }) => this.origins.get(data)).find((known) => known !== undefined) ??
        made ??
        (before.length > 0 ? undefined : this.made(jaxpr, eqn, place, inputs));
      if (origin) this.origins.set(data, origin);
    });
  }

  private made(jaxpr: Jaxpr, eqn: Eqn, place: Place, inputs: readonly HostArray[]): Origin {
    const loop = this.around.findLast(({ eqn }) => eqn.primitive.name === 'scan' || eqn.primitive.name === 'while');
    const body = loop && subJaxprs(loop.eqn.params).find((inner) => this.turns.has(inner) && contains(inner, jaxpr));
    const turn = body ? `, in turn ${this.turns.get(body)} of a loop` : '';
    const origin = {
      message: describe(eqn.primitive.name, place, inputs, turn),
      position: eqn.source?.position,
    };
    for (const outer of this.around) outer.made ??= origin;
    return origin;
  }
}

const contains = (outer: Jaxpr, inner: Jaxpr): boolean =>
  outer === inner || outer.eqns.some((eqn) => subJaxprs(eqn.params).some((sub) => contains(sub, inner)));

/** `log gives nan, at [1] of f32[3], where its operand is -1.` */
function describe(name: string, { index, value, aval }: Place, operands: readonly HostArray[], turn = ''): string {
  const at = aval.shape.length ? `, at [${coordinates(index, aval.shape)}] of ${aval}` : '';
  const there = operands.map(({ aval: own, data }) => {
    const i = own.size === aval.size ? index : own.size === 1 ? 0 : undefined;
    return i === undefined ? undefined : formatArray(data.slice(i, i + 1), [], own.dtype);
  });
  const known = operands.length > 0 && operands.length <= 3 && there.every((x) => x !== undefined);
  const shown = there
    .map(String)
    .join(', ')
    .replace(/, ([^,]*)$/, ' and $1');
  const from = known ? `, where its ${there.length > 1 ? 'operands are' : 'operand is'} ${shown}` : '';
  return `${name} gives ${formatArray(Float64Array.of(value), [], 'float64')}${at}${turn}${from}.`;
}

function coordinates(index: number, shape: readonly number[]): string {
  const at: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at.unshift(index % shape[axis]!);
    index = Math.floor(index / shape[axis]!);
  }
  return at.join();
}
