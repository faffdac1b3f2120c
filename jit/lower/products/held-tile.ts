import { sizeOf } from '../../../src/core/shape.ts';
import type { MathUses } from '../../math/uses.ts';
import type { Expr, FunctionBuilder, Local, WasmType } from '../../wasm/code.ts';
import { coalesce, offsetBy } from '../../wasm/loop-nest.ts';
import type { AnyLanes } from '../expressions/lanes.ts';
import { Inputs, startOf } from '../expressions/streams.ts';
import { type HeldLeaf, type Tree, treeSize } from '../expressions/tree.ts';
import { splatConstant, type Vector } from '../expressions/vector-code.ts';
import { type Place, VectorEval } from '../expressions/vector-eval.ts';
import { storeVector } from '../expressions/vector-memory.ts';
import { elementBytes } from '../kernels/kernel.ts';
import { scalarType } from '../storage.ts';
import type { HeldRoot } from './held-expression.ts';
import type { Panel, TileColumns, TileTarget } from './product-tiles.ts';

/** Bytes to the next row and to the next column, and what is more than its rows to the next product of a batch. */
interface Steps {
  readonly row: number;
  readonly column: number;
  readonly product: number;
}

/** Larger expressions would be too much code, as they stand once for each vector of a tile. */
const mostNodes = 20;

/**
 * What is computed, element by element, from a product (`leaf`) of which a kernel has a tile in registers, and from what it
 * reads beside it.
 */
export class HeldTile implements TileTarget {
  readonly computes = true;
  /** Parameters that a kernel needs for it, what the driver passes, and what a row and a product add to that. */
  readonly params: readonly WasmType[];
  readonly args: readonly { readonly value: Expr; readonly row: number; readonly product: number }[];
  private readonly leaf: HeldLeaf;
  private readonly inputs: Inputs;
  /** Of streams, then of results. */
  private readonly steps: readonly Steps[];
  private f: FunctionBuilder | undefined;
  private values: VectorEval | undefined;
  private at: readonly Expr[] = [];

  private constructor(leaf: HeldLeaf, inputs: Inputs, targets: readonly Expr[], steps: readonly Steps[]) {
    this.leaf = leaf;
    this.inputs = inputs;
    this.steps = steps;
    const { streams, scalars } = inputs;
    this.params = [...steps.map(() => 'i32' as const), ...scalars.map(({ dtype }) => scalarType(dtype))];
    this.args = [
      ...[...streams.map(startOf), ...targets].map((value, i) => ({ ...steps[i]!, value })),
      ...scalars.map(({ expr }) => ({ value: expr, row: 0, product: 0 })),
    ];
  }

  /**
   * Undefined where it is too large, or reads something whose rows or columns do not step evenly.
   *
   * @param rows rows of each product of a batch
   */
  static of(
    leaf: HeldLeaf,
    roots: readonly HeldRoot[],
    shape: readonly number[],
    rowAxes: number,
    rows: number,
  ): HeldTile | undefined {
    const inputs = new Inputs(roots.map(({ root }) => root));
    if (roots.reduce((n, { root }) => n + treeSize(root), 0) > mostNodes) return undefined;
    const even = (steps: readonly number[], from: number, to: number): number | undefined => {
      const axes = coalesce(shape.slice(from, to).map((extent, i) => ({ extent, steps: [steps[from + i]!] })));
      return axes.length === 1 ? axes[0]!.steps[0] : axes.length === 0 ? 0 : undefined;
    };
    // The leading axes that are those of a batch.
    let batchAxes = 0;
    for (let left = sizeOf(shape.slice(0, rowAxes)); left > rows; batchAxes++) left /= shape[batchAxes]!;
    const isSplit = sizeOf(shape.slice(batchAxes, rowAxes)) === rows;
    const columns = shape.slice(rowAxes).reduce((n, extent) => n * extent, 1);
    const steps: Steps[] = [];
    for (const stream of inputs.streams) {
      const [all, column] = [even(stream.steps, 0, rowAxes), even(stream.steps, rowAxes, shape.length)];
      const [product, row] = isSplit ? [even(stream.steps, 0, batchAxes), even(stream.steps, batchAxes, rowAxes)] : [];
      if (column === undefined) return undefined;
      if (all !== undefined) steps.push({ row: all, column, product: 0 });
      else if (product !== undefined && row !== undefined) steps.push({ row, column, product: product - rows * row });
      else return undefined;
    }
    for (const { root } of roots) {
      const bytes = elementBytes[root.dtype];
      steps.push({ row: columns * bytes, column: bytes, product: 0 });
    }
    const targets = roots.map(({ ptr }) => ptr!);
    return new HeldTile(leaf, inputs, targets, steps);
  }

  /** Whether anything lies otherwise from one product of a batch to the next than from row to row. */
  get goesByProducts(): boolean {
    return this.args.some(({ product }) => product !== 0);
  }

  /** Equal for tiles that are the same but for their arguments; undefined where that is not known. */
  get structure(): string | undefined {
    const trees = this.inputs.structure();
    return trees && `${trees} of ${this.inputs.numberOf(this.leaf)} by ${JSON.stringify(this.steps)}`;
  }

  /** Computes what is the same for all elements. The parameters begin with the one of this index. */
  enter(f: FunctionBuilder, first: number, math: MathUses): void {
    this.f = f;
    const { streams, scalars } = this.inputs;
    this.at = this.steps.map((_, i) => f.param(first + i));
    const names = new Map<object, Expr>(scalars.map((s, i) => [s, f.param(first + this.steps.length + i)]));
    const steps = new Map(streams.map(({ leaf }, i) => [leaf, this.steps[i]!]));
    this.values = new VectorEval(
      f,
      this.inputs,
      names,
      ({ leaf }) => steps.get(leaf)!.column,
      math,
      true,
      ({ leaf }) => steps.get(leaf)!.row,
    );
    this.values.hoist(this.pointers(this.at));
  }

  private pointers(at: readonly Expr[]): Map<Tree, Expr> {
    return new Map(this.inputs.streams.map(({ leaf }, i) => [leaf, at[i]!]));
  }

  columns(moving: boolean): TileColumns {
    const first = this.copies(this.at, moving, ({ column }) => column);
    return {
      advance: (columns) => this.advance(first, columns, ({ column }) => column),
      rows: (moving) => {
        const at = this.copies(first, moving, ({ row }) => row);
        return {
          advance: (rows) => this.advance(at, rows, ({ row }) => row),
          store: (e, sums, panel) => this.store(at, e, sums, panel),
        };
      },
    };
  }

  private copies(at: readonly Expr[], moving: boolean, step: (steps: Steps) => number): readonly Expr[] {
    return at.map((ptr, i) => (moving && step(this.steps[i]!) !== 0 ? this.f!.var(ptr) : ptr));
  }

  private advance(at: readonly Expr[], count: number, step: (steps: Steps) => number): void {
    this.steps.forEach((steps, i) => {
      if (step(steps) !== 0) this.f!.set(at[i] as Local, offsetBy(at[i]!, step(steps) * count));
    });
  }

  private store(at: readonly Expr[], e: AnyLanes, sums: readonly (readonly Local[])[], panel: Panel): void {
    const f = this.f!;
    const { roots, streams } = this.inputs;
    const pointers = this.pointers(at);
    const targets = at.slice(streams.length);
    sums.forEach((vectors, row) => {
      const places = placesOf(e, vectors, panel, row);
      const results = this.values!.evaluateHeld(roots, pointers, this.leaf, places);
      results.forEach((values, u) => {
        const { at: column, lanes } = places[u]!;
        roots.forEach(({ dtype }, i) => {
          const steps = this.steps[streams.length + i]!;
          storeVector(f, dtype, targets[i]!, values[i]!, row * steps.row + column * steps.column, lanes);
        });
      });
    });
  }
}

/** Vectors of a row as elements by four; fewer where the next vector does not follow. */
function placesOf(
  e: AnyLanes,
  vectors: readonly Local[],
  { starts, elements }: Panel,
  row: number,
): (Place & { readonly value: Vector })[] {
  const zero = splatConstant(0, 'float64')[1]!;
  const places: (Place & { readonly value: Vector })[] = [];
  for (let v = 0; v < vectors.length; v++) {
    const at = starts[v]! / e.bytes;
    if (e.bytes === 4) places.push({ at, row, lanes: elements[v]!, value: [vectors[v]!] });
    else if (v + 1 < vectors.length && elements[v] === e.count && starts[v + 1] === starts[v]! + 16) {
      places.push({ at, row, lanes: e.count + elements[v + 1]!, value: [vectors[v]!, vectors[v + 1]!] });
      v++;
    } else places.push({ at, row, lanes: elements[v]!, value: [vectors[v]!, zero] });
  }
  return places;
}
