/** Values that are used after their end: traced ones that outlived their function, arrays whose memory was freed. */
import type { NDArray } from '../array.ts';
import { callAt, calledName, operandNames, variableOf } from '../syntax/expression.ts';
import { assignmentIn } from '../syntax/locate.ts';
import { argumentAt, originalOf, quoted } from '../syntax/names.ts';
import { CotangentError, type DisposedError, LeakError } from './errors.ts';
import { currentSource } from './source.ts';
import { sourceLine } from './source-map.ts';

export function leakError(value: NDArray, operation: string): LeakError {
  const { subject, source } = value.origin ?? {};
  const f = subject ? quoted(subject.f) : 'its function';
  const lapse = `was used after ${f} returned; it only stands for a value while ${subject?.operation ?? 'a transformation'} traces ${f}`;
  const options = { hint: `return it from ${f} instead of keeping it in an outer variable` };
  const input = subject?.inputs.indexOf(value) ?? -1;
  if (subject && input >= 0) {
    const name = argumentAt(subject.f, subject.paths()[input]!);
    return new LeakError(`${operation}: ${name} of ${f}, of type ${value.aval}, ${lapse}.`, options);
  }
  const made = callAt(source?.frame);
  // Not every transformation records positions: then the variable is looked for in the function.
  const candidates = operandNames(currentSource().frame).filter((name) => name !== undefined);
  const assigned = subject && assignmentIn(originalOf(subject.f), candidates);
  const name = (made && variableOf(made)) ?? assigned?.name;
  const position = source?.position ?? assigned?.position;
  const line = position && sourceLine(position);
  return new LeakError(
    `${operation}: ${name ? `\`${name}\`` : 'a value'}, of type ${value.aval}, ${lapse}.${
      position ? `\n  made at ${position}${line ? `: ${line}` : ''}` : ''
    }`,
    options,
  );
}

/** An operation on an array whose memory was freed. */
export function disposedError(operation: string, args: readonly NDArray[], { how }: DisposedError): CotangentError {
  const i = args.findIndex((arg) => arg.disposed);
  const { frame } = currentSource();
  const name = operandNames(frame)[i];
  const what = i < 0 ? 'an operand' : `${name ? `\`${name}\` ` : ''}${args[i]!.describe()}`;
  return new CotangentError(`${calledName(frame) ?? operation}: ${what} was ${how} before.`);
}
