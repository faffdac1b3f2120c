/** Calls of functions of the runtime module from outside of compiled code. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { isFloating, shortName } from '../../src/core/dtype.ts';
import type { Params } from '../../src/core/primitive.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { invoke } from '../invoke.ts';
import type { RuntimeCall, RuntimeCalls } from '../lower-rule.ts';
import { runtimeExports } from '../runtime/instance.ts';
import type { Heap } from '../storage/heap.ts';
import { type EagerFunction, onCells } from './memory-function.ts';

type RuntimeFunction = (...args: number[]) => number;

/** A call, with the arguments that are known laid out: the addresses are put in before it is made. */
class PreparedCall {
  private readonly run: RuntimeFunction;
  private readonly given: number[];
  /** Which arguments are addresses; of what, as an index into inputs, outputs and the scratch memory; and how far into that. */
  private readonly positions: number[] = [];
  private readonly places: number[] = [];
  private readonly offsets: number[] = [];

  constructor({ name, args }: RuntimeCall, inputs: number, outputs: number) {
    this.run = runtimeExports()[name] as RuntimeFunction;
    this.given = args.map((x) => (typeof x === 'number' ? x : 0));
    args.forEach((x, i) => {
      if (typeof x === 'number') return;
      this.positions.push(i);
      this.places.push('input' in x ? x.input : 'output' in x ? inputs + x.output : inputs + outputs);
      this.offsets.push('scratch' in x ? x.scratch : 0);
    });
  }

  /** @param addresses of inputs, outputs and the scratch memory */
  make(addresses: readonly number[]): void {
    const { given, positions, places, offsets } = this;
    for (let k = 0; k < positions.length; k++) given[positions[k]!] = addresses[places[k]!]! + offsets[k]!;
    invoke(this.run, given);
  }
}

/** What compiled code calls, called from here. */
export function eagerCalls(
  { scratch, calls }: RuntimeCalls,
  inputs: readonly ShapedArray[],
  outputs: readonly ShapedArray[],
): EagerFunction {
  const prepared = calls.map((call) => new PreparedCall(call, inputs.length, outputs.length));
  const [first] = prepared;
  const run =
    prepared.length === 1
      ? (_: Heap, at: readonly number[]): void => first!.make(at)
      : (_: Heap, at: readonly number[]): void => {
          for (let k = 0; k < prepared.length; k++) prepared[k]!.make(at);
        };
  return onCells({ scratch, run }, outputs);
}

/** Coordinates along an axis. */
export function eagerIota(params: Params, output: ShapedArray): EagerFunction {
  const { dimension } = params as { dimension: number };
  const { shape } = output;
  const [before, after] = [sizeOf(shape.slice(0, dimension)), sizeOf(shape.slice(dimension + 1))];
  const args = [before, shape[dimension]!, after, { output: 0 }];
  const name = `iota_${isFloating(output.dtype) ? shortName(output.dtype) : 'i32'}`;
  return eagerCalls({ scratch: 0, calls: [{ name, args }] }, [], [output]);
}
