import type { DType } from '../src/core/dtype.ts';
import type { Shape } from '../src/core/shape.ts';

/**
 * Where an input or output lives in the frame. A rank-0 value is stored by value at `offset` (float64 in eight bytes,
 * everything else in four; a bool as an i32, 0 or 1). An array is an i32 pointer at `offset` to row-major data in the
 * heap, 16-byte aligned; bools take one byte each.
 */
export interface Slot {
  readonly offset: number;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A point of the driver that calls back into JavaScript: `host.callback(id, address of the first argument slot)`. */
export interface CallbackSite {
  readonly id: number;
  /** Argument slots, their offsets relative to the address that the call passes. */
  readonly arguments: readonly Slot[];
  /** Slots behind them that hold the addresses of the results. */
  readonly results: readonly Slot[];
}

/** How a program takes its inputs and gives its outputs. All places are relative to the frame that a call gets. */
export interface ProgramLayout {
  /** The modules that it imports functions from. */
  readonly importsFrom: readonly string[];
  readonly inputs: readonly Slot[];
  readonly outputs: readonly Slot[];
  readonly callbacks: readonly CallbackSite[];
  /** Size of the frame: slots, temporaries, scratch. Frames start 64-byte aligned and are not cleared. */
  readonly frameBytes: number;
  /** Bytes of temporaries and scratch at their peak, as `lower()` reports. */
  readonly peakBytes: number;
}

/**
 * A compiled function before the engine has it: plain data. The module exports `main(frame: i32) → i32`, which returns 0,
 * or 1 when a callback asked it to stop. All addresses inside are relative to `frame`, so that calls may nest.
 */
export interface Program extends ProgramLayout {
  readonly wasm: Uint8Array;
  /** What the module is kept under. */
  readonly module: string;
}

/** How the inputs and outputs of a program relate to those of the jaxpr that it was made from. */
export interface Wiring {
  /** The jaxpr's inputs that the program reads, in its order. */
  readonly inputs: readonly number[];
  /** Each output of the jaxpr: an output of the program, an input handed through, or a constant. */
  readonly outputs: readonly OutputSource[];
}

export type OutputSource =
  | { readonly kind: 'output'; readonly index: number }
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'constant'; readonly value: number };
