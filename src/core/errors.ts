/**
 * The errors a user meets. Each is one sentence that names the operation as the user wrote it, with types as `f32[3,4]`;
 * then, where known, the user's line; at most one hint.
 */
export class CotangentError extends Error {
  constructor(message: string, options?: { hint?: string; cause?: unknown }) {
    super(
      options?.hint ? `${message}\n  hint: ${options.hint}` : message,
      options?.cause ? { cause: options.cause } : {},
    );
    this.name = new.target.name;
  }
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
/** A solver or linear solve that did not succeed, when asked to throw. */
export class SolveError extends CotangentError {}
