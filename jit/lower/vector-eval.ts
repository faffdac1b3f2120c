import { type DType, isFloating } from '../../src/core/dtype.ts';
import {
  type Expr,
  type FunctionBuilder,
  i32c,
  i32x4c,
  i32x4lanes,
  type Local,
  lane,
  load,
  loadLane,
  op,
  shuffle,
} from '../code.ts';
import type { MathUses } from '../math/uses.ts';
import { constant } from './scalar-code.ts';
import { Inputs, isAffine, type Stream } from './streams.ts';
import { forEachTree, type GatherTree, type LoopTree, operandsOf, type StepStore, type Tree } from './tree.ts';
import { extremeWith, splat, splatConstant, type Vector, vectorOp } from './vector-code.ts';

const laneBytes: Record<DType, number> = { float32: 4, float64: 8, int32: 4, uint32: 4, bool: 1 };

/** Four successive elements, or fewer at the end, and what is known of them. */
interface Unit {
  readonly at: number;
  readonly lanes: number;
  /** Which row of a tile it is in. */
  readonly row: number;
  readonly known: Map<Tree, Vector>;
  loops?: Map<LoopTree, readonly Vector[]>;
}

const unitAt = (at: number, lanes: number, row = 0): Unit => ({ at, lanes, row, known: new Map() });

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
  /** What the kernel holds; of neighbouring results (`heldMoves`) one vector for each of those under way. */
  private readonly held = new Map<Tree, readonly Vector[]>();
  private readonly heldMoves: boolean;
  /** What a step to the next row of a tile adds to each stream. */
  private readonly rowStep: ReadonlyMap<Tree, number>;
  /** Of the inside of a loop: addresses that it is given, with what a lane and a row of a tile add to them. */
  private readonly addresses = new Map<Tree, { readonly ptr: Expr; readonly step: number; readonly rowStep: number }>();
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
    this.begin(pointers, [unitAt(0, 4)]);
    this.once = true;
    const seen = new Set<Tree>();
    const visit = (tree: Tree): void => {
      if (seen.has(tree) || tree.kind === 'const' || tree.kind === 'address') return;
      seen.add(tree);
      if (tree.kind !== 'loop' && !this.moves(tree)) this.hoisted.set(tree, this.value(tree).map(this.name));
      else operandsOf(tree).forEach(visit);
    };
    roots.forEach(visit);
    this.once = false;
  }

  /** Elements `at` … `at + lanes` from where `pointers` stand. */
  evaluate(root: Tree, pointers: ReadonlyMap<Tree, Expr>, at: number, lanes: number): Vector {
    this.begin(pointers, [unitAt(at, lanes)]);
    return this.value(root);
  }

  /** The roots for `count` successive vectors, named: stores come after every load. */
  evaluateAll(
    roots: readonly Tree[],
    pointers: ReadonlyMap<Tree, Expr>,
    count: number,
    lanes: number,
    loops: readonly LoopTree[] = [],
  ): Vector[][] {
    const units = Array.from({ length: count }, (_, u) => unitAt(4 * u, lanes));
    this.begin(pointers, units);
    for (const loop of loops) this.carriedBy(loop);
    if (roots.length === 1 && count === 1) return [[this.value(roots[0]!)]];
    return units.map((unit) => this.within(unit, () => roots.map((root) => this.value(root).map(this.name))));
  }

  /**
   * The roots for a tile: `lanes` elements in each of `rows` rows, named. What is `turned` lies in memory column by column,
   * and is turned round in registers.
   */
  evaluateTile(
    roots: readonly Tree[],
    pointers: ReadonlyMap<Tree, Expr>,
    rows: number,
    lanes: number,
    turned: readonly Tree[],
  ): Vector[][] {
    const units = Array.from({ length: rows }, (_, row) => unitAt(0, lanes, row));
    this.begin(pointers, units);
    for (const leaf of turned) {
      const step = this.step.get(leaf)!;
      const columns = Array.from({ length: lanes }, (_, i) => {
        const [ptr, offset] = step < 0 ? [add(pointers.get(leaf)!, i * step), 0] : [pointers.get(leaf)!, i * step];
        return loadVector(leaf.dtype, step < 0 ? this.name(ptr) : ptr, offset, rows).map(this.name);
      });
      const turnedRows = turn(columns, leaf.dtype, this.name);
      for (const { row, known } of units) known.set(leaf, turnedRows[row]!);
    }
    return units.map((unit) => this.within(unit, () => roots.map((root) => this.value(root).map(this.name))));
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
    const units = Array.from({ length: count }, (_, u) => unitAt(4 * u, lanes));
    this.begin(pointers, units);
    const changing = new Map<Tree, boolean>();
    const changes = (tree: Tree): boolean => {
      let known = changing.get(tree);
      if (known === undefined) {
        const operands = operandsOf(tree);
        known = operands.length > 0 ? operands.some(changes) : isMoved(tree);
        changing.set(tree, known);
      }
      return known;
    };
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
        const shape = args[0]!.dtype === 'float64' ? 'f64x2' : 'f32x4';
        const often = !this.once && this.unit.lanes === 4;
        const math = (name: string, xs: readonly Expr[]): Expr => this.math.vector(this.f, name, shape, xs, often);
        const amount = operation.startsWith('sh') ? this.uniform(args[1]!) : undefined;
        const values = args.map((arg, i) => (amount && i === 1 ? [] : this.value(arg)));
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

  /** What a loop carries in the end. It runs for all units at once, which hides the latency of its operations. */
  private carriedBy(loop: LoopTree): readonly Vector[] {
    const known = this.unit.loops?.get(loop);
    if (known) return known;
    const { f, units } = this;
    const states = units.map((unit) =>
      this.within(unit, () => loop.args.map((arg) => (arg.kind === 'address' ? [] : this.value(arg).map(this.name)))),
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
      const [step, rowStep] = [this.step.get(arg)!, this.rowStep.get(arg) ?? 0];
      inside.addresses.set(loop.slots[i]!, { ptr: this.pointers.get(arg)!, step, rowStep });
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
      const [mask] = this.within(unit, () => this.value(test));
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
    const next = units.map((unit, u) =>
      this.within(unit, () => carried[u]!.map((_, i) => this.value(this.inputs.roots[i]!).map(fixed))),
    );
    ys.forEach(({ value: { dtype }, to }, i) => {
      const [value, bytes] = this.inputs.roots.slice(carried[0]!.length + 2 * i) as [Tree, Tree];
      const { ptr, step, rowStep } = this.addresses.get(to)!;
      const [distance] = this.within(units[0]!, () => this.value(bytes));
      const row = this.name(op('i32.add', ptr, lane('i32x4.extract_lane', 0, distance!)));
      for (const unit of units) {
        const vector = this.within(unit, () => this.value(value).map(this.name));
        storeLanes(f, dtype, row, vector, unit.at * step + unit.row * rowStep, step, unit.lanes);
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
    const behind = address ? this.unit.at * step + this.unit.row * address.rowStep : this.behind(from);
    const [distances] = this.value(bytes);
    if (!this.differs(bytes)) {
      const base = this.name(op('i32.add', ptr, lane('i32x4.extract_lane', 0, distances!)));
      return this.load(dtype, base, step, behind);
    }
    const named = this.name(distances!);
    return this.loadLanes(dtype, (i) => {
      const at = op('i32.add', ptr, lane('i32x4.extract_lane', i, named));
      const offset = behind + i * step;
      return offset >= 0 ? { ptr: at, offset } : { ptr: add(at, offset), offset: 0 };
    });
  }

  /** How far the unit under way is behind a stream's pointer. */
  private behind(leaf: Tree): number {
    return this.unit.at * this.step.get(leaf)! + this.unit.row * (this.rowStep.get(leaf) ?? 0);
  }

  private load(dtype: DType, ptr: Expr, step: number, offset: number): Vector {
    const base = offset < 0 ? op('i32.add', ptr, i32c(offset)) : ptr;
    const from = Math.max(offset, 0);
    if (step === 0) {
      if (dtype === 'bool') return [notZero(op('i32x4.splat', load('i32.load8_u', base, from)))];
      if (dtype !== 'float64') return [load('v128.load32_splat', base, from)];
      const both = this.name(load('v128.load64_splat', base, from));
      return [both, both];
    }
    const here = step < 0 && base.kind !== 'local' ? this.name(base) : base;
    if (step === laneBytes[dtype]) return loadVector(dtype, here, from, this.unit.lanes);
    return this.loadLanes(dtype, (i) =>
      step > 0 ? { ptr: here, offset: from + i * step } : { ptr: add(here, from + i * step), offset: 0 },
    );
  }

  /** One element after the other, each from where `at` says. */
  private loadLanes(dtype: DType, at: (lane: number) => { readonly ptr: Expr; readonly offset: number }): Vector {
    const { lanes } = this.unit;
    const read = (first: number, count: number, width: 8 | 32 | 64): Expr => {
      let result: Expr = i32x4c(0);
      for (let i = 0; i < count; i++) {
        const { ptr: p, offset: o } = at(first + i);
        const start = i === 0 && width !== 8;
        result = start ? load(`v128.load${width}_zero`, p, o) : loadLane(`v128.load${width}_lane`, p, result, i, o);
      }
      return result;
    };
    if (dtype === 'bool') return [widenBytes(read(0, lanes, 8))];
    if (dtype !== 'float64') return [read(0, lanes, 32)];
    return [read(0, Math.min(lanes, 2), 64), read(2, Math.max(lanes - 2, 0), 64)];
  }
}

const add = (x: Expr, n: number): Expr => (n === 0 ? x : op('i32.add', x, i32c(n)));
const notZero = (x: Expr): Expr => op('i32x4.ne', x, i32x4c(0));
/** Four bytes in the low word to four masks. */
const widenBytes = (x: Expr): Expr => notZero(op('i32x4.extend_low_i16x8_u', op('i16x8.extend_low_i8x16_u', x)));

/** The rows of a tile of up to four columns. */
function turn(columns: readonly Vector[], dtype: DType, name: (value: Expr) => Expr): Vector[] {
  const column = (i: number): Vector => columns[Math.min(i, columns.length - 1)]!;
  const bytesOf = (words: readonly number[], size: number): number[] =>
    words.flatMap((word) => Array.from({ length: size }, (_, i) => size * word + i));
  if (dtype === 'float64') {
    // The halves of a column hold rows 0 and 1, and rows 2 and 3.
    const pair = (half: number, row: number, first: number): Expr =>
      shuffle(column(first)[half]!, column(first + 1)[half]!, bytesOf([row, 2 + row], 8));
    return [0, 1, 2, 3].map((row) => [0, 2].map((first) => pair(row >> 1, row & 1, first)));
  }
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => column(i)[0]!) as [Expr, Expr, Expr, Expr];
  const low = (x: Expr, y: Expr): Expr => name(shuffle(x, y, bytesOf([0, 4, 1, 5], 4)));
  const high = (x: Expr, y: Expr): Expr => name(shuffle(x, y, bytesOf([2, 6, 3, 7], 4)));
  return [low, high].flatMap((half) => {
    const [first, second] = [half(a, b), half(c, d)];
    return [[shuffle(first, second, bytesOf([0, 1, 4, 5], 4))], [shuffle(first, second, bytesOf([2, 3, 6, 7], 4))]];
  });
}

/** Neighbouring elements; of a tail only those that exist. */
export function loadVector(dtype: DType, ptr: Expr, offset: number, lanes: number): Vector {
  if (dtype === 'bool') {
    if (lanes === 4) return [widenBytes(load('v128.load32_zero', ptr, offset))];
    let bytes: Expr = i32x4c(0);
    for (let i = 0; i < lanes; i++) bytes = loadLane('v128.load8_lane', ptr, bytes, i, offset + i);
    return [widenBytes(bytes)];
  }
  if (dtype === 'float64') {
    const second = lanes > 3 ? 'v128.load' : 'v128.load64_zero';
    return [
      load(lanes > 1 ? 'v128.load' : 'v128.load64_zero', ptr, offset),
      lanes > 2 ? load(second, ptr, offset + 16) : i32x4c(0),
    ];
  }
  if (lanes === 4) return [load('v128.load', ptr, offset)];
  if (lanes === 1) return [load('v128.load32_zero', ptr, offset)];
  const two = load('v128.load64_zero', ptr, offset);
  return [lanes === 2 ? two : loadLane('v128.load32_lane', ptr, two, 2, offset + 8)];
}

/** Writes `lanes` elements to successive places, `offset` bytes behind `ptr`. */
export function storeVector(
  f: FunctionBuilder,
  dtype: DType,
  ptr: Expr,
  value: Vector,
  offset: number,
  lanes: number,
): void {
  const [x, y] = value as [Expr, Expr];
  if (dtype === 'bool') {
    const ones = op('v128.and', x, i32x4c(1));
    const halves = op('i16x8.narrow_i32x4_u', ones, i32x4c(0));
    const bytes = op('i8x16.narrow_i16x8_u', halves, i32x4c(0));
    if (lanes === 4) f.storeLane('v128.store32_lane', ptr, bytes, 0, offset);
    else {
      const named = f.let(bytes);
      for (let i = 0; i < lanes; i++) f.storeLane('v128.store8_lane', ptr, named, i, offset + i);
    }
    return;
  }
  if (dtype === 'float64') {
    if (lanes === 1) f.storeLane('v128.store64_lane', ptr, x, 0, offset);
    else f.store('v128.store', ptr, x, offset);
    if (lanes === 3) f.storeLane('v128.store64_lane', ptr, y, 0, offset + 16);
    else if (lanes === 4) f.store('v128.store', ptr, y, offset + 16);
    return;
  }
  if (lanes === 4) {
    f.store('v128.store', ptr, x, offset);
    return;
  }
  const named = f.let(x);
  if (lanes >= 2) f.storeLane('v128.store64_lane', ptr, named, 0, offset);
  if (lanes !== 2) f.storeLane('v128.store32_lane', ptr, named, lanes - 1, offset + 4 * (lanes - 1));
}

/** Writes `lanes` elements `step` bytes apart. */
function storeLanes(
  f: FunctionBuilder,
  dtype: DType,
  ptr: Expr,
  value: Vector,
  offset: number,
  step: number,
  lanes: number,
): void {
  const width = dtype === 'bool' ? 8 : dtype === 'float64' ? 64 : 32;
  // A mask is −1 where true.
  const named = value.map((part) => f.let(dtype === 'bool' ? op('v128.and', part, i32x4c(1)) : part));
  for (let i = 0; i < lanes; i++) {
    const at = dtype === 'bool' ? 4 * i : dtype === 'float64' ? i % 2 : i;
    f.storeLane(`v128.store${width}_lane`, ptr, named[dtype === 'float64' ? i >> 1 : 0]!, at, offset + i * step);
  }
}

/** One lane of a vector as a rank-0 value. */
export function extractLane(dtype: DType, value: Vector, i: number): Expr {
  switch (dtype) {
    case 'float32':
      return lane('f32x4.extract_lane', i, value[0]!);
    case 'float64':
      return lane('f64x2.extract_lane', i % 2, value[i >> 1]!);
    case 'bool':
      return op('i32.and', lane('i32x4.extract_lane', i, value[0]!), i32c(1));
    default:
      return lane('i32x4.extract_lane', i, value[0]!);
  }
}
