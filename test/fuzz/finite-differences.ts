/** Directional derivatives by central differences, with an estimate of how far they are off. */
import { type Jaxpr, subJaxprs } from '../../src/core/jaxpr.ts';
import type { HostArray } from '../../src/core/primitive.ts';
import type { NDArray } from '../../src/index.ts';
import { type Bounded, evaluateBounded, exactInput } from './error-bound.ts';
import { isFloat } from './program.ts';
import { Violation } from './properties.ts';
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
 */
export function finiteDifferences(
  before: Stage,
  traced: { readonly jaxpr: Jaxpr; readonly consts: readonly NDArray[] },
  args: readonly HostArray[],
  result: readonly Bounded[],
): void {
  if ([...before.inputs, ...before.outs].some((t) => t.dtype === 'float32')) return;
  if (traced.jaxpr.eqns.some((eqn) => eqn.outputs.some((v) => v.aval.dtype === 'float32'))) return;
  if (hidesDerivative(traced.jaxpr)) return;
  const n = before.inputs.length;
  const consts = traced.consts.map((c) => ({ aval: c.aval, data: c.hostData() }));
  const at = (h: number): Bounded[] => {
    let next = n;
    const moved = before.inputs.map((t, i): HostArray => {
      const x = args[i]!;
      if (!isFloat(t)) return x;
      const direction = args[next++]!;
      return { aval: x.aval, data: Float64Array.from(x.data, (v, k) => v + h * direction.data[k]!) };
    });
    return evaluateBounded(traced.jaxpr, [...consts, ...moved].map(exactInput), 'mathematics');
  };
  const [center, up, down, upHalf, downHalf] = [0, step, -step, step / 2, -step / 2].map(at) as [
    Bounded[],
    Bounded[],
    Bounded[],
    Bounded[],
    Bounded[],
  ];
  let tangent = before.outs.length;
  before.outs.forEach((t, o) => {
    if (!isFloat(t)) {
      // A result that jumps nearby: so may the others.
      return;
    }
    const derivative = result[tangent++]!;
    for (let k = 0; k < derivative.data.length; k++) {
      const value = (x: readonly Bounded[]): number => x[o]!.data[k]!;
      const wide = (value(up) - value(down)) / (2 * step);
      const narrow = (value(upHalf) - value(downHalf)) / step;
      const noise = [up, down, upHalf, downHalf].reduce((sum, x) => sum + (x[o]!.error?.[k] ?? 0), 0) / step;
      // Slopes to both sides: their difference is h·f″, so that it halves with h where f is smooth.
      const bend = (value(up) - 2 * value(center) + value(down)) / step;
      const bendHalf = (value(upHalf) - 2 * value(center) + value(downHalf)) / (step / 2);
      if (Math.abs(bendHalf) > 0.6 * Math.abs(bend) + 4 * noise) continue;
      const allowed = 2 * Math.abs(wide - narrow) + 2 * noise + (derivative.error?.[k] ?? 0);
      const wrong = Math.abs(derivative.data[k]! - narrow);
      if (wrong > allowed)
        throw new Violation(
          'jvp = finite differences',
          `element ${k} of tangent ${o} is ${derivative.data[k]} and ${narrow}, which differ by ${wrong}, allowed ${allowed}`,
        );
    }
  });
}
