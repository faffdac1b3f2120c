import { byteSize, isFloating } from '../../../src/core/dtype.ts';
import { type Atom, type Eqn, Var } from '../../../src/core/jaxpr.ts';
import type { LowerRule } from '../../lower-rule.ts';
import { hasShortColumns } from '../products/short-column-kernel.ts';
import { isShort } from '../products/short-row-kernel.ts';

/**
 * Two products with one matrix, r = X·w and g = Xᵀ·p, where p is r or is computed from r element by element: the
 * gradient of every loss of a linear model, and the normal equations. One after the other they read X twice. In one pass
 * some rows at a time go through r, p and g while they are in the first-level cache: X is read from further away once.
 */
export interface RowPass {
  readonly matrix: Var;
  readonly vector: Var;
  readonly first: Eqn;
  /** Elementwise equations between r and p that are computed where they are read, and the one whose result is p. */
  readonly inner: ReadonlySet<Eqn>;
  readonly middle: Eqn | undefined;
  readonly second: Eqn;
  /** Whether anything else reads p. */
  readonly kept: boolean;
  /** Few columns, or not many that lie together: one kernel, and r is never in memory. */
  readonly short: boolean;
}

export const equationsOf = ({ first, inner, middle, second }: RowPass): Eqn[] => [
  first,
  ...inner,
  ...(middle ? [middle] : []),
  second,
];

/** A matrix that is no larger than this stays in the first-level cache anyway. */
const smallestBytes = 2 ** 15;
/** Of X in one go. */
export const blockBytes: number = 2 ** 14;
/** Equations between r and p: with more in the kernel that goes over the matrix, its sums would leave the registers. */
const mostInner = { inRegisters: 12, inBlocks: 32 };

interface VectorProduct {
  readonly matrix: Var;
  readonly vector: Var;
  /** The axis of the matrix that is contracted. */
  readonly axis: number;
}

/** The operands of a product of a matrix with a vector; `source` finds the equation that a value comes from. */
function vectorProduct(eqn: Eqn, source: (v: Var) => Eqn | undefined): VectorProduct | undefined {
  const rule = eqn.primitive.lower as LowerRule<unknown>;
  if (rule.kind !== 'dot') return undefined;
  const [x, y] = eqn.inputs as [Atom, Atom];
  if (!(x instanceof Var && y instanceof Var && isFloating(x.aval.dtype))) return undefined;
  const { lhsContract, rhsContract } = rule.dimensions(eqn.params);
  const [matrix, vector, axes] = x.aval.ndim === 2 ? [x, y, lhsContract] : [y, x, rhsContract];
  if (matrix.aval.ndim !== 2 || vector.aval.ndim !== 1 || axes.length !== 1) return undefined;
  const [axis] = axes as [number];
  const view = source(matrix);
  const from = view?.primitive.lower.kind === 'view' ? view.inputs[0] : undefined;
  if (!(from instanceof Var) || from.aval.ndim !== 2) return { matrix, vector, axis };
  const { offset, strides } = (view!.primitive.lower as Extract<LowerRule<unknown>, { kind: 'view' }>).view(
    view!.params,
    from.aval,
    matrix.aval,
  );
  const transposed = offset === 0 && strides[0] === 1 && strides[1] === from.aval.shape[1];
  return transposed ? { matrix: from, vector, axis: 1 - axis } : { matrix, vector, axis };
}

/** The matrices with not too many columns that two such products have in common. */
export function matricesPassedOver(eqns: readonly Eqn[]): Var[] {
  const dots = eqns.filter((eqn) => eqn.primitive.lower.kind === 'dot');
  if (dots.length < 2) return [];
  const sources = new Map(eqns.flatMap((eqn) => eqn.outputs.map((v) => [v, eqn] as const)));
  const products = dots.flatMap((eqn) => vectorProduct(eqn, (v) => sources.get(v)) ?? []);
  const backwards = new Set(products.filter(({ axis }) => axis === 0).map(({ matrix }) => matrix));
  return products
    .filter(({ axis, matrix }) => axis === 1 && backwards.has(matrix) && hasShortColumns(shapeOf(matrix)))
    .map(({ matrix }) => matrix);
}

/**
 * Where two such products can be one pass.
 *
 * @param byColumns whether a matrix lies by columns
 */
export function rowPasses(
  eqns: readonly Eqn[],
  outs: readonly Atom[],
  virtual: ReadonlySet<Var>,
  byColumns: (matrix: Var) => boolean,
): RowPass[] {
  if (eqns.filter((eqn) => eqn.primitive.lower.kind === 'dot').length < 2) return [];
  const sources = new Map(eqns.flatMap((eqn) => eqn.outputs.map((v) => [v, eqn] as const)));
  const products = new Map(eqns.map((eqn) => [eqn, vectorProduct(eqn, (v) => sources.get(v))]));
  const inRegisters = (matrix: Var): boolean =>
    isShort(shapeOf(matrix)) || (hasShortColumns(shapeOf(matrix)) && byColumns(matrix));
  const firsts = eqns.filter((eqn) => {
    const product = products.get(eqn);
    if (product?.axis !== 1) return false;
    const { dtype, size, shape } = product.matrix.aval;
    if (inRegisters(product.matrix)) return true;
    return size * byteSize(dtype) > smallestBytes && shape[1]! > 1 && 4 * shape[1]! * byteSize(dtype) <= blockBytes;
  });
  if (firsts.length === 0) return [];
  const order = new Map(eqns.map((eqn, i) => [eqn, i]));
  const reading = new Map<Atom, Eqn[]>();
  for (const eqn of eqns)
    for (const atom of new Set(eqn.inputs)) {
      const list = reading.get(atom);
      if (list) list.push(eqn);
      else reading.set(atom, [eqn]);
    }
  const readers = (v: Var): readonly Eqn[] => reading.get(v) ?? [];
  const taken = new Set<Eqn>();
  return firsts.flatMap((first): RowPass[] => {
    const { matrix, vector } = products.get(first)!;
    /** The product that ends the pass, if all that reads p can wait for it. */
    const ending = (p: Var): Eqn | undefined => {
      const uses = readers(p);
      const found = uses.find((eqn) => {
        const product = products.get(eqn);
        return product?.axis === 0 && product.matrix === matrix && product.vector === p && !taken.has(eqn);
      });
      return found && uses.every((eqn) => order.get(eqn)! >= order.get(found)!) ? found : undefined;
    };
    const r = first.outputs[0]!;
    let second = ending(r);
    let middle: Eqn | undefined;
    const inner = new Set<Eqn>();
    if (!second) {
      const values = [r];
      for (const value of values) {
        if (outs.includes(value)) return [];
        for (const eqn of readers(value)) {
          if (eqn.primitive.lower.kind !== 'elementwise') return [];
          const out = eqn.outputs[0]!;
          if (!virtual.has(out)) {
            if (middle && middle !== eqn) return [];
            middle = eqn;
          } else if (!inner.has(eqn)) {
            inner.add(eqn);
            values.push(out);
          }
        }
      }
      if (!middle || inner.size > mostInner[inRegisters(matrix) ? 'inRegisters' : 'inBlocks']) return [];
      second = ending(middle.outputs[0]!);
    }
    if (!second) return [];
    taken.add(second);
    const p = (middle ?? first).outputs[0]!;
    const kept = outs.includes(p) || readers(p).length > 1;
    return [{ matrix, vector, first, inner, middle, second, kept, short: inRegisters(matrix) }];
  });
}

const shapeOf = ({ aval: { shape, dtype } }: Var) => ({
  rows: shape[0]!,
  columns: shape[1]!,
  dtype: dtype as 'float32' | 'float64',
});
