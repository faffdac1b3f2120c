import { byteSize } from '../../../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal } from '../../../src/core/jaxpr.ts';
import { sizeOf } from '../../../src/core/shape.ts';
import type { ScanLoop, WhileLoop } from '../../lower-rule.ts';
import { i32c, type Local, op, type Stmt } from '../../wasm/code.ts';
import { loadElement, storeElement } from '../../wasm/loop-nest.ts';
import type { Destination, Driver, Places } from '../driver.ts';
import { type ArrayLeaf, type Fused, readBuffer, readScalar, storagesOf } from '../expressions/tree.ts';
import { simplify } from '../simplify.ts';
import { Buffer, Scalar, scalarType } from '../storage.ts';
import { Carry, settled, writtenPlaces } from './carry.ts';
import { hoist } from './hoist.ts';

/** Steps for which it is worth while to prepare anything. */
const fewSteps = 8;

/**
 * Runs what a loop's body computes in every iteration alike, and lets the loop read the results until `use` is done.
 * `inputs` holds the values of the inputs that do not change.
 */
function withHoisted(
  d: Driver,
  body: Jaxpr,
  steps: number,
  inputs: readonly (Fused | undefined)[],
  use: (body: Jaxpr, values: readonly Fused[]) => void,
): void {
  const hoisted = hoist(
    body,
    inputs.map((x) => x !== undefined),
  );
  const run = (rest: Jaxpr, values: readonly Fused[]): void => {
    if (steps < fewSteps) use(rest, values);
    else d.columns.during(d, rest, [...values, ...inputs], () => use(rest, values));
  };
  if (!hoisted) {
    run(body, []);
    return;
  }
  const { before } = hoisted;
  const fixed = before.inVars.map(
    (v, i): Fused => inputs[i] ?? { shape: v.aval.shape, root: { kind: 'const', dtype: v.aval.dtype, value: 0 } },
  );
  let values: Fused[] = [];
  d.inner(before, fixed, [], () => {
    values = before.outs.map((atom) => (atom.aval.ndim === 0 ? readAtom(d, atom) : settled(d, atom)));
    for (const value of values) for (const storage of storagesOf(value.root)) storage.retain();
  });
  run(hoisted.body, values);
  for (const value of values) for (const storage of storagesOf(value.root)) storage.release();
}

function readAtom(d: Driver, atom: Atom): Fused {
  d.scalar(atom);
  return d.fused(atom);
}

/** Writes a loop of the driver. An outermost one is always worth a function of its own, others where they are `long`. */
function longLoop(d: Driver, long: boolean, write: () => Stmt): void {
  d.loopDepth++;
  const loop = write();
  d.loopDepth--;
  if (long || d.loopDepth === 0) d.longLoops.add(loop);
}

export function lowerWhile(d: Driver, eqn: Eqn, loop: WhileLoop, places: Places): void {
  const { condConsts, bodyConsts } = loop;
  const [cond, body] = [simplify(loop.cond), simplify(loop.body)];
  const init = eqn.inputs.slice(condConsts + bodyConsts);
  const written = writtenPlaces(d, init, body, bodyConsts, eqn, places);
  const condInputs = eqn.inputs.slice(0, condConsts).map((atom) => settled(d, atom));
  const bodyInputs = eqn.inputs.slice(condConsts, condConsts + bodyConsts).map((atom) => settled(d, atom));
  const carry = new Carry(d, init, body, bodyConsts, written);
  withHoisted(d, body, Number.POSITIVE_INFINITY, [...bodyInputs, ...carry.constants], (rest, values) => {
    longLoop(d, true, () =>
      d.f.while(i32c(1), () => {
        d.inner(cond, [...condInputs, ...carry.values], [], () => {
          const test = d.scalar(cond.outs[0]!);
          d.f.if(op('i32.eqz', test), () => d.f.break());
        });
        const inputs = [...values, ...bodyInputs, ...carry.values];
        d.inner(rest, inputs, carry.destinations, () => carry.update(rest.outs));
      }),
    );
  });
  carry.finish(eqn.outputs, places);
}

/** One scanned operand: where its next row starts, and how to read it. */
interface Rows {
  readonly pointer: Local;
  readonly leaf: ArrayLeaf;
  readonly step: number;
}

export function lowerScan(d: Driver, eqn: Eqn, loop: ScanLoop, places: Places): void {
  const { length, reverse, unroll, consts, carry: carried } = loop;
  const body = simplify(loop.body);
  const { f, locals } = d;
  const init = eqn.inputs.slice(consts, consts + carried);
  const written = writtenPlaces(d, init, body, consts, eqn, places);
  const constants = eqn.inputs.slice(0, consts).map((atom) => settled(d, atom));
  const xs = eqn.inputs.slice(consts + carried);
  const stacked = eqn.outputs.slice(carried);

  const carry = new Carry(d, init, body, consts, written);
  const ys = stacked.map((v) => {
    const buffer = d.placeFor(v, places);
    buffer.retain();
    const { dtype, shape } = v.aval;
    const step = sizeOf(shape.slice(1)) * byteSize(dtype);
    const start = reverse ? op('i32.add', buffer.ptr, i32c((length - 1) * step)) : buffer.ptr;
    return { buffer, step, pointer: length > 0 ? locals.hold(start) : locals.take('i32'), rank: shape.length - 1 };
  });
  const rows = length === 0 ? [] : xs.map((atom) => rowsOf(d, atom, length, reverse));

  const fixed = [...constants, ...carry.constants, ...xs.map(() => undefined)];
  const loopOver = (rest: Jaxpr, values: readonly Fused[]): void => {
    const used = new Set<Atom>([...rest.outs, ...rest.eqns.flatMap((e) => e.inputs)]);
    const advance = (pointer: Local, step: number): void => f.set(pointer, op('i32.add', pointer, i32c(step)));
    const step = (): void => {
      const slices = rows.map((row, i) => {
        const v = body.inVars[consts + carried + i]!;
        return readRow(d, row, v.aval.shape, used.has(v));
      });
      const destinations: Destination[] = ys.map(({ buffer, pointer, rank, step }) =>
        rank > 0 ? new Buffer(buffer.dtype, step / byteSize(buffer.dtype), pointer) : undefined,
      );
      const inputs = [...values, ...constants, ...carry.values, ...slices];
      d.inner(rest, inputs, [...carry.destinations, ...destinations], () => {
        ys.forEach(({ buffer, pointer, rank }, i) => {
          if (rank === 0) storeElement(f, buffer.dtype, pointer, d.scalar(rest.outs[carried + i]!));
        });
        carry.update(rest.outs);
      });
      for (const row of rows) advance(row.pointer, row.step);
      for (const { pointer, step } of ys) advance(pointer, reverse ? -step : step);
    };
    const turns = Math.floor(length / unroll);
    const steps = (n: number): void => {
      for (let i = 0; i < n; i++) step();
    };
    if (turns === 1) {
      steps(length);
      return;
    }
    const count = locals.hold(i32c(0));
    longLoop(d, turns >= 64, () =>
      f.doWhile(op('i32.lt_s', count, i32c(turns)), () => {
        steps(unroll);
        advance(count, 1);
      }),
    );
    steps(length - turns * unroll);
    locals.give(count);
  };
  if (length > 0) withHoisted(d, body, length, fixed, loopOver);
  for (const row of rows) locals.give(row.pointer);
  carry.finish(eqn.outputs.slice(0, carried), places);
  stacked.forEach((v, i) => {
    const { buffer, pointer } = ys[i]!;
    locals.give(pointer);
    d.bind(v, readBuffer(buffer, v.aval.shape));
    buffer.release();
  });
}

function rowsOf(d: Driver, atom: Atom, length: number, reverse: boolean): Rows {
  let { root } = d.fused(atom);
  if (root.kind !== 'array') {
    d.buffer(atom);
    root = d.fused(atom).root;
  }
  const leaf = root as ArrayLeaf;
  const bytes = byteSize(leaf.dtype);
  const step = leaf.strides[0]! * bytes;
  const first = leaf.offset * bytes + (reverse ? (length - 1) * step : 0);
  const pointer = d.locals.hold(first === 0 ? leaf.buffer.ptr : op('i32.add', leaf.buffer.ptr, i32c(first)));
  return { pointer, leaf, step: reverse ? -step : step };
}

function readRow(d: Driver, { pointer, leaf }: Rows, shape: readonly number[], used: boolean): Fused {
  const { dtype } = leaf;
  const strides = leaf.strides.slice(1);
  if (strides.length === 0) {
    if (!used) return { shape: [], root: { kind: 'const', dtype, value: 0 } };
    return readScalar(d.newScalar(dtype, loadElement(dtype, pointer)));
  }
  return {
    shape,
    root: { kind: 'array', dtype, buffer: new Buffer(dtype, leaf.buffer.length, pointer), offset: 0, strides },
  };
}

export function lowerCond(d: Driver, eqn: Eqn, branches: readonly Jaxpr[], places: Places): void {
  const { f } = d;
  const [index, ...operands] = eqn.inputs as [Atom, ...Atom[]];
  if (index instanceof Literal && branches.length === 0) return;
  const inputs = operands.map((atom) => settled(d, atom));
  const test = d.scalar(index);
  const results = eqn.outputs.map((v) => {
    if (v.aval.ndim === 0) {
      const local = d.locals.take(scalarType(v.aval.dtype));
      return { kind: 'scalar', local } as const;
    }
    const buffer = d.placeFor(v, places);
    buffer.retain();
    return { kind: 'array', buffer } as const;
  });
  const destinations = results.map((r) => (r.kind === 'array' ? r.buffer : undefined));
  const run = (branch: Jaxpr): void => {
    const program = simplify(branch);
    d.inner(program, inputs, destinations, () => {
      results.forEach((r, i) => {
        if (r.kind === 'scalar') f.set(r.local, d.scalar(program.outs[i]!));
      });
    });
  };
  const choose = (i: number): void => {
    if (i === branches.length - 1) {
      run(branches[i]!);
      return;
    }
    f.if(
      op('i32.le_s', test, i32c(i)),
      () => run(branches[i]!),
      () => choose(i + 1),
    );
  };
  choose(0);
  eqn.outputs.forEach((v, i) => {
    const r = results[i]!;
    if (r.kind === 'scalar') {
      d.bind(v, readScalar(new Scalar(v.aval.dtype, r.local, () => d.locals.give(r.local))));
    } else {
      d.bind(v, readBuffer(r.buffer, v.aval.shape));
      r.buffer.release();
    }
  });
}
