import { type DType, isFloating } from '../../../src/core/dtype.ts';
import { range } from '../../../src/core/shape.ts';
import type { MathUses } from '../../math/uses.ts';
import { type Expr, type FunctionBuilder, i32c, i32x4c, i32x4lanes, type Local, lane, op } from '../../wasm/code.ts';
import { elementBytes } from '../kernels/kernel.ts';
import { type MaskParts, maskIn } from './masks.ts';
import { constant } from './scalar-code.ts';
import { Inputs, isAffine, type Stream } from './streams.ts';
import {
  forEachTree,
  type GatherTree,
  type LoopTree,
  operandsOf,
  type StepStore,
  type Tree,
  withLeaf,
} from './tree.ts';
import { integerTested } from './truth.ts';
import { dividedBy, extremeWith, maskParts, splat, splatConstant, type Vector, vectorOp } from './vector-code.ts';
import { loadLanes, loadSplat, loadVector, storeLanes, turn } from './vector-memory.ts';

/** Four successive elements, or fewer at the end. */
export interface Place {
  readonly at: number;
  readonly lanes: number;
  /** Which row of a tile it is in. */
  readonly row: number;
}

/** A place and what is known of its elements. */
interface Unit extends Place {
  readonly known: Map<Tree, Vector>;
  /** Masks in another number of vectors than they came in. */
  masks?: Map<Tree, Vector>;
  loops?: Map<LoopTree, readonly Vector[]>;
}

/** Words that are named in a hash of twenty rounds, at least. */
export const aHash = 40;

/** Vectors that follow each other. */
export const successive = (count: number, lanes: number): Place[] =>
  range(count).map((u) => ({ at: 4 * u, lanes, row: 0 }));

const unitOf = ({ at, lanes, row }: Place): Unit => ({ at, lanes, row, known: new Map() });
const unitAt = (at: number, lanes: number, row = 0): Unit => unitOf({ at, lanes, row });

/**
 * Evaluates trees four elements of the innermost axis at a time. `step` is what that axis adds to each stream; streams
 * and values that it does not move are evaluated once, before the loop (`hoist`).
 */
export class VectorEval {
  private readonly f: FunctionBuilder;
  private readonly inputs: Inputs;
  private readonly scalars: ReadonlyMap<object, Expr>;
  private readonly step: ReadonlyMap<Tree, number>;
  private readonly math: MathUses;
  private readonly hoisted = new Map<Tree, Vector>();
  private readonly hoistedMasks = new Map<Tree, Vector>();
  /** What the kernel holds; of neighbouring results (`heldMoves`) one vector for each of those under way. */
  private readonly held = new Map<Tree, readonly Vector[]>();
  private readonly heldMoves: boolean;
  /** What a step to the next row of a tile adds to each stream. */
  private readonly rowStep: ReadonlyMap<Tree, number>;
  /** Of the inside of a loop: addresses that it is given, with what a lane adds to them. */
  private readonly addresses = new Map<Tree, { readonly ptr: Expr; readonly step: number }>();
  private readonly moving = new Map<Tree, boolean>();
  private readonly differing = new Map<Tree, boolean>();
  private pointers: ReadonlyMap<Tree, Expr> = new Map();
  private units: readonly Unit[] = [];
  private unit: Unit = unitAt(0, 4);
  private once = false;
  /** Whether it evaluates the steps of a loop: what all lanes agree on is then computed for the first vector alone. */
  private isInside = false;

  constructor(
    f: FunctionBuilder,
    inputs: Inputs,
    scalars: ReadonlyMap<object, Expr>,
    innerAxis: (stream: Stream) => number,
    math: MathUses,
    heldMoves = false,
    rowAxis?: (stream: Stream) => number,
  ) {
    this.f = f;
    this.inputs = inputs;
    this.scalars = scalars;
    this.step = new Map(inputs.streams.map((s) => [s.leaf, innerAxis(s)]));
    this.math = math;
    this.heldMoves = heldMoves;
    this.rowStep = new Map(rowAxis && inputs.streams.map((s) => [s.leaf, rowAxis(s)]));
  }

  /** Evaluates what does not change along the innermost axis. `pointers` stand at its start. */
  hoist(pointers: ReadonlyMap<Tree, Expr>, roots: readonly Tree[] = this.inputs.roots): void {
    this.hoisted.clear();
    this.hoistedMasks.clear();
    this.begin(pointers, [unitAt(0, 4)]);
    this.once = true;
    const seen = new Set<Tree>();
    const visit = (tree: Tree): void => {
      if (seen.has(tree) || tree.kind === 'const' || tree.kind === 'address') return;
      seen.add(tree);
      if (tree.kind === 'loop' || this.moves(tree)) {
        operandsOf(tree).forEach(visit);
        return;
      }
      const value = this.value(tree).map(this.name);
      this.hoisted.set(tree, value);
      if (tree.dtype === 'bool')
        this.hoistedMasks.set(tree, maskIn(value.length === 1 ? 2 : 1, value, this.name).map(this.name));
    };
    roots.forEach(visit);
    this.once = false;
  }

  /** Elements `at` … `at + lanes` from where `pointers` stand. */
  evaluate(root: Tree, pointers: ReadonlyMap<Tree, Expr>, at: number, lanes: number): Vector {
    this.begin(pointers, [unitAt(at, lanes)]);
    return this.outside(root);
  }

  /** The roots for `count` successive vectors, named: stores come after every load. */
  evaluateAll(
    roots: readonly Tree[],
    pointers: ReadonlyMap<Tree, Expr>,
    count: number,
    lanes: number,
    loops: readonly LoopTree[] = [],
  ): Vector[][] {
    this.begin(pointers, successive(count, lanes).map(unitOf));
    for (const loop of loops) this.carriedBy(loop);
    this.inStep(roots);
    if (roots.length === 1 && count === 1) return [[this.outside(roots[0]!)]];
    return this.units.map((unit) => this.within(unit, () => roots.map((root) => this.outside(root).map(this.name))));
  }

  /** The same for those who store nothing, at any places: `use` takes what is there before the next place needs registers. */
  evaluateEach(
    roots: readonly Tree[],
    pointers: ReadonlyMap<Tree, Expr>,
    places: readonly Place[],
    use: (results: readonly Vector[], place: number) => void,
  ): void {
    this.begin(pointers, places.map(unitOf));
    this.inStep(roots);
    const named = (value: Vector): Vector => (roots.length === 1 ? value : value.map(this.name));
    this.units.forEach((unit, i) => {
      use(
        this.within(unit, () => roots.map((root) => named(this.outside(root)))),
        i,
      );
    });
  }

  /**
   * Evaluates what is named of the hashes in the roots, the shallowest first and each value for all units: operations of a hash wait for each
   * other, those of several do not. The engine keeps their order, of which the machine sees a hundred or so at once.
   */
  private inStep(roots: readonly Tree[]): void {
    const depths = new Map<Tree, number>();
    const visit = (tree: Tree): number => {
      if (tree.kind === 'loop' || this.held.has(tree) || this.hoisted.has(tree)) return 0;
      let depth = depths.get(tree);
      if (depth === undefined) {
        depth = operandsOf(tree).reduce((most, arg) => Math.max(most, visit(arg)), 0) + 1;
        depths.set(tree, depth);
      }
      return depth;
    };
    roots.forEach(visit);
    const named = [...depths.keys()].filter(
      (tree) => tree.kind === 'op' && tree.dtype === 'uint32' && this.inputs.usesOf(tree) > 1 && this.moves(tree),
    );
    if (named.length < aHash) return;
    for (const tree of named.sort((a, b) => depths.get(a)! - depths.get(b)!))
      for (const unit of this.units) this.within(unit, () => this.value(tree));
  }

  /**
   * The roots for a tile: `lanes` elements, from `at` on, in each of `rows` rows, named. What is `turned` lies in memory
   * column by column, and is turned round in registers.
   */
  evaluateTile(
    roots: readonly Tree[],
    pointers: ReadonlyMap<Tree, Expr>,
    rows: number,
    lanes: number,
    turned: readonly Tree[],
    at = 0,
  ): Vector[][] {
    const units = Array.from({ length: rows }, (_, row) => unitAt(at, lanes, row));
    this.begin(pointers, units);
    for (const leaf of turned) {
      const step = this.step.get(leaf)!;
      const columns = Array.from({ length: lanes }, (_, i) => {
        const distance = (at + i) * step;
        const [ptr, offset] = step < 0 ? [add(pointers.get(leaf)!, distance), 0] : [pointers.get(leaf)!, distance];
        return loadVector(leaf.dtype, step < 0 ? this.name(ptr) : ptr, offset, rows).map(this.name);
      });
      const turnedRows = turn(columns, leaf.dtype, this.name);
      for (const { row, known } of units) known.set(leaf, turnedRows[row]!);
    }
    return units.map((unit) => this.within(unit, () => roots.map((root) => this.outside(root).map(this.name))));
  }

  /** The roots at places of a tile, named; the kernel has the values of `leaf` there. */
  evaluateHeld(
    roots: readonly Tree[],
    pointers: ReadonlyMap<Tree, Expr>,
    leaf: Tree,
    places: readonly (Place & { readonly value: Vector })[],
  ): Vector[][] {
    const units = places.map(
      ({ at, lanes, row, value }): Unit => ({ at, lanes, row, known: new Map([[leaf, value]]) }),
    );
    this.begin(pointers, units);
    return units.map((unit) => this.within(unit, () => roots.map((root) => this.outside(root).map(this.name))));
  }

  /** Gives values that the kernel holds: one vector, or one for each of those under way. */
  hold(leaf: Tree, vectors: readonly Vector[]): void {
    this.held.set(leaf, vectors);
  }

  forget(): void {
    this.held.clear();
  }

  /**
   * Evaluates for `count` vectors what lanes have of their own that does not change along the axes that `isMoved` tells
   * of: once, before the loops over these.
   */
  pin(
    roots: readonly Tree[],
    pointers: ReadonlyMap<Tree, Expr>,
    count: number,
    lanes: number,
    isMoved: (leaf: Tree) => boolean,
  ): void {
    const units = successive(count, lanes).map(unitOf);
    this.begin(pointers, units);
    const changes = withLeaf(isMoved);
    const seen = new Set<Tree>();
    this.once = true;
    const visit = (tree: Tree): void => {
      if (seen.has(tree) || this.held.has(tree) || tree.kind === 'address') return;
      seen.add(tree);
      if (tree.kind !== 'loop' && this.moves(tree) && !changes(tree))
        this.held.set(
          tree,
          units.map((unit) => this.within(unit, () => this.value(tree).map(this.name))),
        );
      else operandsOf(tree).forEach(visit);
    };
    roots.forEach(visit);
    this.once = false;
  }

  /** What the trees read in memory. */
  leavesOf(roots: readonly Tree[]): Set<Tree> {
    const found = new Set<Tree>();
    for (const root of roots)
      forEachTree(root, (tree) => {
        if (isAffine(tree)) found.add(tree);
      });
    return found;
  }

  private begin(pointers: ReadonlyMap<Tree, Expr>, units: readonly Unit[]): void {
    this.pointers = pointers;
    this.units = units;
    this.unit = units[0]!;
  }

  private within<T>(unit: Unit, use: () => T): T {
    const outer = this.unit;
    this.unit = unit;
    const result = use();
    this.unit = outer;
    return result;
  }

  private readonly name = (value: Expr): Expr => (value.kind === 'local' ? value : this.f.let(value));

  /** Whether the innermost axis changes the value, or another row of a tile. */
  moves(tree: Tree): boolean {
    return this.isMoved(
      tree,
      this.moving,
      (leaf) => (this.step.get(leaf) ?? 0) !== 0 || (this.rowStep.get(leaf) ?? 0) !== 0,
    );
  }

  /** Whether lanes have values of their own. */
  private differs(tree: Tree): boolean {
    return this.isMoved(tree, this.differing, (leaf) => (this.step.get(leaf) ?? 0) !== 0);
  }

  private isMoved(tree: Tree, known: Map<Tree, boolean>, isMovedLeaf: (leaf: Tree) => boolean): boolean {
    let moved = known.get(tree);
    if (moved === undefined) {
      if ('args' in tree) {
        const writes = tree.kind === 'loop' && tree.ys.length > 0;
        moved = writes || tree.args.some((arg) => this.isMoved(arg, known, isMovedLeaf));
      } else moved = tree.kind === 'held' ? this.heldMoves && !tree.uniform : isMovedLeaf(tree);
      known.set(tree, moved);
    }
    return moved;
  }

  private value(tree: Tree): Vector {
    const vectors = this.held.get(tree);
    const known = vectors
      ? vectors[vectors.length > 1 ? this.unit.at / 4 : 0]
      : (this.hoisted.get(tree) ?? this.unit.known.get(tree));
    if (known) return known;
    const common = this.isInside && tree.kind !== 'const' && !this.differs(tree);
    if (common && this.unit !== this.units[0]) return this.within(this.units[0]!, () => this.value(tree));
    let value = this.compute(tree);
    if (common || (this.inputs.usesOf(tree) > 1 && tree.kind !== 'const')) value = value.map(this.name);
    this.unit.known.set(tree, value);
    return value;
  }

  /** The same in the form that everything but this evaluator expects: masks in one vector. */
  private outside(tree: Tree): Vector {
    return tree.dtype === 'bool' ? this.mask(tree, 1) : this.value(tree);
  }

  private mask(tree: Tree, parts: MaskParts): Vector {
    const value = this.value(tree);
    if (value.length === parts) return value;
    const { unit } = this;
    let mask = this.hoistedMasks.get(tree) ?? unit.masks?.get(tree);
    if (!mask) {
      mask = maskIn(parts, value, this.name);
      if (this.inputs.usesOf(tree) > 1) mask = mask.map(this.name);
      unit.masks ??= new Map();
      unit.masks.set(tree, mask);
    }
    return mask;
  }

  private compute(tree: Tree): Vector {
    switch (tree.kind) {
      case 'const':
        return splatConstant(tree.value, tree.dtype);
      case 'scalar':
        return splat(this.scalars.get(tree.scalar)!, tree.dtype, this.name);
      case 'iota': {
        const step = this.step.get(tree)!;
        const first = op('i32x4.splat', add(this.pointers.get(tree)!, this.behind(tree)));
        return [step === 0 ? first : op('i32x4.add', first, i32x4lanes(0, step, 2 * step, 3 * step))];
      }
      case 'array':
        return this.load(tree.dtype, this.pointers.get(tree)!, this.step.get(tree)!, this.behind(tree));
      case 'op': {
        const { op: operation, dtype, args, fn } = tree;
        if ((operation === 'max' || operation === 'min') && isFloating(dtype)) {
          const bounded = this.bounded(operation, dtype, args as [Tree, Tree]);
          if (bounded) return bounded;
        }
        if (operation === 'convert' && (dtype === 'int32' || dtype === 'uint32')) {
          // 0 or 1 of what is not negative: unequal is three instructions of x86, and the lowest bit another.
          const tested = integerTested(args[0]!);
          if (tested) return [op('i32x4.min_u', this.value(tested)[0]!, i32x4c(1))];
        }
        if (operation === 'select' && isFloating(dtype)) {
          const chosen = this.chosenExtreme(dtype, args as [Tree, Tree, Tree]);
          if (chosen) return chosen;
        }
        const shape = args[0]!.dtype === 'float64' ? 'f64x2' : 'f32x4';
        const often = !this.once && this.unit.lanes === 4;
        const math = (name: string, xs: readonly Expr[]): Expr => this.math.vector(this.f, name, shape, xs, often);
        const amount = operation.startsWith('sh') ? this.uniform(args[1]!) : undefined;
        if ((operation === 'rem' || operation === 'div') && !isFloating(dtype)) {
          const [x, y] = args as [Tree, Tree];
          if (y.kind === 'const' && y.value > 1)
            return [dividedBy(operation, dtype, this.value(x)[0]!, y.value, this.name)];
        }
        const masks = args.filter((arg) => arg.dtype === 'bool').map((mask) => this.value(mask));
        const asMask = maskParts(operation, dtype, masks);
        const values = args.map((arg, i) => {
          if (arg.dtype === 'bool') return this.mask(arg, asMask);
          return amount && i === 1 ? [] : this.value(arg);
        });
        const argType = args[operation === 'select' ? 1 : 0]!.dtype;
        return vectorOp(operation, dtype, values, argType, this.name, math, fn, amount);
      }
      case 'gather':
        return this.gather(tree);
      case 'result':
        return this.carriedBy(tree.args[0])[tree.index]!;
      case 'address':
      case 'held':
      case 'loop':
        throw new Error(`a ${tree.kind} has no value here`);
    }
  }

  /** `max` and `min` with a constant. */
  private bounded(operation: 'max' | 'min', dtype: DType, [x, y]: readonly [Tree, Tree]): Vector | undefined {
    if (y.kind === 'const') return extremeWith(operation, dtype, this.value(x), y.value);
    return x.kind === 'const' ? extremeWith(operation, dtype, this.value(y), x.value) : undefined;
  }

  /** Of two numbers the one that is larger, or smaller, by their own comparison: an instruction of x86. */
  private chosenExtreme(dtype: DType, [test, whenTrue, whenFalse]: readonly [Tree, Tree, Tree]): Vector | undefined {
    if (test.kind !== 'op' || (test.op !== 'lt' && test.op !== 'gt')) return undefined;
    const [small, large] = (test.op === 'lt' ? test.args : [...test.args].reverse()) as [Tree, Tree];
    const isLarge = whenTrue === large && whenFalse === small;
    if (!isLarge && !(whenTrue === small && whenFalse === large)) return undefined;
    const [other, chosen] = [this.value(whenFalse), this.value(whenTrue)];
    const instruction = `${dtype === 'float64' ? 'f64x2' : 'f32x4'}.${isLarge ? 'pmax' : 'pmin'}`;
    return other.map((part, i) => op(instruction, part, chosen[i]!));
  }

  /** What a loop carries in the end. It runs for all units at once, which hides the latency of its operations. */
  private carriedBy(loop: LoopTree): readonly Vector[] {
    const known = this.unit.loops?.get(loop);
    if (known) return known;
    const { f, units } = this;
    const states = units.map((unit) =>
      this.within(unit, () => loop.args.map((arg) => (arg.kind === 'address' ? [] : this.outside(arg).map(this.name)))),
    );
    const carried = states.map((values) => loop.next.map((_, i) => values[i]!.map((part) => f.var(part))));
    const inside = new VectorEval(
      f,
      new Inputs([...loop.next, ...loop.ys.flatMap((y) => [y.value, y.bytes]), ...(loop.test ? [loop.test] : [])]),
      this.scalars,
      () => 0,
      this.math,
      true,
    );
    inside.isInside = true;
    loop.args.forEach((arg, i) => {
      if (arg.kind !== 'address') return;
      inside.addresses.set(loop.slots[i]!, { ptr: this.pointers.get(arg)!, step: this.step.get(arg)! });
    });
    const held = units.map(({ at, lanes, row }, u): Unit => {
      const known = new Map<Tree, Vector>(loop.slots.map((slot, i) => [slot, carried[u]![i] ?? states[u]![i]!]));
      return { at, lanes, row, known };
    });
    inside.begin(this.pointers, held);
    if (loop.count !== undefined) f.for(0, loop.count, () => inside.advance(held, carried, loop.ys));
    else
      f.while(i32c(1), () => {
        f.if(op('i32.eqz', inside.anyLane(held)), () => f.break());
        inside.advance(held, carried, loop.ys);
      });
    units.forEach((unit, u) => {
      unit.loops ??= new Map();
      unit.loops.set(loop, carried[u]!);
    });
    return this.unit.loops!.get(loop)!;
  }

  /** Whether the loop whose inside this is goes on in a lane that exists. */
  private anyLane(units: readonly Unit[]): Expr {
    const test = this.inputs.roots.at(-1)!;
    const masks = units.map((unit) => {
      const [mask] = this.within(unit, () => this.mask(test, 1));
      const on = (i: number): number => (i < unit.lanes ? -1 : 0);
      return unit.lanes === 4 ? mask! : op('v128.and', mask!, i32x4lanes(on(0), on(1), on(2), on(3)));
    });
    return op(
      'v128.any_true',
      masks.reduce((a, b) => op('v128.or', a, b)),
    );
  }

  /** One iteration of the loop whose inside this is. Everything is computed before anything is replaced. */
  private advance(units: readonly Unit[], carried: readonly (readonly Local[])[][], ys: readonly StepStore[]): void {
    const { f } = this;
    const mutable = new Set(carried.flat(2).map((local) => local.index));
    const fixed = (part: Expr): Expr =>
      part.kind === 'local' && mutable.has(part.index) ? f.var(part) : this.name(part);
    this.inStep(this.inputs.roots);
    const next = units.map((unit, u) =>
      this.within(unit, () => carried[u]!.map((_, i) => this.outside(this.inputs.roots[i]!).map(fixed))),
    );
    ys.forEach(({ value: { dtype }, to }, i) => {
      const [value, bytes] = this.inputs.roots.slice(carried[0]!.length + 2 * i) as [Tree, Tree];
      const { ptr, step } = this.addresses.get(to)!;
      const [distance] = this.within(units[0]!, () => this.value(bytes));
      const row = this.name(op('i32.add', ptr, lane('i32x4.extract_lane', 0, distance!)));
      for (const unit of units) {
        const vector = this.within(unit, () => this.outside(value).map(this.name));
        storeLanes(f, dtype, row, vector, unit.at * step, step, unit.lanes);
      }
    });
    carried.forEach((values, u) => {
      values.forEach((parts, i) => {
        parts.forEach((local, k) => {
          f.set(local, next[u]![i]![k]!);
        });
      });
    });
  }

  private uniform(amount: Tree): Expr | undefined {
    if (amount.kind === 'const') return constant(amount.value, amount.dtype);
    return amount.kind === 'scalar' ? this.scalars.get(amount.scalar) : undefined;
  }

  /** Where all lanes are the same way from the address, neighbours are read together. */
  private gather({ dtype, args: [from, bytes] }: GatherTree): Vector {
    const address = this.addresses.get(from);
    const ptr = address?.ptr ?? this.pointers.get(from)!;
    const step = address?.step ?? this.step.get(from)!;
    const behind = address ? this.unit.at * step : this.behind(from);
    const [distances] = this.value(bytes);
    if (!this.differs(bytes)) {
      const base = this.name(op('i32.add', ptr, lane('i32x4.extract_lane', 0, distances!)));
      return this.load(dtype, base, step, behind);
    }
    const named = this.name(distances!);
    return loadLanes(dtype, this.unit.lanes, (i) => {
      const at = op('i32.add', ptr, lane('i32x4.extract_lane', i, named));
      const offset = behind + i * step;
      return offset >= 0 ? { ptr: at, offset } : { ptr: add(at, offset), offset: 0 };
    });
  }

  /** How far the unit under way is behind a stream's pointer. */
  private behind(leaf: Tree): number {
    return this.unit.at * this.step.get(leaf)! + this.unit.row * (this.rowStep.get(leaf) ?? 0);
  }

  private load(dtype: DType, start: Expr, step: number, distance: number): Vector {
    const { ptr, offset } = apart(start, distance);
    const base = offset < 0 ? op('i32.add', ptr, i32c(offset)) : ptr;
    const from = Math.max(offset, 0);
    if (step === 0) return loadSplat(dtype, base, from, this.name);
    const here = step < 0 && base.kind !== 'local' ? this.name(base) : base;
    if (step === elementBytes[dtype]) return loadVector(dtype, here, from, this.unit.lanes);
    return loadLanes(dtype, this.unit.lanes, (i) =>
      step > 0 ? { ptr: here, offset: from + i * step } : { ptr: add(here, from + i * step), offset: 0 },
    );
  }
}

/** An address and a distance from it, with what is constant in the address in the distance. */
function apart(ptr: Expr, offset: number): { readonly ptr: Expr; readonly offset: number } {
  if (ptr.kind !== 'op' || ptr.op !== 'i32.add') return { ptr, offset };
  const [base, bytes] = ptr.args as [Expr, Expr];
  return bytes.kind === 'const' && bytes.type === 'i32' ? { ptr: base, offset: offset + bytes.value } : { ptr, offset };
}

const add = (x: Expr, n: number): Expr => (n === 0 ? x : op('i32.add', x, i32c(n)));
