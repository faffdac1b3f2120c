import type { MathUses } from '../../math/uses.ts';
import type { Expr, FunctionBuilder, Local, WasmType } from '../../wasm/code.ts';
import { offsetBy } from '../../wasm/loop-nest.ts';
import { Inputs, startOf } from '../expressions/streams.ts';
import type { HeldLeaf, Tree } from '../expressions/tree.ts';
import type { Vector } from '../expressions/vector-code.ts';
import { VectorEval } from '../expressions/vector-eval.ts';
import { storeVector } from '../expressions/vector-memory.ts';
import { elementBytes } from '../kernels/kernel.ts';
import { scalarType } from '../storage.ts';

/** An expression over vectors, and where its elements go, if they go to memory at all. */
export interface HeldRoot {
  readonly root: Tree;
  readonly ptr: Expr | undefined;
}

/**
 * What is computed, element by element along one axis, from vectors that a kernel has in registers (`leaf`) and from
 * what it reads beside them: between two products, or behind one.
 */
export class HeldExpression {
  /** Parameters that a kernel needs for it, and what the driver passes. */
  readonly params: readonly WasmType[];
  readonly args: readonly Expr[];
  private readonly leaf: HeldLeaf;
  private readonly inputs: Inputs;
  private readonly stored: readonly boolean[];
  private f: FunctionBuilder | undefined;
  private values: VectorEval | undefined;
  /** Where streams and results stand, and what an element adds. */
  private at: readonly Expr[] = [];
  private readonly steps: readonly number[];

  constructor(leaf: HeldLeaf, roots: readonly HeldRoot[]) {
    this.leaf = leaf;
    this.inputs = new Inputs(roots.map(({ root }) => root));
    this.stored = roots.map(({ ptr }) => ptr !== undefined);
    const targets = roots.filter(({ ptr }) => ptr !== undefined);
    const { streams, scalars } = this.inputs;
    this.steps = [...streams.map(({ steps }) => steps[0] ?? 0), ...targets.map(({ root }) => elementBytes[root.dtype])];
    this.params = [...this.steps.map(() => 'i32' as const), ...scalars.map(({ dtype }) => scalarType(dtype))];
    this.args = [...streams.map(startOf), ...targets.map(({ ptr }) => ptr!), ...scalars.map(({ expr }) => expr)];
  }

  /** Equal for expressions that are the same but for their arguments; undefined where that is not known. */
  get structure(): string | undefined {
    const trees = this.inputs.structure();
    return trees && `${trees} of ${this.inputs.numberOf(this.leaf)} by ${this.steps}, ${this.stored}`;
  }

  /** Computes what does not change along the axis. The parameters begin with the one of this index. */
  enter(f: FunctionBuilder, first: number, math: MathUses): void {
    this.f = f;
    const { streams, scalars } = this.inputs;
    this.at = this.steps.map((step, i) => (step === 0 ? f.param(first + i) : f.var(f.param(first + i))));
    const names = new Map<object, Expr>(scalars.map((s, i) => [s, f.param(first + this.steps.length + i)]));
    const step = new Map(streams.map(({ leaf }, i) => [leaf, this.steps[i]!]));
    this.values = new VectorEval(f, this.inputs, names, ({ leaf }) => step.get(leaf)!, math, true);
    this.values.hoist(this.pointers);
  }

  private get pointers(): Map<Tree, Expr> {
    return new Map(this.inputs.streams.map(({ leaf }, i) => [leaf, this.at[i]!]));
  }

  /**
   * Successive elements, four to a vector and `lanes` in the last one; stores what is to be stored. All is computed
   * before anything is written. Returns the vectors of each root.
   */
  apply(held: readonly Vector[], lanes: number): Vector[][] {
    const [f, values] = [this.f!, this.values!];
    const { roots, streams } = this.inputs;
    values.hold(this.leaf, held);
    const whole = lanes === 4 ? held.length : held.length - 1;
    const results = whole > 0 ? values.evaluateAll(roots, this.pointers, whole, 4) : [];
    if (lanes !== 4) {
      const name = (part: Expr): Expr => (part.kind === 'local' ? part : f.let(part));
      results.push(roots.map((root) => values.evaluate(root, this.pointers, 4 * whole, lanes).map(name)));
    }
    const targets = this.at.slice(streams.length);
    let next = 0;
    roots.forEach((root, i) => {
      if (!this.stored[i]) return;
      const ptr = targets[next++]!;
      results.forEach((vectors, u) => {
        const count = u < whole ? 4 : lanes;
        storeVector(f, root.dtype, ptr, vectors[i]!, 4 * u * elementBytes[root.dtype], count);
      });
    });
    return results;
  }

  /** Moves on along the axis. */
  advance(elements: number): void {
    this.at.forEach((ptr, i) => {
      if (this.steps[i] !== 0) this.f!.set(ptr as Local, offsetBy(ptr, this.steps[i]! * elements));
    });
  }
}
