/** Integer powers for whose exponent the build has made no kernel. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize } from '../../src/core/dtype.ts';
import { bySquaring } from '../../src/core/powers.ts';
import { elementwiseName } from '../runtime/elementwise.ts';
import { elementwiseExports } from '../runtime/instance.ts';
import { type EagerFunction, onCells } from './memory-function.ts';

type Kernel = (...args: number[]) => number;

/** Elements that go through all products together, so that what lies between stays in the first-level cache. */
const block = 512;

/** By the kernel of products, in the order of `bySquaring`. */
export function eagerIntegerPower(output: ShapedArray, exponent: number): EagerFunction | undefined {
  const { dtype, size } = output;
  const kernels = elementwiseExports();
  const times = kernels[elementwiseName('mul', {}, [dtype, dtype], [false, false])] as Kernel | undefined;
  const reciprocal = kernels[elementwiseName('integer_pow', { y: -1 }, [dtype], [false])] as Kernel | undefined;
  if (!times || (exponent < 0 && !reciprocal) || Math.abs(exponent) < 2) return undefined;
  // Place 0 is the operand, and place k what the k-th product makes.
  const factors: (readonly [number, number])[] = [];
  bySquaring(0, Math.abs(exponent), (a, b) => factors.push([a, b]));
  const bytes = byteSize(dtype);
  const run = (_: unknown, at: readonly number[]): void => {
    const [from, to, scratch] = at as [number, number, number];
    for (let i = 0; i < size; i += block) {
      const count = Math.min(block, size - i);
      const end = to + i * bytes;
      const place = (k: number): number =>
        k === 0 ? from + i * bytes : k === factors.length ? end : scratch + (k - 1) * block * bytes;
      for (let k = 0; k < factors.length; k++) times(count, place(k + 1), place(factors[k]![0]), place(factors[k]![1]));
      if (exponent < 0) reciprocal!(count, end, end);
    }
  };
  return onCells({ scratch: factors.length * block * bytes, run }, [output]);
}
