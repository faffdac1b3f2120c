/** Arrays against what they should be, to a tolerance. */
import t from 'tap';
import { type NDArray, np } from '../../src/index.ts';

export type Assertions = Pick<typeof t, 'equal' | 'ok'>;

export const f64 = (values: unknown): NDArray => np.array(values as number, { dtype: 'float64' });

/**
 * The shape of what is wanted, and nowhere further from it than `tolerance` times its largest element. NaN is near
 * nothing.
 */
export function near(t: Assertions, actual: NDArray, wanted: unknown, tolerance: number, name: string): void {
  const [a, b] = [actual.astype('float64'), f64(wanted)];
  t.equal(String(a.shape), String(b.shape), `${name}: shape`);
  const error = np.max(np.abs(a.sub(b))).item();
  const isNear = error <= tolerance * np.max(np.abs(b)).item();
  // Large arrays take longer to print than to compare.
  t.ok(isNear, isNear ? name : `${name}: ${a} against ${b}, error ${error}`);
}

/** The numbers that are expected, each to `tolerance` of its size or of 1. */
export function close(actual: any, expected: any, name: string, tolerance = 1e-12): void {
  const got: number[] = [actual.tolist()].flat(9);
  const want: number[] = [expected].flat(9);
  const ok =
    got.length === want.length &&
    got.every((x, i) => Math.abs(x - want[i]!) <= tolerance * Math.max(1, Math.abs(want[i]!)));
  t.ok(ok, ok ? name : `${name}: got ${JSON.stringify(actual.tolist())}, want ${JSON.stringify(expected)}`);
}
