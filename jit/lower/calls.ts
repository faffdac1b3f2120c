import type { ShapedArray } from '../../src/core/aval.ts';
import type { Atom, Eqn } from '../../src/core/jaxpr.ts';
import type { CallbackHandler, KernelContext, LowerRule, Operand, RuntimeArgument } from '../lower-rule.ts';
import type { Slot } from '../program.ts';
import { type Expr, FunctionBuilder, i32c, op } from '../wasm/code.ts';
import type { Driver, Places } from './driver.ts';
import { scalarType } from './storage.ts';

/** A kernel that the primitive's record writes. */
export function lowerKernel(
  d: Driver,
  eqn: Eqn,
  rule: Extract<LowerRule<unknown>, { kind: 'kernel' }>,
  places: Places,
): void {
  const scalars = eqn.inputs.map((atom) => atom.aval.ndim === 0);
  const args = eqn.inputs.map((atom, i) => (scalars[i] ? d.scalar(atom) : d.buffer(atom).ptr));
  const outs = eqn.outputs.map((v) => d.placeFor(v, places));
  const inputTypes = eqn.inputs.map((atom, i) => (scalars[i] ? scalarType(atom.aval.dtype) : 'i32'));
  const f = new FunctionBuilder('', [...inputTypes, ...outs.map(() => 'i32' as const), 'i32']);
  let scratch = 0;
  const base = f.param(args.length + outs.length);
  const context: KernelContext = {
    f,
    target: d.target,
    scratch: (bytes) => {
      const start = scratch;
      scratch += Math.ceil(bytes / 16) * 16;
      return start === 0 ? base : op('i32.add', base, i32c(start));
    },
    math: d.useMath,
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
  const name = d.define(f.build());
  d.withScratch(scratch, (ptr) => d.f.call(name, ...args, ...outs.map((out) => out.ptr), ptr));
  d.loadResults(eqn.outputs, outs);
}

/** Calls of functions of the runtime module that the primitive's record lists. */
export function lowerRuntimeCalls(
  d: Driver,
  eqn: Eqn,
  rule: Extract<LowerRule<unknown>, { kind: 'runtime' }>,
  places: Places,
): void {
  const avals = (atoms: readonly Atom[]): ShapedArray[] => atoms.map(({ aval }) => aval);
  const { scratch, calls } = rule.calls(eqn.params, avals(eqn.inputs), avals(eqn.outputs));
  const inputs = eqn.inputs.map((atom) => d.buffer(atom));
  const outputs = eqn.outputs.map((v) => d.placeFor(v, places));
  d.withScratch(scratch, (base) => {
    const address = (x: RuntimeArgument): Expr => {
      if (typeof x === 'number') return i32c(x);
      if ('input' in x) return inputs[x.input]!.ptr;
      return 'output' in x ? outputs[x.output]!.ptr : op('i32.add', base, i32c(x.scratch));
    };
    for (const { name, args } of calls) d.callRuntime(name, args.map(address));
  });
  d.loadResults(eqn.outputs, outputs);
}

/** A call of a function of the user's, with arrays or rank-0 values and where results go; it may stop the program. */
export function lowerCallback(d: Driver, eqn: Eqn, handler: CallbackHandler, places: Places): void {
  const { f } = d;
  const slots: Slot[] = [...eqn.inputs, ...eqn.outputs].map(({ aval }, i) => ({
    offset: 8 * i,
    dtype: aval.dtype,
    shape: aval.shape,
  }));
  const inputs = eqn.inputs.map((atom) => (atom.aval.ndim === 0 ? d.scalar(atom) : d.buffer(atom).ptr));
  const results = eqn.outputs.map((v) => d.placeFor(v, places));
  const id = d.callbacks.length;
  d.callbacks.push({ id, arguments: slots.slice(0, eqn.inputs.length), results: slots.slice(eqn.inputs.length) });
  d.handlers.push({ params: eqn.params, handler, avals: eqn.inputs.map((atom) => atom.aval) });
  if (!d.imports.has('callback'))
    d.imports.set('callback', {
      name: 'callback',
      module: 'host',
      base: 'callback',
      params: ['i32', 'i32'],
      result: 'i32',
    });
  d.withScratch(Math.max(8 * slots.length, 8), (ptr) => {
    [...inputs, ...results.map((place) => place.ptr)].forEach((value, i) => {
      f.store(`${value.type}.store`, ptr, value, 8 * i);
    });
    f.if({ kind: 'call', type: 'i32', fn: 'callback', args: [i32c(id), ptr] }, () => f.return(i32c(1)));
  });
  d.loadResults(eqn.outputs, results);
}
