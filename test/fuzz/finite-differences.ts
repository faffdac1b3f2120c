/** Directional derivatives by central differences, with an estimate of how far they are off. */
import { type Jaxpr, subJaxprs } from '../../src/core/jaxpr.ts';
import type { HostArray } from '../../src/core/primitive.ts';
import type { NDArray } from '../../src/index.ts';
import { type Bounded, type Evaluated, evaluateBounded, exactInput, ulpOf } from './error-bound.ts';
import { isFloat } from './program.ts';
import { Violation } from './properties.ts';
import { atFive, hasKink, hasTie, mapFive } from './ties.ts';
import type { Stage } from './transformations.ts';

const step = 2 ** -13;

/** Whether a function has a derivative that is none: `stopGradient` has the derivative 0 by definition. */
const hidesDerivative = (jaxpr: Jaxpr): boolean =>
  jaxpr.eqns.some(
    ({ primitive, params }) =>
      primitive.name === 'stop_gradient' || primitive.name === 'nextafter' || subJaxprs(params).some(hidesDerivative),
  );

/**
 * Compares the tangents of a jvp with (f(x + h·t) − f(x − h·t)) / 2h at h and h/2. Their own difference is three times
 * the error of the second one where it falls with h², and as large as it where it falls with h because f″ jumps; twice
 * that is allowed, and the values' bounds divided by h. Elements at which f has
 * a kink, where the slopes on both sides differ however small h is, are left out. Only where everything is float64.
 *
 * @returns whether they differ and say nothing, since there is a tie at the arguments
 */
export function finiteDifferences(
  before: Stage,
  traced: { readonly jaxpr: Jaxpr; readonly consts: readonly NDArray[] },
  args: readonly HostArray[],
  result: readonly Bounded[],
): boolean {
  if ([...before.inputs, ...before.outs].some((t) => t.dtype === 'float32')) return false;
  if (traced.jaxpr.eqns.some((eqn) => eqn.outputs.some((v) => v.aval.dtype === 'float32'))) return false;
  if (hidesDerivative(traced.jaxpr)) return false;
  const n = before.inputs.length;
  const consts = traced.consts.map((c) => exactInput({ aval: c.aval, data: c.hostData() }));
  const movedBy = (h: number): HostArray[] => {
    let next = n;
    return before.inputs.map((t, i): HostArray => {
      const x = args[i]!;
      if (!isFloat(t)) return x;
      const direction = args[next++]!;
      return { aval: x.aval, data: Float64Array.from(x.data, (v, k) => v + h * direction.data[k]!) };
    });
  };
  const at = (h: number): Bounded[] =>
    evaluateBounded(traced.jaxpr, [...consts, ...movedBy(h).map(exactInput)], 'mathematics');
  /** The equations, with what rounding the arguments does to them. */
  const equationsAt = (h: number): Evaluated[] => {
    const equations: Evaluated[] = [];
    const inputs = movedBy(h).map(
      (x): Bounded => ({
        ...x,
        error: x.aval.dtype === 'float64' ? Float64Array.from(x.data, (v) => ulpOf(v, 'float64')) : undefined,
      }),
    );
    evaluateBounded(traced.jaxpr, [...consts, ...inputs], 'mathematics', (evaluated) => equations.push(evaluated));
    return equations;
  };
  const five = atFive(step, at);
  let tangent = before.outs.length;
  for (const [o, t] of before.outs.entries()) {
    if (!isFloat(t)) continue;
    const derivative = result[tangent++]!;
    for (let k = 0; k < derivative.data.length; k++) {
      const values = mapFive(five, (x) => x[o]!.data[k]!);
      const [, up, down, upHalf, downHalf] = values;
      const wide = (up - down) / (2 * step);
      const narrow = (upHalf - downHalf) / step;
      const noise = five.slice(1).reduce((sum, x) => sum + (x[o]!.error?.[k] ?? 0), 0);
      if (hasKink(values, noise)) continue;
      const allowed = 2 * Math.abs(wide - narrow) + (2 * noise) / step + (derivative.error?.[k] ?? 0);
      const wrong = Math.abs(derivative.data[k]! - narrow);
      if (!(wrong > allowed)) continue;
      if (hasTie(equationsAt)) return true;
      throw new Violation(
        'jvp = finite differences',
        `element ${k} of tangent ${o} is ${derivative.data[k]} and ${narrow}, which differ by ${wrong}, allowed ${allowed}`,
      );
    }
  }
  return false;
}
