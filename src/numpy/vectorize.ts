/** Functions of small arrays as functions of stacks of them. */
import { vmap } from '../../transforms/vectorize.ts';
import type { ArrayLike, NDArray } from '../array.ts';
import { CotangentError, ShapeError, TraceError } from '../core/errors.ts';
import { checkIntegers, checkList, naming, optionsOf } from '../core/options.ts';
import { broadcastShapes } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { reshape } from './shape.ts';

export interface VectorizeOptions {
  /**
   * The axes that `f` takes and returns, by names, as in `'(m,n),(n)->(m)'`; the others of the arguments broadcast together.
   * Without it, `f` takes scalars.
   */
  signature?: string;
  /** Positions of arguments that are passed on as they are. */
  excluded?: readonly number[];
}

type Axes = readonly string[];

/** The axes of arguments and of results. */
function parse(signature: unknown): { args: Axes[]; results: Axes[] } {
  const group = String.raw`\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)`;
  const list = `\\s*${group}\\s*(?:,\\s*${group}\\s*)*`;
  if (typeof signature !== 'string' || !new RegExp(`^${list}->${list}$`).test(signature)) {
    throw new CotangentError(
      `vectorize: \`signature\` must name axes, as in '(m,n),(n)->(m)', but it is ${naming(signature)}.`,
    );
  }
  const [args, results] = signature
    .split('->')
    .map((part) => [...part.matchAll(/\(([^)]*)\)/g)].map(([, names]): Axes => names!.match(/\w+/g) ?? []));
  return { args: args!, results: results! };
}

/**
 * `f` of arrays with more axes than it is written for: the axes in front broadcast together, and `f` is mapped over them by `vmap`.
 *
 * @example
 * const distance = np.vectorize((x, y) => np.sqrt(np.sum(np.square(x.sub(y)))), { signature: '(n),(n)->()' });
 * distance(np.zeros([4, 1, 2]), np.ones([3, 2])).shape; // [4, 3]
 * @throws ShapeError when axes of one name differ in length, or when leading axes do not broadcast
 */
export function vectorize<F extends (...args: any[]) => any>(
  f: F,
  given: VectorizeOptions = {},
): (...args: ArrayLike[]) => ReturnType<F> {
  if (typeof f !== 'function')
    throw new TraceError(`vectorize: the first argument must be a function, but it is ${naming(f)}.`);
  const { signature, excluded = [] } = optionsOf('vectorize', given, ['signature', 'excluded']);
  checkList('vectorize', '`excluded`', excluded);
  checkIntegers('vectorize', '`excluded`', excluded);
  const axes = signature === undefined ? undefined : parse(signature);
  return (...args) => {
    const mapped = args.flatMap((_, i) => (excluded.includes(i) ? [] : [i]));
    if (axes && axes.args.length !== mapped.length)
      throw new ShapeError(`vectorize: ${signature} has ${axes.args.length} arguments, but got ${mapped.length}.`);
    const values = mapped.map((i) => toValue(args[i]!, 'vectorize'));
    return overLeading(
      values,
      values.map((v, i) => coreRank(v, axes?.args[i] ?? [], signature)),
      (...xs) => {
        if (axes) checkLengths(xs, axes.args, signature!);
        const all = [...args] as unknown[];
        mapped.forEach((i, k) => {
          all[i] = xs[k];
        });
        const result = f(...all);
        if (axes) checkResults(result, axes.results, signature!);
        return result;
      },
    ) as ReturnType<F>;
  };
}

function coreRank(v: Value, names: Axes, signature: string | undefined): number {
  if (v.ndim < names.length)
    throw new ShapeError(`vectorize: ${v.aval} has fewer axes than (${names}) in ${signature}.`);
  return names.length;
}

function checkLengths(xs: readonly Value[], args: readonly Axes[], signature: string): void {
  const lengths = new Map<string, number>();
  xs.forEach(({ shape }, i) => {
    args[i]!.forEach((name, axis) => {
      const n = shape[axis]!;
      const known = lengths.get(name) ?? n;
      if (known !== n)
        throw new ShapeError(`vectorize: the axis ${name} of ${signature} has length ${known} and ${n}.`);
      lengths.set(name, n);
    });
  });
}

function checkResults(result: unknown, results: readonly Axes[], signature: string): void {
  const list = (Array.isArray(result) ? result : [result]).map((x) => toValue(x as ArrayLike, 'vectorize'));
  if (list.length !== results.length || list.some((x, i) => x.ndim !== results[i]!.length))
    throw new ShapeError(
      `vectorize: the function returned ${list.map((x) => x.aval).join(', ')}, which is not ${signature}.`,
    );
}

/** Maps `f` over all axes but the last ones of each value, innermost last. Axes of length 1 are not mapped but broadcast. */
function overLeading(values: readonly Value[], ranks: readonly number[], f: (...xs: Value[]) => unknown): unknown {
  const leads = values.map((v, i) => v.shape.slice(0, v.ndim - ranks[i]!));
  const full = broadcastShapes(...leads);
  if (!full)
    throw new ShapeError(
      `vectorize: leading axes of ${values.map((v) => v.aval).join(' and ')} do not broadcast together.`,
    );
  const has = leads.map((lead) =>
    full.map((_, axis) => {
      const n = lead[axis - (full.length - lead.length)];
      return n !== undefined && n !== 1;
    }),
  );
  const operands = values.map((v, i) => {
    const own = full.filter((_, axis) => has[i]![axis]);
    return reshape(v, [...own, ...v.shape.slice(v.ndim - ranks[i]!)]);
  });
  let g = f as (...xs: any[]) => any;
  for (let axis = full.length - 1; axis >= 0; axis--) {
    const inAxes = has.map((own) => (own[axis] ? 0 : null));
    if (inAxes.some((a) => a !== null)) g = vmap(g, { inAxes });
  }
  const kept = full.filter((_, axis) => has.some((own) => own[axis])).length;
  const shaped = (x: NDArray): NDArray => reshape(x, [...full, ...x.shape.slice(kept)]);
  const result = g(...operands) as NDArray | NDArray[];
  return Array.isArray(result) ? result.map(shaped) : shaped(toValue(result, 'vectorize'));
}
