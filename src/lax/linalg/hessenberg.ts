import { hessenbergCalls } from '../../../jit/runtime/linalg/calls.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate } from '../../core/dtype.ts';
import { RuleError } from '../../core/errors.ts';
import { noParams, type Primitive, primitive, reductionAccuracy } from '../../core/primitive.ts';
import { sizeOf } from '../../core/shape.ts';
import { bind, type Value } from '../../core/trace.ts';
import { toFloating } from '../../promote.ts';
import { strengthen } from '../movement.ts';
import { hessenbergForm, productOf } from './francis.ts';
import { batchOf, checkMatrix } from './matrix.ts';
import { type Rows, scaleOf } from './plane.ts';
import { schurSamples } from './schur.ts';

/** (H, Q) with A = Q·H·Qᵀ, Q orthogonal with first column e₁, and H without elements below the subdiagonal. NaN where A is not finite. */
export const hessenbergP: Primitive<object> = primitive<object>({
  name: 'hessenberg',
  type: ([a]) => {
    checkMatrix('hessenberg', a!, true);
    return [a!, a!];
  },
  run: ([a], _, [out]) => {
    const n = out!.shape.at(-1)!;
    const [h, q] = [0, 1].map(() => allocate(out!.dtype, out!.size).fill(Number.NaN));
    for (let batch = 0; batch < sizeOf(batchOf(out!)); batch++) {
      const at = batch * n * n;
      const matrix = a!.data.subarray(at, at + n * n);
      const scale = scaleOf(matrix);
      if (Number.isNaN(scale)) continue;
      const rows: Rows = { data: Float64Array.from(matrix, (x) => x / scale), width: n };
      const basis = productOf(hessenbergForm(rows, 0, n), n).data;
      h!.set(
        rows.data.map((x) => x * scale),
        at,
      );
      q!.set(
        basis.map((_, e) => basis[(e % n) * n + Math.floor(e / n)]!),
        at,
      );
    }
    return [h!, q!];
  },
  accuracy: reductionAccuracy(64),
  jvp: ([a]) => {
    throw new RuleError(`hessenberg: the factors of ${a!.aval} have no derivative here.`, {
      hint: '`linalg.schur` and `linalg.eig` have',
    });
  },
  batch: (_size, [a]) => {
    const outs = bind(hessenbergP, [a!], noParams);
    return { outs, batched: outs.map(() => true) };
  },
  lower: { kind: 'runtime', calls: (_, [a]) => hessenbergCalls(a!.dtype, sizeOf(batchOf(a!)), a!.shape.at(-1)!) },
  samples: schurSamples,
});

/**
 * `[h, q]` with x = q·h·qᵀ, over leading batch axes: orthogonal q whose first column is that of the identity, and h without elements below
 * its subdiagonal (Golub & Van Loan, Matrix Computations, 4th ed., § 7.4.3). A matrix that is not finite gives NaN. It has no derivative.
 *
 * @example
 * const [h, q] = hessenberg(a); // f32[3,3] → f32[3,3], f32[3,3]
 * @throws ShapeError when the last two axes differ in length
 */
export function hessenberg(x: ArrayLike): [h: Value, q: Value] {
  const a = strengthen(toFloating(x, 'hessenberg'));
  checkMatrix('hessenberg', a.aval, true);
  return bind(hessenbergP, [a], noParams) as [Value, Value];
}
