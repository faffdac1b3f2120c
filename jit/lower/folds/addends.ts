import { isFloating } from '../../../src/core/dtype.ts';
import { target } from '../../target.ts';
import type { Target } from '../../wasm/code.ts';
import type { Tree } from '../expressions/tree.ts';
import type { Vector } from '../expressions/vector-code.ts';
import type { Fold } from '../passes/phases.ts';

type Terms = Pick<Fold, 'combine' | 'root'>;

/** What a fold takes of an element: a value, or two factors whose product is added. */
export type Addend = readonly [value: Vector, factor?: Vector];

/**
 * What folds take of each element. Sums of products take the factors where there is fused multiply-add, which multiplies and adds in one
 * instruction, rounded once: the variance of columns is two instructions a vector instead of three. That depends on the fold alone, so that every
 * path has the same bits.
 */
export class Addends {
  /** What is evaluated. */
  readonly roots: readonly Tree[];
  /** Where the first root of each fold is. */
  private readonly places: readonly number[];

  constructor(folds: readonly Terms[], { fma }: Target = target()) {
    const all = folds.map((fold) => (fma ? factorsOf(fold) : [fold.root]));
    this.roots = all.flat();
    let next = 0;
    this.places = all.map(({ length }) => {
      next += length;
      return next - length;
    });
  }

  /** What fold `k` takes, of the values of the roots. */
  of(results: readonly Vector[], k: number): Addend {
    const at = this.places[k]!;
    const end = this.places[k + 1] ?? this.roots.length;
    return end - at === 1 ? [results[at]!] : [results[at]!, results[at + 1]!];
  }
}

function factorsOf({ combine, root }: Terms): readonly Tree[] {
  const isProduct = root.kind === 'op' && root.op === 'mul' && isFloating(root.dtype);
  return isProduct && combine === 'add' ? root.args : [root];
}
