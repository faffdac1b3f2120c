import { byteSize } from '../../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { type Expr, i32c, op } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';
import { runBlock } from './block.ts';
import { lowerEquation } from './equations.ts';
import { elementwiseTree } from './expressions/elementwise-tree.ts';
import { constant } from './expressions/scalar-code.ts';
import { scalarValue } from './expressions/scalar-eval.ts';
import { contiguous, type Fused, operationsOf, readBuffer, readScalar, storagesOf } from './expressions/tree.ts';
import type { Kernel } from './kernels/kernel.ts';
import { mapKernel } from './kernels/map-kernel.ts';
import type { StripLoop } from './kernels/strip-loop.ts';
import { type KernelCalls, ModuleWriter } from './module-writer.ts';
import type { Placement } from './passes/virtual.ts';
import { ColumnCopies } from './products/column-copies.ts';
import { ProductEnds } from './products/product-ends.ts';
import { Buffer, type Scalar, type Storage } from './storage.ts';

/** A value and the storage that it keeps alive. */
interface Bound {
  readonly fused: Fused;
  readonly storages: ReadonlySet<Storage>;
}

/** Where a result has to go. */
export type Destination = Buffer | undefined;

/** Where the results of a block that have to go somewhere go. */
export type Places = ReadonlyMap<Var, Buffer>;

/**
 * Writes a program's `main`: one kernel call after the other, loops and branches around them, and rank-0 values in
 * locals. Values are bound to trees; storing one means to emit a kernel.
 */
export class Driver extends ModuleWriter {
  /** Where loops of each lane stack rows that a result is a view of. */
  readonly stacked: Map<Var, Buffer> = new Map();
  /** Arrays that loops under way carry and write elements into. */
  readonly written: Set<Buffer> = new Set();
  /** Matrices that loops under way go over, copied by columns. */
  readonly columns: ColumnCopies = new ColumnCopies();
  /** Products of the block under way that end in the kernel of a group. */
  ends: ProductEnds = new ProductEnds();
  /** Kernels of the block under way that take turns. */
  strip: StripLoop | undefined;
  /** How often what is left of the block under way reads a value. */
  usesLeft: (v: Var) => number = () => 1;
  private readonly values = new Map<Var, Bound>();
  /** What operands that the equation under way has more than once were bound to. */
  private readonly replaced = new Map<Var, Storage[]>();

  bind(v: Var, fused: Fused): void {
    const storages = storagesOf(fused.root);
    for (const storage of storages) storage.retain();
    this.values.set(v, { fused, storages });
  }

  /** Binds to something else; what the old value alone kept alive goes. */
  rebind(v: Var, fused: Fused): void {
    const old = this.values.get(v);
    this.bind(v, fused);
    if (!old) return;
    const later = this.replaced.get(v);
    if (later) later.push(...old.storages);
    else for (const storage of old.storages) storage.release();
  }

  /** What operands of the equation under way are bound to, and were before they were stored for it. */
  storagesOfOperands({ inputs }: Eqn): Set<Storage> {
    return new Set(
      inputs.flatMap((atom) => [
        ...storagesOf(this.fused(atom).root),
        ...(atom instanceof Literal ? [] : (this.replaced.get(atom) ?? [])),
      ]),
    );
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

  /** The rank-0 value of an atom as a local or constant. */
  scalar(atom: Atom): Expr {
    const { root } = this.fused(atom);
    if (root.kind === 'const') return constant(root.value, root.dtype);
    if (root.kind === 'scalar') return root.scalar.expr;
    const scalar = this.evaluateScalar(this.fused(atom));
    this.rebind(atom as Var, readScalar(scalar));
    return scalar.expr;
  }

  evaluateScalar({ root }: Fused): Scalar {
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

  /** The value of an elementwise equation as an expression. */
  element(eqn: Eqn): Fused {
    return elementwiseTree(
      eqn,
      eqn.inputs.map((atom) => this.fused(atom).root),
    );
  }

  // Kernels

  override run(kernel: Kernel): void {
    this.strip?.giveUp();
    super.run(kernel);
  }

  override inTurn(calls: KernelCalls, release: () => void): void {
    if (!this.strip?.defer(calls, release)) super.inTurn(calls, release);
  }

  // Results

  /** Where a result goes: its destination, or a place of its own. */
  placeFor(out: Var, places: Places): Buffer {
    return places.get(out) ?? this.temporary(out.aval.dtype, out.aval.size);
  }

  /** Stores an array, at its destination if it has one. */
  keep(out: Var, fused: Fused, places: Places): void {
    const place = this.placeFor(out, places);
    this.store(fused, place.ptr);
    this.bind(out, readBuffer(place, fused.shape));
  }

  /** The same of what is computed element by element, perhaps in turn with other kernels. */
  keepElements(out: Var, { root, shape }: Fused, places: Places): void {
    if (!this.strip?.isOver(shape)) {
      this.keep(out, { root, shape }, places);
      return;
    }
    const place = this.strip.placeFor(out) ?? this.placeFor(out, places);
    const calls = this.callsOf(mapKernel([{ root, ptr: place.ptr }], shape));
    if (!this.notes.has(calls.name)) this.notes.set(calls.name, `over [${shape}]: ${operationsOf(root)}`);
    this.inTurn(calls, () => {});
    this.bind(out, readBuffer(place, shape));
  }

  /** A rank-0 result that a function left in memory. */
  loadResult(out: Var, place: Buffer): void {
    place.retain();
    this.bind(out, readScalar(this.newScalar(out.aval.dtype, loadElement(out.aval.dtype, place.ptr))));
    place.release();
  }

  /** Binds the results that a function left in memory. */
  loadResults(outs: readonly Var[], places: readonly Buffer[]): void {
    outs.forEach((v, i) => {
      if (v.aval.ndim === 0) this.loadResult(v, places[i]!);
      else this.bind(v, readBuffer(places[i]!, v.aval.shape));
    });
  }

  // Programs

  /** Executes equations whose inputs are bound. */
  block(
    program: readonly Eqn[],
    outs: readonly Atom[],
    destinations: readonly Destination[],
    release?: () => void,
  ): void {
    runBlock(this, program, outs, destinations, release);
  }

  /**
   * Executes an equation by itself. An operand that it has twice may be read as it is in one place and be stored for the other, which binds it
   * to a copy: all that it was bound to lasts until the equation is done.
   */
  equation(eqn: Eqn, placement: Placement, places: Places): void {
    const variables = repeated(eqn.inputs).filter((v) => !this.replaced.has(v));
    for (const v of variables) this.replaced.set(v, []);
    lowerEquation(this, eqn, placement, places);
    for (const v of variables) {
      for (const storage of this.replaced.get(v)!) storage.release();
      this.replaced.delete(v);
    }
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

/** Variables that are in a list more than once. */
const repeated = (atoms: readonly Atom[]): Var[] => [
  ...new Set(atoms.filter((atom, i): atom is Var => !(atom instanceof Literal) && atoms.indexOf(atom) < i)),
];
