import type { DType } from '../../src/core/dtype.ts';
import { dropInputs, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import type { Shape } from '../../src/core/shape.ts';
import { assembled, moduleKey } from '../compile.ts';
import { mathCode } from '../math/index.ts';
import type { OutputSource, Program, ProgramLayout, Slot, Wiring } from '../program.ts';
import { target } from '../target.ts';
import { type CodeModule, i32c, load, type Target } from '../wasm/code.ts';
import { loadElement } from '../wasm/loop-nest.ts';
import { type Destination, Driver } from './driver.ts';
import { readBuffer, readScalar } from './expressions/tree.ts';
import { withKnownKernels } from './kernels/known-kernels.ts';
import { outlineLoops } from './loops/outline.ts';
import type { Handler } from './module-writer.ts';
import { simplifyLive } from './simplify.ts';
import { Buffer, Scalar } from './storage.ts';

export interface Lowered extends Wiring {
  readonly program: Program;
  /** The functions behind the program's callbacks. */
  readonly handlers: readonly Handler[];
}

/** The same before it is assembled, with what `lower()` shows. */
export interface LoweredCode extends Wiring {
  readonly module: CodeModule;
  readonly layout: ProgramLayout;
  readonly handlers: readonly Handler[];
  /** The program after simplification. */
  readonly jaxpr: Jaxpr;
  /** What the kernels compute, by their names. */
  readonly notes: ReadonlyMap<string, string>;
}

const lowered = new WeakMap<Jaxpr, { readonly to: Target; readonly result: Lowered }>();

/**
 * Lowers a closed program and assembles it, once for a target: `init` may come after a program was looked at. The trees of the
 * code are let go: they take ten times as much memory as the bytes, and nobody wants them as long as the program.
 */
export function lowerJaxpr(jaxpr: Jaxpr): Lowered {
  const to = target();
  const known = lowered.get(jaxpr);
  if (known?.to === to) return known.result;
  const { module, layout, inputs, outputs, handlers } = lowerToCode(jaxpr);
  const wasm = assembled(module);
  const result = { program: { ...layout, wasm, module: moduleKey(wasm) }, inputs, outputs, handlers };
  lowered.set(jaxpr, { to, result });
  return result;
}

/** Slots one after the other: eight bytes for a float64 of rank 0, four otherwise. */
class Slots {
  bytes = 0;
  add(dtype: DType, shape: Shape): Slot {
    const size = shape.length === 0 && dtype === 'float64' ? 8 : 4;
    const offset = Math.ceil(this.bytes / size) * size;
    this.bytes = offset + size;
    return { offset, dtype, shape };
  }
}

/** Lowers a closed program to code. */
export const lowerToCode = (jaxpr: Jaxpr): LoweredCode => withKnownKernels(() => codeOf(jaxpr));

function codeOf(original: Jaxpr): LoweredCode {
  const { jaxpr: live, usedInputs } = simplifyLive(original);
  const inputs = live.inVars.map((_, i) => i).filter((i) => usedInputs[i]);
  const results: Var[] = [];
  const outputs = live.outs.map((atom): OutputSource => {
    if (atom instanceof Literal) return { kind: 'constant', value: atom.value };
    const input = live.inVars.indexOf(atom);
    if (input >= 0) return { kind: 'input', index: input };
    if (!results.includes(atom)) results.push(atom);
    return { kind: 'output', index: results.indexOf(atom) };
  });
  const jaxpr = dropInputs(live, usedInputs);

  const slots = new Slots();
  const inputSlots = jaxpr.inVars.map(({ aval }) => slots.add(aval.dtype, aval.shape));
  const outputSlots = results.map(({ aval }) => slots.add(aval.dtype, aval.shape));
  const d = new Driver(slots.bytes, target());
  jaxpr.inVars.forEach((v, i) => {
    const { dtype, shape, size } = v.aval;
    const { offset } = inputSlots[i]!;
    const local = d.locals.hold(
      shape.length === 0 ? loadElementOfFrame(d, dtype, offset) : load('i32.load', d.frame, offset),
    );
    const fused =
      shape.length === 0 ? readScalar(new Scalar(dtype, local)) : readBuffer(new Buffer(dtype, size, local), shape);
    d.bind(v, fused);
  });
  const destinations = results.map(({ aval }, i): Destination => {
    if (aval.ndim === 0) return undefined;
    return new Buffer(aval.dtype, aval.size, d.locals.hold(load('i32.load', d.frame, outputSlots[i]!.offset)));
  });
  const used = new Set([...results, ...jaxpr.eqns.flatMap((eqn) => eqn.inputs)]);
  for (const v of jaxpr.inVars) if (!used.has(v)) d.unbind(v);
  d.block(jaxpr.eqns, results, destinations, () => {
    results.forEach((v, i) => {
      if (v.aval.ndim > 0) return;
      const value = d.scalar(v);
      d.f.store(`${value.type}.store`, d.frame, value, outputSlots[i]!.offset);
    });
  });
  d.f.return(i32c(0));
  const math = mathCode(d.math, d.target);
  const { main, loops, spillBytes } = outlineLoops(d.f.build(true), d.longLoops, d.plan.end);
  const imports = [...d.imports.values(), ...math.imports];
  const layout: ProgramLayout = {
    importsFrom: [...new Set(imports.map((f) => f.module))],
    inputs: inputSlots,
    outputs: outputSlots,
    callbacks: d.callbacks,
    frameBytes: d.plan.end + spillBytes,
    peakBytes: d.plan.peak,
  };
  const module = { imports, functions: [...math.functions, ...d.functions, ...loops, main] };
  return { module, layout, inputs, outputs, handlers: d.handlers, jaxpr, notes: d.notes };
}

/** A rank-0 input: bools lie in the frame as an i32. */
const loadElementOfFrame = (d: Driver, dtype: DType, offset: number) =>
  dtype === 'bool' ? load('i32.load', d.frame, offset) : loadElement(dtype, d.frame, offset);
