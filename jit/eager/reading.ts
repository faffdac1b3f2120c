/** Arrays that are read where another one lies: views of views, in other shapes. */
import { type Atom, type Eqn, Literal, type Var } from '../../src/core/jaxpr.ts';
import { type Fused, readBuffer, reshaped, viewed } from '../lower/expressions/tree.ts';
import { Buffer } from '../lower/storage.ts';
import { i32c } from '../wasm/code.ts';
import type { EagerFunction } from './memory-function.ts';
import { eagerView } from './movement.ts';

/** An array as elements of another: at `offset` plus steps along its axes. */
export interface Reading {
  readonly atom: Atom;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** An operation of which an operand is read where another array lies. */
export interface OperandReading {
  /** What the operands are read in. */
  readonly atoms: readonly Atom[];
  readonly run: EagerFunction;
}

/** How `atom` is read in the array behind its views; undefined where it is none, or no even walk through one. */
export function readingOf(atom: Atom, makerOf: ReadonlyMap<Var, Eqn>): Reading | undefined {
  const chain: Eqn[] = [];
  let base = atom;
  for (;;) {
    const maker = base instanceof Literal ? undefined : makerOf.get(base);
    const kind = maker?.primitive.lower.kind;
    if (!maker || (kind !== 'view' && kind !== 'reshape')) break;
    chain.push(maker);
    base = maker.inputs[0]!;
  }
  if (chain.length === 0 || base.aval.size === 0 || base.aval.ndim === 0) return undefined;
  let value: Fused | undefined = readBuffer(new Buffer(base.aval.dtype, base.aval.size, i32c(0)), base.aval.shape);
  for (const { primitive, params, inputs, outputs } of chain.reverse()) {
    const { lower } = primitive;
    const { shape } = outputs[0]!.aval;
    value =
      lower.kind === 'view'
        ? viewed(value, lower.view(params, inputs[0]!.aval, outputs[0]!.aval), shape)
        : reshaped(value, shape);
    if (!value) return undefined;
  }
  const { root } = value;
  return root.kind === 'array' ? { atom: base, offset: root.offset, strides: root.strides } : undefined;
}

/** A view of views as one of the array behind them; undefined where there is one alone. */
export function eagerViewOf(eqn: Eqn, makerOf: ReadonlyMap<Var, Eqn>): OperandReading | undefined {
  if (eqn.primitive.lower.kind !== 'view') return undefined;
  const output = eqn.outputs[0]!;
  const reading = readingOf(output, makerOf);
  if (!reading || reading.atom === eqn.inputs[0]) return undefined;
  const run = eagerView(reading, output.aval);
  return run && { atoms: [reading.atom], run };
}
