import { currentSource, userFrames } from './source.ts';
import { sourceLine } from './source-map.ts';

export interface ErrorDetails {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  readonly position?: string | undefined;
}

/**
 * The errors a user meets. Each is one sentence that names the operation as the user wrote it, with types as `f32[3,4]`;
 * then at most one hint; then, where known, the place in the user's code, with the line itself.
 */
export class CotangentError extends Error {
  /** `file:line:column` in the user's code. */
  readonly position: string | undefined;
  /** The stack with the library's own frames. */
  declare readonly internalStack: string | undefined;

  /** `position` is where the user's mistake is, if that is not where it was noticed. */
  constructor(message: string, options?: ErrorDetails) {
    const position = options?.position ?? currentSource().position;
    const hint = options?.hint ? `\n  hint: ${options.hint}` : '';
    super(message + hint + at(position), options?.cause ? { cause: options.cause } : {});
    this.name = new.target.name;
    this.position = position;
    const { stack } = this;
    Object.defineProperty(this, 'internalStack', { value: stack });
    Object.defineProperty(this, 'position', { enumerable: false });
    if (stack) this.stack = `${this.name}: ${this.message}\n${userFrames(stack, this.message)}`;
  }
}

/** A position with the text of its line, as errors end. */
function at(position: string | undefined): string {
  if (position === undefined) return '';
  const line = sourceLine(position);
  return `\n  at ${position}${line ? `: ${line}` : ''}`;
}

/** Shapes that do not fit the operation. */
export class ShapeError extends CotangentError {}
/** Dtypes the operation does not take. */
export class DtypeError extends CotangentError {}
/** Trees of different structure where they must agree. */
export class TreeError extends CotangentError {}
/** A value that is not known while a function is traced was needed. */
export class TraceError extends CotangentError {}
/** JavaScript control flow on an array. */
export class ControlFlowError extends CotangentError {}
/** A traced value used after its function returned. */
export class LeakError extends CotangentError {}
/** `grad` of something that has no gradient. */
export class GradError extends CotangentError {}
/** A loop body that changes the type of its carry. */
export class CarryError extends CotangentError {}
/** A rule that a primitive does not have. */
export class RuleError extends CotangentError {}
/** More memory than there is. */
export class MemoryError extends CotangentError {}
/** An array whose memory was freed. What used it knows its name, and says so in place of this. */
export class DisposedError extends CotangentError {
  /** `disposed of`, or `` donated to `step` ``. */
  readonly how: string;

  constructor(how: string) {
    super(`an array was used after it was ${how}.`);
    this.how = how;
  }
}
/** A solver or linear solve that did not succeed, when asked to throw. */
export class SolveError extends CotangentError {}
/** A NaN or an infinity, where `debug.nans` looks for them. */
export class NonfiniteError extends CotangentError {}
