import type { Atom, Eqn, Jaxpr, Var } from '../../../src/core/jaxpr.ts';
import { type Expr, i32c, type Local } from '../../wasm/code.ts';
import type { Destination, Driver, Places } from '../driver.ts';
import { contiguous, type Fused, isComputed, readBuffer, readScalar } from '../expressions/tree.ts';
import { simplify } from '../simplify.ts';
import { Buffer, Scalar, scalarType } from '../storage.ts';

/** An operand as a loop's body reads it: in memory, or a scalar; never computed again in each iteration. */
export function settled(d: Driver, atom: Atom): Fused {
  const { root } = d.fused(atom);
  if (atom.aval.ndim > 0 && isComputed(root)) d.buffer(atom);
  return d.fused(atom);
}

/**
 * The values that a loop hands from one iteration to the next. Scalars stay in one local each. Arrays have two places
 * and two pointers: the body reads at one and writes at the other, then the pointers change roles. Arrays that the body
 * writes elements into have one place. What the body hands on unchanged is not carried at all.
 */
export class Carry {
  private readonly d: Driver;
  private readonly items: CarryItem[];

  constructor(d: Driver, init: readonly Atom[], body: Jaxpr, first: number, written: readonly (Buffer | undefined)[]) {
    this.d = d;
    const { outs } = body;
    const inputs = body.inVars.slice(first, first + init.length);
    this.items = init.map((atom, i): CarryItem => {
      if (outs[i] === inputs[i]) return { kind: 'constant', fused: settled(d, atom) };
      const { dtype, ndim, size, shape } = atom.aval;
      if (ndim === 0) {
        const local = d.locals.take(scalarType(dtype));
        d.f.set(local, d.scalar(atom));
        return { kind: 'scalar', scalar: new Scalar(dtype, local), local };
      }
      const place = written[i];
      if (place) {
        if (contiguous(d.fused(atom))?.buffer !== place) d.store(d.fused(atom), place.ptr);
        return { kind: 'written', shape, place };
      }
      const [a, b] = [d.temporary(dtype, size), d.temporary(dtype, size)];
      d.store(d.fused(atom), a.ptr);
      const [current, next] = [d.locals.hold(a.ptr), d.locals.hold(b.ptr)];
      a.retain();
      b.retain();
      return {
        kind: 'array',
        shape,
        places: [a, b],
        current,
        next,
        reading: new Buffer(dtype, size, current),
        writing: new Buffer(dtype, size, next),
      };
    });
  }

  /** As the body sees it. */
  get values(): Fused[] {
    return this.items.map((item) => {
      if (item.kind === 'constant') return item.fused;
      if (item.kind === 'scalar') return readScalar(item.scalar);
      return readBuffer(item.kind === 'written' ? item.place : item.reading, item.shape);
    });
  }

  /** Only those that never change. */
  get constants(): (Fused | undefined)[] {
    return this.items.map((item) => (item.kind === 'constant' ? item.fused : undefined));
  }

  get destinations(): Destination[] {
    return this.items.map((item) =>
      item.kind === 'array' ? item.writing : item.kind === 'written' ? item.place : undefined,
    );
  }

  /** Takes the body's results over. All are read before any is written. */
  update(outs: readonly Atom[]): void {
    const { d } = this;
    const scalars: [Local, Expr][] = [];
    this.items.forEach((item, i) => {
      if (item.kind === 'scalar') scalars.push([item.local, d.scalar(outs[i]!)]);
    });
    const carried = new Set(scalars.map(([local]) => local.index));
    d.locals.within(() => {
      const held: Local[] = [];
      const values = scalars.map(([local, value]) => {
        if (value.kind !== 'local' || !carried.has(value.index) || value.index === local.index) return value;
        const copy = d.locals.hold(value);
        held.push(copy);
        return copy;
      });
      scalars.forEach(([local], i) => {
        if (values[i] !== local) d.f.set(local, values[i]!);
      });
      held.forEach((local) => {
        d.locals.give(local);
      });
    });
    for (const item of this.items) {
      if (item.kind !== 'array') continue;
      const kept = d.locals.hold(item.current);
      d.f.set(item.current, item.next);
      d.f.set(item.next, kept);
      d.locals.give(kept);
    }
  }

  /** Binds the results of the loop. */
  finish(outputs: readonly Var[], places: Places): void {
    const { d } = this;
    this.items.forEach((item, i) => {
      const out = outputs[i]!;
      switch (item.kind) {
        case 'constant':
          d.bind(out, item.fused);
          return;
        case 'scalar':
          d.bind(out, readScalar(new Scalar(item.scalar.dtype, item.local, () => d.locals.give(item.local))));
          return;
        case 'written':
          d.bind(out, readBuffer(item.place, item.shape));
          item.place.release();
          return;
        case 'array': {
          const [a, b] = item.places;
          d.locals.give(item.next);
          const free = (): void => {
            d.locals.give(item.current);
            a.release();
            b.release();
          };
          const place = places.get(out);
          const result = new Buffer(a.dtype, a.length, item.current, free);
          if (place) {
            if (a.length > 0) d.f.copy(place.ptr, item.current, i32c(a.bytes));
            free();
            d.bind(out, readBuffer(place, item.shape));
          } else d.bind(out, readBuffer(result, item.shape));
        }
      }
    });
  }
}

type CarryItem =
  | { readonly kind: 'constant'; readonly fused: Fused }
  | { readonly kind: 'scalar'; readonly scalar: Scalar; readonly local: Local }
  | { readonly kind: 'written'; readonly shape: readonly number[]; readonly place: Buffer }
  | {
      readonly kind: 'array';
      readonly shape: readonly number[];
      readonly places: readonly [Buffer, Buffer];
      readonly current: Local;
      readonly next: Local;
      readonly reading: Buffer;
      readonly writing: Buffer;
    };

/**
 * The places of carried arrays that the body writes elements into: where results go, if that is known. What else is to be
 * computed from what lies there is computed now.
 */
export function writtenPlaces(
  d: Driver,
  init: readonly Atom[],
  body: Jaxpr,
  first: number,
  eqn: Eqn,
  places: Places,
): (Buffer | undefined)[] {
  return init.map((atom, i) => {
    if (atom.aval.ndim === 0 || !isWrittenInto(body, body.inVars[first + i]!, body.outs[i]!)) return undefined;
    const given = places.get(eqn.outputs[i]!);
    if (given) d.protect(given, atom, d.usesLeft(atom as Var) === 1);
    const place = given ?? d.temporary(atom.aval.dtype, atom.aval.size);
    place.retain();
    d.written.add(place);
    return place;
  });
}

/** Whether the body hands the array on with elements written into it, by scatters or by loops of such. */
function isWrittenInto(body: Jaxpr, input: Var, out: Atom): boolean {
  let at = out;
  while (at !== input) {
    const eqn = body.eqns.find(({ outputs }) => outputs.includes(at as Var));
    const rule = eqn?.primitive.lower;
    if (rule?.kind === 'scatter') at = eqn!.inputs[0]!;
    else if (rule?.kind === 'while' || rule?.kind === 'scan') {
      const loop = rule.loop(eqn!.params);
      const consts = 'condConsts' in loop ? loop.condConsts + loop.bodyConsts : loop.consts;
      const first = 'condConsts' in loop ? loop.bodyConsts : loop.consts;
      const i = eqn!.outputs.indexOf(at as Var);
      if ('carry' in loop && i >= loop.carry) return false;
      const inner = simplify(loop.body);
      if (!isWrittenInto(inner, inner.inVars[first + i]!, inner.outs[i]!)) return false;
      at = eqn!.inputs[consts + i]!;
    } else return false;
  }
  return out !== input;
}
