/** Functions as compiled programs. */

import { interpret } from '../../jit/interpret.ts';
import { execute } from '../../jit/run.ts';
import { Cell } from '../../jit/storage/heap.ts';
import type { TypedArray } from '../../src/core/dtype.ts';
import type { Jaxpr } from '../../src/core/jaxpr.ts';
import { jit, makeJaxpr, type NDArray } from '../../src/index.ts';

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
