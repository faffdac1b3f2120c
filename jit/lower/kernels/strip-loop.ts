import { Var } from '../../../src/core/jaxpr.ts';
import { type Shape, sameShape } from '../../../src/core/shape.ts';
import { i32c, type Local, op } from '../../wasm/code.ts';
import { commonMultiple } from '../common-multiple.ts';
import type { Driver, Places } from '../driver.ts';
import { storagesOf } from '../expressions/tree.ts';
import type { KernelCalls } from '../module-writer.ts';
import { type Group, squeezed } from '../passes/groups.ts';
import type { Strip } from '../passes/strips.ts';
import { Buffer, type Storage } from '../storage.ts';

/** What waits for its turn, and is left to do afterwards. */
interface Waiting {
  readonly calls: KernelCalls;
  readonly release: () => void;
}

/** A result of which no more than a part need be there at a time: it is read as if all of it began at `base`. */
interface Part {
  readonly base: Local;
  readonly whole: Buffer;
  /** The numbers of the call that writes it, and of the last one that reads it. */
  readonly writtenBy: number;
  readBy: number;
  memory?: Buffer;
}

/** The loop that kernels share: its steps, and how many of its own steps each kernel does in one of them. */
interface Turns {
  readonly extent: number;
  readonly chunk: number;
  readonly factors: readonly number[];
}

/**
 * The kernels of a strip, which wait until the last of them is known; what they read is kept until then. They take turns where their
 * loops allow it, and otherwise are called one after the other.
 */
export class StripLoop {
  private readonly d: Driver;
  private readonly strip: Strip;
  private readonly waiting: Waiting[] = [];
  private readonly parts: Part[] = [];
  private readonly kept: Storage[] = [];
  private waits = true;
  private isLast = false;
  /** The group whose values are being computed. */
  private within: Group | undefined;
  private takesTurns = false;

  constructor(d: Driver, strip: Strip) {
    this.d = d;
    this.strip = strip;
  }

  /** Before the kernel of a group is written. */
  enter(group: Group, places: Places): void {
    this.within = group;
    this.isLast = group === this.strip.groups.at(-1);
    const overwrites = group.members.some((eqn) => eqn.outputs.some((v) => this.kept.includes(places.get(v)!)));
    if (overwrites) this.giveUp();
  }

  /** When it has been: what it reads is kept, as it may wait. Undefined behind the last one. */
  leave(group: Group): StripLoop | undefined {
    this.within = undefined;
    if (this.isLast) {
      this.finish();
      if (this.takesTurns) this.describe();
      return undefined;
    }
    if (!this.waits) return this;
    for (const storage of this.operands(group)) this.keep(storage);
    this.markRead(group);
    return this;
  }

  /** Whether a value of the group under way is one for each element of the strip. */
  isOver(shape: Shape): boolean {
    return this.within !== undefined && sameShape(squeezed(shape), this.within.shape);
  }

  /** Where a value goes that only kernels of the strip read. */
  placeFor(v: Var): Buffer | undefined {
    if (!this.waits || !this.strip.inner.has(v)) return undefined;
    const { locals } = this.d;
    const base = locals.hold(i32c(0));
    const part: Part = {
      base,
      writtenBy: this.waiting.length,
      readBy: this.waiting.length,
      whole: new Buffer(v.aval.dtype, v.aval.size, base, () => {
        part.memory?.release();
        locals.give(base);
      }),
    };
    this.keep(part.whole);
    this.parts.push(part);
    return part.whole;
  }

  /** Has a kernel wait, unless it is the last one; false if whoever has it is to call it. */
  defer(calls: KernelCalls, release: () => void): boolean {
    if (!this.waits) return false;
    this.waiting.push({ calls, release });
    if (this.isLast) {
      this.markRead(this.within!);
      this.finish();
    }
    return true;
  }

  /** Calls what waits, as something else is to be done before the next kernel. */
  giveUp(): void {
    this.finish(false);
  }

  private finish(mayTakeTurns = true): void {
    if (!this.waits) return;
    this.waits = false;
    const turns = mayTakeTurns ? this.turns() : undefined;
    this.takesTurns = turns !== undefined;
    if (turns) this.inTurn(turns);
    else this.oneByOne();
    for (const { release } of this.waiting) release();
    for (const storage of this.kept) storage.release();
  }

  /** Says in the notes of its kernels with which others each takes turns. */
  private describe(): void {
    const { notes } = this.d;
    const names = new Set(this.waiting.map(({ calls }) => calls.name));
    for (const name of names) {
      const others = [...names].filter((other) => other !== name);
      if (others.length > 0) notes.set(name, `${notes.get(name)}, in turn with ${others.join(' and ')}`);
    }
  }

  private operands({ members }: Group): Set<Storage> {
    const { d } = this;
    const atoms = members.flatMap((eqn) => eqn.inputs).filter((atom) => atom instanceof Var && d.isBound(atom));
    return new Set(atoms.flatMap((atom) => [...storagesOf(d.fused(atom).root)]));
  }

  /** What a group reads, its kernel does. */
  private markRead(group: Group): void {
    const read = this.operands(group);
    for (const part of this.parts) if (read.has(part.whole)) part.readBy = this.waiting.length - 1;
  }

  private keep(storage: Storage): void {
    storage.retain();
    this.kept.push(storage);
  }

  private oneByOne(): void {
    const { d } = this;
    for (const part of this.parts) {
      part.memory = d.temporary(part.whole.dtype, part.whole.length);
      part.memory.retain();
      d.f.set(part.base, part.memory.ptr);
    }
    for (const { calls } of this.waiting) d.overRange(calls);
  }

  private inTurn({ extent, chunk, factors }: Turns): void {
    const { d } = this;
    const memory = this.partsInMemory(chunk / extent);
    d.inChunks({ extent, chunk }, (begin, end) => {
      for (const [{ base, whole }, part] of memory)
        d.f.set(base, op('i32.sub', part.ptr, op('i32.mul', begin, i32c(whole.bytes / extent))));
      this.waiting.forEach(({ calls: { run } }, i) => {
        run(...[begin, end].map((at) => (factors[i] === 1 ? at : op('i32.mul', at, i32c(factors[i]!)))));
      });
    });
    for (const part of new Set(memory.values())) part.release();
  }

  /** Where parts are, so large a share of the whole: what has been read makes room for what is written after it. */
  private partsInMemory(share: number): Map<Part, Buffer> {
    const { d, parts } = this;
    const places = new Map<Part, Buffer>();
    const free: Buffer[] = [];
    this.waiting.forEach((_, call) => {
      for (const part of parts.filter(({ writtenBy }) => writtenBy === call)) {
        const length = Math.ceil((part.whole.bytes * share) / 4);
        const [place = d.temporary('int32', length)] = takeFirst(free, (buffer) => buffer.length === length);
        if (![...places.values()].includes(place)) place.retain();
        places.set(part, place);
      }
      for (const part of parts.filter(({ readBy }) => readBy === call)) free.push(places.get(part)!);
    });
    return places;
  }

  /** Undefined where the kernels do not go over the same parts of the elements. */
  private turns(): Turns | undefined {
    const ranges = this.waiting.flatMap(({ calls: { range } }) => (range?.isOutermost ? [range] : []));
    if (ranges.length < Math.max(2, this.waiting.length)) return undefined;
    const extent = Math.min(...ranges.map((range) => range.extent));
    const factors = ranges.map((range) => range.extent / extent);
    if (!factors.every(Number.isInteger)) return undefined;
    const unit = ranges.map((range, i) => commonMultiple(range.unit, factors[i]!) / factors[i]!).reduce(commonMultiple);
    const cut = this.waiting.findIndex(({ calls }) => calls.isCut);
    const chunk =
      cut >= 0
        ? ranges[cut]!.chunk / factors[cut]!
        : Math.max(unit, roundDown(Math.min(...ranges.map((range, i) => range.chunk / factors[i]!)), unit));
    if (chunk % unit !== 0 || chunk > 4 * Math.max(...ranges.map((range, i) => range.chunk / factors[i]!)))
      return undefined;
    return { extent, chunk, factors };
  }
}

function takeFirst<T>(list: T[], fits: (item: T) => boolean): T[] {
  const i = list.findIndex(fits);
  return i < 0 ? [] : list.splice(i, 1);
}

const roundDown = (n: number, unit: number): number => n - (n % unit);
