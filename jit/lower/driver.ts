import type { ShapedArray } from '../../src/core/aval.ts';
import type { DType } from '../../src/core/dtype.ts';
import { byteSize } from '../../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import { sizeOf, stridesOf } from '../../src/core/shape.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  type ImportedFunc,
  i32c,
  type Local,
  op,
  type Stmt,
  type Target,
} from '../code.ts';
import { hash } from '../hash.ts';
import { loadElement, storeElement } from '../loop-nest.ts';
import type { DotDimensions, KernelContext, LowerRule, Operand, RuntimeArgument } from '../lower-rule.ts';
import type { CallbackSite, Slot } from '../program.ts';
import { runtimeImport } from '../runtime/signatures.ts';
import { encodeFunction } from '../wire.ts';
import { identityOf } from './combine.ts';
import { axesOf, isMatrix, productOf, type Side } from './dot-code.ts';
import { elementwiseTree } from './elementwise-tree.ts';
import { FramePlan } from './frame-plan.ts';
import { gatherTree } from './gather-tree.ts';
import { runGroup } from './group.ts';
import { HeldExpression, type HeldRoot } from './held-expression.ts';
import type { Kernel } from './kernel.ts';
import { Locals } from './locals.ts';
import { lowerCond, lowerScan, lowerWhile } from './loops.ts';
import { mapKernel, type Store } from './map-kernel.ts';
import { multiply, multiplyInto } from './multiply.ts';
import { findEpilogues } from './passes/epilogues.ts';
import { Group, groupEquations } from './passes/groups.ts';
import { equationsOf, rowPasses } from './passes/row-passes.ts';
import { splitLoops } from './passes/split-loops.ts';
import { takeOver } from './passes/take-over.ts';
import { type Placement, placeValues } from './passes/virtual.ts';
import { RowPasses } from './row-pass.ts';
import { constant } from './scalar-code.ts';
import { scalarValue } from './scalar-eval.ts';
import { lowerScatter } from './scatter.ts';
import { Buffer, Scalar, type Storage, scalarType } from './storage.ts';
import {
  contiguous,
  type Fused,
  type HeldLeaf,
  readBuffer,
  readScalar,
  reshaped,
  storagesOf,
  type Tree,
  treeSize,
  viewed,
} from './tree.ts';

/** A value and the storage that it keeps alive. */
export interface Bound {
  readonly fused: Fused;
  readonly storages: ReadonlySet<Storage>;
}

/** The function behind a callback, and the types of what it is called with. */
export interface Handler {
  readonly handler: (...args: unknown[]) => void;
  readonly avals: readonly ShapedArray[];
}

/** Where a result has to go. */
export type Destination = Buffer | undefined;

/** Beyond this many nodes a value is stored rather than computed where it is read. */
export const largestTree = 200;

/**
 * Writes a program's `main`: one kernel call after the other, loops and branches around them, and rank-0 values in
 * locals. Values are bound to trees; storing one means to emit a kernel.
 */
export class Driver {
  readonly f: FunctionBuilder = new FunctionBuilder('main', ['i32'], 'i32');
  readonly frame: Local = this.f.param(0);
  readonly locals: Locals = new Locals(this.f);
  readonly plan: FramePlan;
  readonly target: Target;
  readonly functions: Func[] = [];
  readonly imports: Map<string, ImportedFunc> = new Map();
  readonly math: Set<string> = new Set();
  readonly callbacks: CallbackSite[] = [];
  readonly handlers: Handler[] = [];
  /** What kernels compute, by their names. */
  readonly notes: Map<string, string> = new Map();
  /** Loops that may run long, to become functions of their own; and how many are around what is being written. */
  readonly longLoops: Set<Stmt> = new Set();
  loopDepth = 0;
  /** Where loops of each lane stack rows that a result is a view of. */
  readonly stacked: Map<Var, Buffer> = new Map();
  /** Arrays that loops under way carry and write elements into. */
  readonly written: Set<Buffer> = new Set();
  /** Products of the block under way that end in the kernel of a group, and those groups whose product is due. */
  private epilogues: ReadonlyMap<Eqn, Group> = new Map();
  private readonly deferred = new Map<Group, (roots: readonly HeldRoot[]) => void>();
  private readonly names = new Map<string, string>();
  private readonly values = new Map<Var, Bound>();

  /** How often what is left of the block under way reads a value. */
  usesLeft: (v: Var) => number = () => 1;

  constructor(slotBytes: number, target: Target) {
    this.plan = new FramePlan(slotBytes);
    this.target = target;
  }

  // Values

  bind(v: Var, fused: Fused): void {
    const storages = storagesOf(fused.root);
    for (const storage of storages) storage.retain();
    this.values.set(v, { fused, storages });
  }

  /** Binds to something else; what the old value alone kept alive goes. */
  rebind(v: Var, fused: Fused): void {
    const old = this.values.get(v);
    this.bind(v, fused);
    if (old) for (const storage of old.storages) storage.release();
  }

  unbind(v: Var): void {
    const bound = this.values.get(v);
    if (!bound) return;
    this.values.delete(v);
    for (const storage of bound.storages) storage.release();
  }

  isBound(v: Var): boolean {
    return this.values.has(v);
  }

  /** Whether anything reads the result of an equation of the block under way. */
  isRead(v: Var): boolean {
    return this.usesLeft(v) > 0;
  }

  /** Before an array is overwritten: what is yet to be computed from it is stored elsewhere, `x` unless it ends here. */
  protect(place: Buffer, x?: Atom, ends = false): void {
    for (const [v, { fused, storages }] of [...this.values]) {
      if (!storages.has(place) || (v === x && ends)) continue;
      const copy = this.temporary(fused.root.dtype, sizeOf(fused.shape));
      this.store(fused, copy.ptr);
      this.rebind(v, readBuffer(copy, fused.shape));
    }
  }

  fused(atom: Atom): Fused {
    if (atom instanceof Literal)
      return { shape: [], root: { kind: 'const', dtype: atom.aval.dtype, value: atom.value } };
    const bound = this.values.get(atom);
    if (!bound) throw new Error(`a variable of type ${atom.aval} has no value`);
    return bound.fused;
  }

  /** A place in the frame, given back with its last user. */
  temporary(dtype: DType, length: number): Buffer {
    const place = this.plan.allocate(length * byteSize(dtype));
    return new Buffer(dtype, length, this.at(place.offset), () => this.plan.free(place));
  }

  /** Bytes of the frame while `use` runs. */
  withScratch<T>(bytes: number, use: (ptr: Expr) => T): T {
    if (bytes === 0) return use(i32c(0));
    const place = this.plan.allocate(bytes);
    try {
      return use(this.at(place.offset));
    } finally {
      this.plan.free(place);
    }
  }

  at(offset: number): Expr {
    return op('i32.add', this.frame, i32c(offset));
  }

  /** A rank-0 value in a local of its own. */
  newScalar(dtype: DType, value: Expr): Scalar {
    if (value.kind === 'const') return new Scalar(dtype, value);
    const local = this.locals.hold(value);
    return new Scalar(dtype, local, () => this.locals.give(local));
  }

  /** The rank-0 value of an atom as a local or constant. */
  scalar(atom: Atom): Expr {
    const { root } = this.fused(atom);
    if (root.kind === 'const') return constant(root.value, root.dtype);
    if (root.kind === 'scalar') return root.scalar.expr;
    const scalar = this.evaluateScalar(this.fused(atom));
    this.rebind(atom as Var, readScalar(scalar));
    return scalar.expr;
  }

  private evaluateScalar({ root }: Fused): Scalar {
    return this.locals.within((name) => this.newScalar(root.dtype, scalarValue(root, name, this.useMath)));
  }

  /** A contiguous array that holds the value; stores it first if it is not in memory. Rank 0 as well. */
  buffer(atom: Atom): Buffer {
    const fused = this.fused(atom);
    const leaf = contiguous(fused);
    if (leaf) return this.part(leaf.buffer, leaf.offset, sizeOf(fused.shape));
    const stored = this.temporary(fused.root.dtype, sizeOf(fused.shape));
    this.store(fused, stored.ptr);
    if (atom instanceof Literal) throw new Error('a literal has no address');
    this.rebind(atom, readBuffer(stored, fused.shape));
    return stored;
  }

  private part(buffer: Buffer, offset: number, length: number): Buffer {
    if (offset === 0 && length === buffer.length) return buffer;
    const bytes = offset * byteSize(buffer.dtype);
    return new Buffer(buffer.dtype, length, bytes === 0 ? buffer.ptr : op('i32.add', buffer.ptr, i32c(bytes)));
  }

  /** Writes the value to memory, row-major. */
  store(fused: Fused, ptr: Expr): void {
    const { shape, root } = fused;
    const size = sizeOf(shape);
    if (size === 0) return;
    if (shape.length === 0) {
      this.locals.within((name) => storeElement(this.f, root.dtype, ptr, scalarValue(root, name, this.useMath)));
      return;
    }
    const leaf = contiguous(fused);
    if (leaf) {
      const from = this.part(leaf.buffer, leaf.offset, size);
      if (from.ptr !== ptr) this.f.copy(ptr, from.ptr, i32c(from.bytes));
      return;
    }
    this.run(mapKernel([{ root, ptr }], shape));
  }

  // Functions

  readonly useMath = (fn: string, type: 'f32' | 'f64' | 'f32x4' | 'f64x2'): string => {
    this.math.add(`${fn}_${type}`);
    return `${fn}_${type}`;
  };

  /** Adds a function to the module; equal ones are one. */
  define(func: Func): string {
    const key = hash(encodeFunction(func));
    let name = this.names.get(key);
    if (!name) {
      name = `k${this.functions.length}`;
      this.names.set(key, name);
      this.functions.push({ ...func, name });
    }
    return name;
  }

  /** Calls a function of the runtime module. */
  callRuntime(name: string, args: readonly Expr[]): void {
    this.f.call(this.runtime(name, args.length), ...args);
  }

  runtime(name: string, parameters: number): string {
    if (!this.imports.has(name)) this.imports.set(name, runtimeImport(name, parameters));
    return name;
  }

  /** Calls a kernel without a result. */
  run(kernel: Kernel): void {
    const name = this.declare(kernel);
    const { range } = kernel;
    if (!range) {
      this.f.call(name, ...kernel.args);
      return;
    }
    this.inChunks(range, (begin, end) => this.f.call(name, begin, end, ...kernel.args));
  }

  declare(kernel: Kernel): string {
    for (const name of kernel.math) this.math.add(name);
    return this.define(kernel.func);
  }

  inChunks(
    { extent, chunk }: { readonly extent: number; readonly chunk: number },
    call: (begin: Expr, end: Expr) => void,
  ): void {
    const { f, locals } = this;
    const begin = locals.hold(i32c(0));
    const end = locals.take('i32');
    f.while(op('i32.lt_s', begin, i32c(extent)), () => {
      f.set(end, op('i32.add', begin, i32c(chunk)));
      f.if(op('i32.gt_s', end, i32c(extent)), () => f.set(end, i32c(extent)));
      call(begin, end);
      f.set(begin, end);
    });
    locals.give(begin);
    locals.give(end);
  }

  // Programs

  /**
   * Executes a program whose inputs are bound. Array results with a destination are put there: where possible they are
   * computed in place. Afterwards `outs` are bound until `release`.
   */
  block(
    program: readonly Eqn[],
    outs: readonly Atom[],
    destinations: readonly Destination[],
    release?: () => void,
  ): void {
    const eqns = splitLoops(program, outs);
    const uses = new Map<Var, number>();
    const outer = this.usesLeft;
    this.usesLeft = (v) => uses.get(v) ?? 0;
    const use = (atom: Atom): void => {
      if (!(atom instanceof Literal)) uses.set(atom, (uses.get(atom) ?? 0) + 1);
    };
    for (const eqn of eqns) eqn.inputs.forEach(use);
    outs.forEach(use);
    const places = new Map<Var, Buffer>();
    outs.forEach((atom, i) => {
      const place = destinations[i];
      if (place && !(atom instanceof Literal) && !places.has(atom)) places.set(atom, place);
    });
    let steps = groupEquations(eqns, outs);
    let placement = placeValues(steps, outs);
    // A product that waits would find its operands overwritten.
    const waits = !destinations.some((place) => place && this.written.has(place));
    const found = waits ? rowPasses(eqns, outs, placement.virtual) : [];
    if (found.length > 0) {
      // What is done while rows of a matrix go by is in no group.
      steps = groupEquations(eqns, outs, new Set(found.flatMap(equationsOf)));
      placement = placeValues(steps, outs);
    }
    const passes = new RowPasses(this, found);
    const outerEpilogues = this.epilogues;
    const inPasses = new Set(found.flatMap(equationsOf));
    this.epilogues = findEpilogues(
      [
        ...eqns.filter((eqn) => waits && eqn.primitive.lower.kind === 'dot' && !inPasses.has(eqn)),
        ...found.filter((pass) => pass.short).map((pass) => pass.second),
      ],
      steps,
      outs,
      placement,
    );
    takeOver(steps, placement, places, this.usesLeft, this.stacked, new Set(this.epilogues.values()));
    const drop = (atom: Atom): void => {
      if (atom instanceof Literal) return;
      const left = uses.get(atom)! - 1;
      uses.set(atom, left);
      if (left === 0) this.unbind(atom);
    };
    for (const step of steps) {
      const done = step instanceof Group ? step.members : [step];
      if (step instanceof Group) runGroup(this, step, placement, places);
      else if (!passes.lower(step, places)) this.equation(step, placement, places);
      for (const eqn of done) eqn.inputs.forEach(drop);
      for (const eqn of done) for (const v of eqn.outputs) if (!uses.get(v)) this.unbind(v);
    }
    outs.forEach((atom, i) => {
      const place = destinations[i];
      if (!place) return;
      if (contiguous(this.fused(atom))?.buffer === place) return;
      this.protect(place);
      this.store(this.fused(atom), place.ptr);
    });
    release?.();
    outs.forEach(drop);
    this.usesLeft = outer;
    this.epilogues = outerEpilogues;
  }

  /**
   * Puts a product off until the kernel is written that reads its result, if there is but one: `run` gets what that
   * kernel computes. Until then the result is bound to what the product's kernel will hold.
   */
  defer(product: Eqn, run: (behind: HeldExpression) => void): boolean {
    const group = this.epilogues.get(product);
    if (!group) return false;
    const { aval } = product.outputs[0]!;
    const leaf: HeldLeaf = { kind: 'held', dtype: aval.dtype };
    this.bind(product.outputs[0]!, { shape: aval.shape, root: leaf });
    this.deferred.set(group, (roots) => run(new HeldExpression(leaf, roots)));
    return true;
  }

  /** Whether the kernel of a group is the end of a product. */
  endsProduct(group: Group): boolean {
    return this.deferred.has(group);
  }

  /**
   * Writes the kernel of a group without folds: at the end of the product that it waits for, or one of its own. Returns
   * whether there is a product.
   */
  elementwise(group: Group, stores: readonly Store[], effects: readonly Tree[]): boolean {
    const product = this.deferred.get(group);
    if (!product) {
      this.run(mapKernel(stores, group.shape, effects));
      return false;
    }
    this.deferred.delete(group);
    product(stores);
    return true;
  }

  equation(eqn: Eqn, placement: Placement, places: ReadonlyMap<Var, Buffer>): void {
    const rule = eqn.primitive.lower as LowerRule<unknown>;
    const { virtual } = placement;
    const [out] = eqn.outputs;
    switch (rule.kind) {
      case 'elementwise': {
        const fused = this.element(eqn);
        if (fused.shape.length === 0) this.bind(out!, readScalar(this.evaluateScalar(fused)));
        else if (virtual.has(out!) && treeSize(fused.root) <= largestTree) this.bind(out!, fused);
        else this.keep(out!, fused, places);
        return;
      }
      case 'gather': {
        const fused = gatherTree(this, eqn);
        if (fused.shape.length === 0) this.bind(out!, readScalar(this.evaluateScalar(fused)));
        else if (virtual.has(out!) && treeSize(fused.root) <= largestTree) this.bind(out!, fused);
        else this.keep(out!, fused, places);
        return;
      }
      case 'scatter':
        lowerScatter(this, eqn, places);
        return;
      case 'view':
        this.move(
          eqn,
          (x) => viewed(x, rule.view(eqn.params, eqn.inputs[0]!.aval, out!.aval), out!.aval.shape),
          virtual,
          places,
        );
        return;
      case 'reshape':
        this.move(eqn, (x) => reshaped(x, out!.aval.shape), virtual, places);
        return;
      case 'reduce':
        this.reduce(eqn, rule, placement, places);
        return;
      case 'dot':
        this.dot(eqn, rule.dimensions(eqn.params), places);
        return;
      case 'kernel':
        this.kernel(eqn, rule, places);
        return;
      case 'runtime':
        this.runtimeCalls(eqn, rule, places);
        return;
      case 'callback':
        this.callback(eqn, rule.handler(eqn.params));
        return;
      case 'cond':
        lowerCond(this, eqn, rule.branches(eqn.params), places);
        return;
      case 'while':
        lowerWhile(this, eqn, rule.loop(eqn.params), places);
        return;
      case 'scan':
        lowerScan(this, eqn, rule.loop(eqn.params), places);
        return;
      default:
        throw new Error(`${eqn.primitive.name} was not inlined`);
    }
  }

  /** The value of an elementwise equation as an expression. */
  element(eqn: Eqn): Fused {
    return elementwiseTree(
      eqn,
      eqn.inputs.map((atom) => this.fused(atom).root),
    );
  }

  /** Stores an array, at its destination if it has one. */
  private keep(out: Var, fused: Fused, places: ReadonlyMap<Var, Buffer>): void {
    const place = this.placeFor(out, places);
    this.store(fused, place.ptr);
    this.bind(out, readBuffer(place, fused.shape));
  }

  placeFor(out: Var, places: ReadonlyMap<Var, Buffer>): Buffer {
    return places.get(out) ?? this.temporary(out.aval.dtype, out.aval.size);
  }

  private move(
    eqn: Eqn,
    change: (x: Fused) => Fused | undefined,
    virtual: ReadonlySet<Var>,
    places: ReadonlyMap<Var, Buffer>,
  ): void {
    const [input] = eqn.inputs as [Atom];
    const out = eqn.outputs[0]!;
    let moved = change(this.fused(input));
    if (!moved) {
      this.buffer(input);
      moved = change(this.fused(input))!;
    }
    if (out.aval.ndim === 0) this.bind(out, readScalar(this.evaluateScalar(moved)));
    else if (virtual.has(out)) this.bind(out, moved);
    else if (places.has(out) && contiguous(moved)?.buffer !== places.get(out)) this.keep(out, moved, places);
    // A result without a destination is copied by whoever takes it.
    else this.bind(out, moved);
  }

  /** Folds of nothing, and of one element each; others are in groups. */
  private reduce(
    eqn: Eqn,
    rule: Extract<LowerRule<unknown>, { kind: 'reduce' }>,
    placement: Placement,
    places: ReadonlyMap<Var, Buffer>,
  ): void {
    const { dtype, shape } = eqn.outputs[0]!.aval;
    if (eqn.inputs[0]!.aval.size > 0) {
      this.move(eqn, (x) => reshaped(x, shape), placement.virtual, places);
      return;
    }
    const fused: Fused = { shape, root: { kind: 'const', dtype, value: identityOf(rule.combine, dtype) } };
    if (shape.length === 0) this.bind(eqn.outputs[0]!, fused);
    else this.keep(eqn.outputs[0]!, fused, places);
  }

  private dot(eqn: Eqn, d: DotDimensions, places: ReadonlyMap<Var, Buffer>): void {
    const out = eqn.outputs[0]!;
    const { dtype, shape } = out.aval;
    const [x, y] = eqn.inputs as [Atom, Atom];
    let into: ((c: Expr) => void) | undefined;
    if (sizeOf(shape) > 0) {
      const [a, b] = [this.matrix(x, d.lhsBatch, d.lhsContract), this.matrix(y, d.rhsBatch, d.rhsContract)];
      const product = productOf(a.side, b.side, d);
      if (this.epilogues.has(eqn) && multiplyInto(this, eqn, product, a.ptr, b.ptr)) return;
      into = (c) => multiply(this, product, dtype, a.ptr, b.ptr, c);
    }
    const place = this.placeFor(out, places);
    into?.(place.ptr);
    if (shape.length > 0) this.bind(out, readBuffer(place, shape));
    else this.loadResult(out, place);
  }

  /** A rank-0 result that a function left in memory. */
  loadResult(out: Var, place: Buffer): void {
    place.retain();
    this.bind(out, readScalar(this.newScalar(out.aval.dtype, loadElement(out.aval.dtype, place.ptr))));
    place.release();
  }

  /** An operand of a product: read where it lies if its axes step evenly, else from a contiguous copy. */
  matrix(atom: Atom, batch: readonly number[], contract: readonly number[]): { side: Side; ptr: Expr } {
    const { shape, root } = this.fused(atom);
    if (root.kind === 'array') {
      const side = { shape, strides: root.strides };
      if (isMatrix(side, axesOf(shape.length, batch, contract))) {
        const bytes = root.offset * byteSize(root.dtype);
        return { side, ptr: bytes === 0 ? root.buffer.ptr : op('i32.add', root.buffer.ptr, i32c(bytes)) };
      }
    }
    const side = { shape, strides: stridesOf(shape) };
    if (isMatrix(side, axesOf(shape.length, batch, contract))) return { side, ptr: this.operandPointer(atom) };
    // Copied with the free axes before the contracted ones, both then in one piece.
    const axes = axesOf(shape.length, batch, contract);
    const order = [...axes.batch, ...axes.free, ...axes.contract];
    const own = stridesOf(shape);
    const permuted = viewed(
      this.fused(atom),
      { offset: 0, strides: order.map((axis) => own[axis]!) },
      order.map((axis) => shape[axis]!),
    );
    const copy = this.temporary(root.dtype, sizeOf(shape));
    this.store(permuted, copy.ptr);
    const packed = stridesOf(permuted.shape);
    const strides = shape.map((_, axis) => packed[order.indexOf(axis)]!);
    const fused: Fused = { shape, root: { kind: 'array', dtype: root.dtype, buffer: copy, offset: 0, strides } };
    this.rebind(atom as Var, fused);
    return { side: { shape, strides }, ptr: copy.ptr };
  }

  private operandPointer(atom: Atom): Expr {
    if (!(atom instanceof Literal)) return this.buffer(atom).ptr;
    const place = this.temporary(atom.aval.dtype, 1);
    this.store(this.fused(atom), place.ptr);
    return place.ptr;
  }

  private kernel(
    eqn: Eqn,
    rule: Extract<LowerRule<unknown>, { kind: 'kernel' }>,
    places: ReadonlyMap<Var, Buffer>,
  ): void {
    const scalars = eqn.inputs.map((atom) => atom.aval.ndim === 0);
    const args = eqn.inputs.map((atom, i) => (scalars[i] ? this.scalar(atom) : this.buffer(atom).ptr));
    const outs = eqn.outputs.map((v) => this.placeFor(v, places));
    const inputTypes = eqn.inputs.map((atom, i) => (scalars[i] ? scalarType(atom.aval.dtype) : 'i32'));
    const f = new FunctionBuilder('', [...inputTypes, ...outs.map(() => 'i32' as const), 'i32']);
    let scratch = 0;
    const base = f.param(args.length + outs.length);
    const context: KernelContext = {
      f,
      target: this.target,
      scratch: (bytes) => {
        const start = scratch;
        scratch += Math.ceil(bytes / 16) * 16;
        return start === 0 ? base : op('i32.add', base, i32c(start));
      },
      math: this.useMath,
    };
    const inputs: Operand[] = eqn.inputs.map((atom, i) => {
      const { aval } = atom;
      const param = f.param(i);
      return scalars[i]
        ? { aval, shape: aval.shape, ptr: i32c(0), value: param }
        : { aval, shape: aval.shape, ptr: param };
    });
    const outputs: Operand[] = eqn.outputs.map(({ aval }, i) => ({
      aval,
      shape: aval.shape,
      ptr: f.param(args.length + i),
    }));
    rule.build(context, inputs, outputs, eqn.params);
    const name = this.define(f.build());
    this.withScratch(scratch, (ptr) => this.f.call(name, ...args, ...outs.map((out) => out.ptr), ptr));
    eqn.outputs.forEach((v, i) => {
      if (v.aval.ndim === 0) this.loadResult(v, outs[i]!);
      else this.bind(v, readBuffer(outs[i]!, v.aval.shape));
    });
  }

  private runtimeCalls(
    eqn: Eqn,
    rule: Extract<LowerRule<unknown>, { kind: 'runtime' }>,
    places: ReadonlyMap<Var, Buffer>,
  ): void {
    const avals = (atoms: readonly Atom[]): ShapedArray[] => atoms.map(({ aval }) => aval);
    const { scratch, calls } = rule.calls(eqn.params, avals(eqn.inputs), avals(eqn.outputs));
    const inputs = eqn.inputs.map((atom) => this.buffer(atom));
    const outputs = eqn.outputs.map((v) => this.placeFor(v, places));
    this.withScratch(scratch, (base) => {
      const address = (x: RuntimeArgument): Expr => {
        if (typeof x === 'number') return i32c(x);
        if ('input' in x) return inputs[x.input]!.ptr;
        return 'output' in x ? outputs[x.output]!.ptr : op('i32.add', base, i32c(x.scratch));
      };
      for (const { name, args } of calls) this.callRuntime(name, args.map(address));
    });
    eqn.outputs.forEach((v, i) => {
      if (v.aval.ndim === 0) this.loadResult(v, outputs[i]!);
      else this.bind(v, readBuffer(outputs[i]!, v.aval.shape));
    });
  }

  private callback(eqn: Eqn, handler: (...args: unknown[]) => void): void {
    const { f } = this;
    const slots: Slot[] = eqn.inputs.map(({ aval }, i) => ({ offset: 8 * i, dtype: aval.dtype, shape: aval.shape }));
    const values = eqn.inputs.map((atom) => (atom.aval.ndim === 0 ? this.scalar(atom) : this.buffer(atom).ptr));
    const id = this.callbacks.length;
    this.callbacks.push({ id, arguments: slots });
    this.handlers.push({ handler, avals: eqn.inputs.map((atom) => atom.aval) });
    if (!this.imports.has('callback'))
      this.imports.set('callback', {
        name: 'callback',
        module: 'host',
        base: 'callback',
        params: ['i32', 'i32'],
        result: 'i32',
      });
    this.withScratch(Math.max(8 * slots.length, 8), (ptr) => {
      values.forEach((value, i) => {
        f.store(`${value.type}.store`, ptr, value, 8 * i);
      });
      f.if({ kind: 'call', type: 'i32', fn: 'callback', args: [i32c(id), ptr] }, () => f.return(i32c(1)));
    });
  }

  /** Runs a sub-program with its inputs bound to values of this one. */
  inner(jaxpr: Jaxpr, inputs: readonly Fused[], destinations: readonly Destination[], release: () => void): void {
    jaxpr.inVars.forEach((v, i) => {
      this.bind(v, inputs[i]!);
    });
    const used = new Set<Atom>([...jaxpr.outs, ...jaxpr.eqns.flatMap((eqn) => eqn.inputs)]);
    for (const v of jaxpr.inVars) if (!used.has(v)) this.unbind(v);
    this.block(jaxpr.eqns, jaxpr.outs, destinations, release);
  }
}
