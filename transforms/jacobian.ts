/** Jacobians and Hessians of functions from trees to trees. */
import type { NDArray } from '../src/array.ts';
import type { ComplexArray } from '../src/complex/complex-array.ts';
import { GradError } from '../src/core/errors.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { checkIntegers, optionsOf } from '../src/core/options.ts';
import { range, type Shape, sizeOf } from '../src/core/shape.ts';
import type { Value } from '../src/core/trace.ts';
import { Zero } from '../src/core/zero.ts';
import { eq } from '../src/lax/compare.ts';
import { convertLike } from '../src/lax/convert.ts';
import { broadcastedIota } from '../src/lax/creation.ts';
import { reshape, strengthen, transpose } from '../src/lax/movement.ts';
import { standsFor } from '../src/syntax/names.ts';
import { type ArrayLikes, type MappedComplex, unflatten } from '../src/tree.ts';
import type { MainOf, Out } from './differentiate.ts';
import { type AnyFunction, checkFunction, FlatFunction, type TreeFunction } from './flat.ts';
import { type Argnums, type Chosen, floatingArguments, type GradOptions, type WithAux } from './grad.ts';
import { instantiate } from './jvp.ts';
import { linearizeValues, pullback } from './linearize.ts';
import { addLanes, vmapValues } from './vmap.ts';

/** For each array of a result, its derivatives: a tree of the arguments in the place of each leaf. */
type Blocks<R, G> = 0 extends 1 & R
  ? any
  : R extends NDArray
    ? G
    : R extends ComplexArray
      ? MappedComplex<G>
      : R extends object
        ? { [K in keyof R]: Blocks<R[K], G> }
        : R;
type Result<F extends AnyFunction, O> = O extends { hasAux: true } ? MainOf<Out<F>> : Out<F>;
type Given<F extends AnyFunction, O> = Chosen<Parameters<F>, Argnums<O>>;
type JacobianOf<F extends AnyFunction, O> = WithAux<O, Blocks<Result<F, O>, Given<F, O>>, F>;

type Jacobian = <F extends TreeFunction, const O extends GradOptions = {}>(
  f: F,
  options?: O,
) => (...args: ArrayLikes<Parameters<F>>) => JacobianOf<F, O>;

/** Row `i` of the n×n identity shaped as `shape`, for i in 0 … n−1: shape [n, …shape]. */
function unitVectors(aval: Value['aval']): Value {
  const n = sizeOf(aval.shape);
  const identity = eq(broadcastedIota('int32', [n, n], 0), broadcastedIota('int32', [n, n], 1));
  return reshape(convertLike(identity, aval), [n, ...aval.shape]);
}

/** Jacobian leaves: for each (out, in) pair an array of shape [...out.shape, ...in.shape]. */
type Rows = Value[][];

function jacobianFunction(
  operation: string,
  f: AnyFunction,
  options: GradOptions,
  blocks: (
    call: (...xs: Value[]) => Value[],
    values: readonly Value[],
    outCount: () => number,
  ) => { outs: Value[]; blocks: Rows },
) {
  const { argnums = 0, hasAux = false } = optionsOf(operation, options, ['argnums', 'hasAux']);
  checkFunction(operation, f);
  const result = (...args: unknown[]): any => {
    const { values, def, partial, rebuild } = floatingArguments(operation, f, args, argnums);
    const flat = new FlatFunction(partial, def, operation, hasAux);
    const { outs, blocks: rows } = blocks(flat.call, values, () => flat.outDef.leafCount);
    const jacobian = unflatten(
      flat.outDef,
      rows.map((row) => rebuild(row)),
    );
    return hasAux ? [jacobian, unflatten(flat.auxDef!, outs.slice(flat.outDef.leafCount))] : jacobian;
  };
  return standsFor(result, f, `${operation}(${f.name})`);
}

/**
 * The Jacobian by forward mode: one directional derivative per input element, all at once. Best for functions with
 * more outputs than inputs.
 *
 * @returns for each result leaf, a tree of the shape of the differentiated argument with arrays of shape
 * `[...result.shape, ...argument.shape]`
 * @example
 * jacfwd((x) => np.multiply(x, x))(np.array([1, 2, 3])); // diag(2x)
 */
export function jacfwd<F extends TreeFunction, const O extends GradOptions = {}>(
  f: F,
  options?: O,
): (...args: ArrayLikes<Parameters<F>>) => JacobianOf<F, O> {
  return jacobianFunction('jacfwd', f, options ?? {}, (call, values, outCount) => {
    const linear = linearizeValues(call, values);
    const n = outCount();
    const columns = values.map((value, k) => {
      const basis = unitVectors(value.aval);
      const zeros = values.map((v) => instantiate(new Zero(v.aval)));
      const { outs, batched } = vmapValues(
        (e) => evalJaxpr(linear.jaxpr, [...linear.residuals, ...zeros.map((z, i) => (i === k ? e! : z))]).slice(0, n),
        basis.shape[0]!,
        [basis],
        [true],
      );
      return outs.map((out, i) => moveLast(batched[i] ? out : addLanes(out, basis.shape[0]!), value.shape));
    });
    return { outs: linear.outs, blocks: range(n).map((i) => columns.map((column) => column[i]!)) };
  }) as never;
}

/**
 * The Jacobian by reverse mode: one pullback per result element, all at once. Best for functions with more inputs than
 * outputs. The result is as for {@link jacfwd}.
 */
export const jacrev: Jacobian = byRows('jacrev');

function byRows(operation: string): Jacobian {
  return (f, options) =>
    jacobianFunction(operation, f, options ?? {}, (call, values, outCount) => {
      const linear = linearizeValues(call, values);
      const n = outCount();
      const blocks = range(n).map((k) => {
        const out = linear.outs[k]!;
        if (!out.aval.isFloating)
          throw new GradError(`${operation} needs floating-point results, but result ${k} is ${out.aval}.`);
        const basis = unitVectors(out.aval);
        const { outs, batched } = vmapValues(
          (e) =>
            pullback(
              linear,
              linear.outs.map((o, i) => (i === k ? e! : new Zero(o.aval))),
            ).map(instantiate),
          basis.shape[0]!,
          [basis],
          [true],
        );
        return outs.map((ct, i) => {
          const rows = batched[i] ? ct : addLanes(ct, basis.shape[0]!);
          return strengthen(reshape(rows, [...out.shape, ...values[i]!.shape]));
        });
      });
      return { outs: linear.outs, blocks };
    }) as never;
}

/** [n, …out] → [...out, ...shape], where n elements have the given shape. */
function moveLast(x: Value, shape: Shape): Value {
  const order = [...range(x.ndim - 1).map((i) => i + 1), 0];
  return strengthen(reshape(transpose(x, order), [...x.shape.slice(1), ...shape]));
}

/** The Jacobian, by reverse mode. */
export const jacobian: Jacobian = byRows('jacobian');

/**
 * The matrix of second derivatives of a scalar function: forward mode over reverse mode.
 * @returns for a single array argument of shape s, an array of shape `[...s, ...s]`; trees of trees otherwise
 */
export function hessian<F extends TreeFunction, const O extends GradOptions = {}>(
  f: F,
  options?: O,
): (...args: ArrayLikes<Parameters<F>>) => WithAux<O, Blocks<Given<F, O>, Given<F, O>>, F> {
  checkFunction('hessian', f);
  const { argnums } = optionsOf<GradOptions>('hessian', options ?? {}, ['argnums', 'hasAux']);
  if (argnums !== undefined) checkIntegers('hessian', '`argnums`', argnums);
  return jacfwd(jacrev(f, options) as AnyFunction, options) as never;
}
