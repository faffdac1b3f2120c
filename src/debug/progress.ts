/** `debug.progress`: a progress line from inside compiled loops. */
import type { ArrayLike, NDArray } from '../array.ts';
import { cond } from '../control/cond.ts';
import { DtypeError } from '../core/errors.ts';
import { checkNumbers, naming, optionsOf } from '../core/options.ts';
import { rem } from '../lax/arithmetic.ts';
import { eq, le } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { or } from '../lax/logic.ts';
import { toValue } from '../promote.ts';
import { callback } from './callback.ts';
import { ProgressLine, type ProgressLineOptions } from './progress-line.ts';

export interface ProgressOptions extends ProgressLineOptions {
  /** Report after every so many steps. By default a hundredth of `total`, or every step where that is unknown. */
  every?: number;
  /** Values to show behind the line, by name. */
  values?: Readonly<Record<string, ArrayLike>>;
}

/**
 * Shows how far a loop is, with its speed: called in the body of `lax.foriLoop`, `lax.scan` or `lax.whileLoop`, compiled or
 * not, with the number of steps done. Under other transformations it behaves as {@link callback}.
 *
 * @example
 * lax.foriLoop(0, 1000, (i, w) => {
 *   const [loss, g] = valueAndGrad(f)(w);
 *   debug.progress(i.add(1), { total: 1000, label: 'train', values: { loss } });
 *   return w.sub(g.mul(0.1));
 * }, w0);
 * // train:  37%|███▋      | 370/1000 [00:01<00:02, 312/s, loss 0.25]
 * @throws DtypeError when the step is no integer scalar
 */
export function progress(step: ArrayLike, options: ProgressOptions = {}): void {
  const known = ['total', 'label', 'every', 'values', 'write'];
  const { every, values = {}, ...line } = optionsOf('debug.progress', options, known);
  const done = toValue(step, 'debug.progress');
  if (done.ndim > 0 || (done.aval.isFloating && !done.aval.weakType)) {
    throw new DtypeError(`debug.progress: the step must be an integer scalar, but it is ${naming(step)}.`);
  }
  checkNumbers('debug.progress', options, ['every']);
  if (typeof values !== 'object')
    throw new DtypeError(`debug.progress: \`values\` must be an object, but it is ${naming(values)}.`);
  const shown = new ProgressLine(line, 'debug.progress');
  const report = (at: NDArray | number, of: Readonly<Record<string, unknown>>): void =>
    shown.update(typeof at === 'number' ? at : at.item(), of);
  const interval = every ?? Math.max(1, Math.floor((line.total ?? 0) / 100));
  if (interval <= 1) {
    callback(report, done, values);
    return;
  }
  // The condition spares the call into JavaScript, which costs more than a small step.
  const count = convert(done, 'int32');
  const due = or(eq(rem(count, interval), 0), or(le(count, 1), eq(count, line.total ?? 0)));
  cond(
    due,
    (at: NDArray, of: Readonly<Record<string, unknown>>) => {
      callback(report, at, of);
      return 0;
    },
    () => 0,
    count as never,
    values as never,
  );
}
