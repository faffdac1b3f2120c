/** What JAX computed, frozen by test/oracle/primitives.py. */
import type { Test } from 'tap';
import { shapedArray } from '../src/core/aval.ts';
import { allocate, type DType } from '../src/core/dtype.ts';
import type { Value } from '../src/core/trace.ts';
import { jvp, NDArray, vjp } from '../src/index.ts';
import { difference, host } from './check-primitive.ts';
import { fixture } from './lib/fixture.ts';

interface Frozen {
  readonly shape: number[];
  readonly dtype: string;
  readonly data: (number | string | null)[];
}

export interface Linear {
  readonly primals: Frozen[];
  readonly tangents: Frozen[];
  readonly cotangents: Frozen[];
  readonly outs: Frozen[];
  readonly jvp: Frozen[];
  readonly vjp: Frozen[];
  readonly [extra: string]: any;
}

export const fixtures: Record<string, any> = fixture('primitives');

export function thaw(x: Frozen): NDArray {
  const dtype = x.dtype as DType;
  const data = allocate(dtype, x.data.length);
  x.data.forEach((v, i) => {
    data[i] = v === null ? Number.NaN : Number(v);
  });
  return NDArray.fromHost(data, shapedArray(x.shape, dtype));
}

/** Equal to a frozen array in shape, and in value within a relative tolerance. */
export function matches(t: Test, got: Value, wanted: Frozen, message: string, tolerance = 1e-12): void {
  t.same(got.shape, wanted.shape, `${message}: shape`);
  const d = difference(host(got), host(thaw(wanted)));
  t.ok(d <= tolerance, `${message}: differs by ${d}`);
}

/** Values, jvp and vjp of a function against JAX's. */
export function matchesLinear(
  t: Test,
  f: (...xs: Value[]) => readonly Value[],
  fixture: Linear,
  message: string,
  tolerance = 1e-11,
): void {
  const primals = fixture.primals.map(thaw);
  const floating = (...xs: Value[]) => f(...xs).filter((y) => y.aval.isFloating);
  f(...primals).forEach((y, i) => {
    matches(t, y, fixture.outs[i]!, `${message} output ${i}`, tolerance);
  });
  const [, tangents] = jvp(floating as any, primals, fixture.tangents.map(thaw)) as unknown as [Value[], Value[]];
  tangents.forEach((dy, i) => {
    matches(t, dy, fixture.jvp[i]!, `${message} jvp ${i}`, tolerance);
  });
  const [, pull] = vjp(floating as any, primals) as unknown as [Value[], (cts: Value[]) => Value[]];
  pull(fixture.cotangents.map(thaw)).forEach((dx, i) => {
    matches(t, dx, fixture.vjp[i]!, `${message} vjp ${i}`, tolerance);
  });
}
