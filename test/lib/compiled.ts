/** Functions as compiled programs. */
import type { Test } from 'tap';
import { interpret } from '../../jit/interpret.ts';
import { execute } from '../../jit/run.ts';
import { Cell } from '../../jit/storage/cell.ts';
import type { TypedArray } from '../../src/core/dtype.ts';
import type { Jaxpr } from '../../src/core/jaxpr.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { jit, makeJaxpr, type NDArray, np } from '../../src/index.ts';

type F = (...args: any[]) => any;

/** Results of a program by the reference semantics and compiled. */
export function bothWays(jaxpr: Jaxpr, inputs: readonly NDArray[]): { want: TypedArray[]; got: TypedArray[] } {
  const want = interpret(
    jaxpr,
    inputs.map((x) => ({ aval: x.aval, data: x.hostData() })),
  );
  const cells = execute(
    jaxpr,
    inputs.map((x) => Cell.fromHost(x.aval.dtype, x.hostData().slice())),
    (cells) => cells,
  );
  return { want, got: cells.map((cell) => cell.copyOut()) };
}

/** The same of a function, with its program. */
export function bothWaysOf(
  f: F,
  ...args: NDArray[]
): { readonly jaxpr: Jaxpr; readonly want: TypedArray[]; readonly got: TypedArray[] } {
  const { jaxpr, consts } = makeJaxpr(f)(...args);
  return { jaxpr, ...bothWays(jaxpr, [...consts, ...args]) };
}

/** Names of a function's kernels, without functions of vector math and the driver: of one kernel `k0`. */
export const kernelsOf = (f: F, ...args: NDArray[]): string[] =>
  jit(f)
    .lower(...args)
    .kernels.filter((name) => /^k\d+$/.test(name));

export const epsilon = (data: TypedArray): number => (data instanceof Float32Array ? 2 ** -23 : 2 ** -52);

/** A function's compiled program against the interpreted one, to a relative tolerance. */
export function agree(t: Pick<Test, 'same'>, name: string, f: (...args: any[]) => any, ...args: NDArray[]): void {
  const { jaxpr, want, got } = bothWaysOf(f, ...args);
  const problems = want.map((data, i) => {
    const w = Array.from(data);
    const g = got[i]!;
    const scale = w.reduce((m, x) => Math.max(m, Math.abs(x)), 1e-30);
    const tolerance = jaxpr.outs[i]!.aval.isFloating ? 1000 * epsilon(data) * scale : 0;
    const at = w.findIndex((x, j) => !(Math.abs(x - g[j]!) <= tolerance || Object.is(x, g[j])));
    return at < 0 && g.length === w.length ? '' : `output ${i}, element ${at}: ${g[at]} instead of ${w[at]}`;
  });
  t.same(problems.filter(Boolean), [], name);
}

/** Numbers that look random, the same each time, in multiples of 1/256. */
export const numbers = (shape: readonly number[], dtype: 'float32' | 'float64' | 'int32' = 'float32'): NDArray =>
  np
    .array(
      Array.from(
        { length: sizeOf(shape) },
        (_, i) => Math.round(1000 * Math.sin(1 + 7.3 * i)) / (dtype === 'int32' ? 1 : 256),
      ),
      { dtype },
    )
    .reshape([...shape]);

/** The largest distance of results from those that are wanted, in units of the largest of each, or of 1. */
export function worst(want: readonly NDArray[], got: readonly NDArray[]): number {
  let worst = 0;
  want.forEach((w, k) => {
    const [expected, actual] = [w.data(), got[k]!.data()];
    let largest = 1;
    for (const x of expected) largest = Math.max(largest, Math.abs(x));
    expected.forEach((x: number, i: number) => {
      const difference = Math.abs(x - actual[i]!) / largest;
      worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    });
  });
  return worst;
}
