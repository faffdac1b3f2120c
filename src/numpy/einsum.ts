/** Einstein's notation for sums of products. */

import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { mul } from '../lax/arithmetic.ts';
import { dotGeneral } from '../lax/dot.ts';
import { broadcastTo, reshape, transpose } from '../lax/movement.ts';
import { sum } from '../lax/reductions.ts';
import { diagonalOf } from './matrices.ts';
import { factors } from './products.ts';

/** An operand whose axes have names, all different. */
interface Named {
  readonly value: Value;
  readonly labels: readonly string[];
}

/**
 * The sum of products that `subscripts` describe: a letter per axis of each operand, separated by commas, and after
 * `->` the axes of the result. Letters missing there are summed over; a letter twice in one operand takes a diagonal;
 * `...` stands for axes that broadcast. Without `->`, the letters that occur once, in alphabetical order.
 * Operands are combined from left to right.
 *
 * @example
 * np.einsum('ij,jk->ik', a, b); // a matrix product
 * np.einsum('bij,bj->bi', stack, vectors); // each matrix with its vector
 * np.einsum('ii', a); // the trace
 * @throws ShapeError when subscripts and shapes do not fit
 */
export const einsum: (subscripts: string, ...operands: ArrayLike[]) => NDArray = recorded((subscripts, ...operands) => {
  if (typeof subscripts !== 'string')
    throw new ShapeError(`einsum: the subscripts must be a string, but they are ${naming(subscripts)}.`);
  if (operands.length === 0) throw new ShapeError('einsum: needs at least one array.');
  const values = factors('einsum', operands);
  const { inputs, output } = parse(subscripts, values);
  const lengths = axisLengths(subscripts, inputs, values);

  let rest = values.map((value, i) => withoutRepeats({ value, labels: inputs[i]! }, lengths));
  const isNeeded = (label: string, others: readonly Named[]) =>
    output.includes(label) || others.some((other) => other.labels.includes(label));
  rest = rest.map((term, i) => {
    const others = rest.filter((_, j) => j !== i);
    return sumOver(
      term,
      term.labels.filter((label) => !isNeeded(label, others)),
    );
  });
  let [result, ...pending] = rest as [Named, ...Named[]];
  while (pending.length > 0) {
    const [next, ...others] = pending as [Named, ...Named[]];
    result = combine(result, next, (label) => isNeeded(label, others));
    pending = others;
  }
  // What remains are letters of the result; those of length-1 axes that broadcast may be missing.
  const present = output.filter((label) => result.labels.includes(label));
  const ordered = transpose(
    result.value,
    present.map((label) => result.labels.indexOf(label)),
  );
  const shape = output.map((label) => lengths.get(label)!);
  const expanded = reshape(
    ordered,
    output.map((label) => (present.includes(label) ? lengths.get(label)! : 1)),
  );
  return broadcastTo(expanded, shape);
});

function parse(subscripts: string, values: readonly Value[]): { inputs: string[][]; output: string[] } {
  const [left, right, more] = subscripts.replace(/\s/g, '').split('->');
  const terms = left!.split(',');
  const valid = /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/;
  if (more !== undefined || ![...terms, right ?? ''].every((term) => valid.test(term))) {
    throw new ShapeError(`einsum: \`${subscripts}\` is not of the form 'ij,jk->ik'.`);
  }
  if (terms.length !== values.length) {
    throw new ShapeError(`einsum: \`${subscripts}\` describes ${terms.length} operands, but got ${values.length}.`);
  }
  const inputs = terms.map((term, i) => {
    const { ndim, aval } = values[i]!;
    const letters = term.replace('...', '').length;
    const hidden = term.includes('...') ? ndim - letters : 0;
    if (hidden < 0 || letters + hidden !== ndim) {
      throw new ShapeError(`einsum: \`${term}\` names ${letters} axes, but operand ${i} is ${aval}.`);
    }
    // Hidden axes are matched from the last: their names count down to 0.
    const names = range(hidden).map((k) => `.${hidden - 1 - k}`);
    return expand(term, names);
  });
  const hiddenCount = Math.max(0, ...inputs.map((labels) => labels.filter((l) => l.startsWith('.')).length));
  const hiddenNames = range(hiddenCount).map((k) => `.${hiddenCount - 1 - k}`);
  if (right === undefined) {
    const all = inputs.flat().filter((label) => !label.startsWith('.'));
    const once = all.filter((label) => all.indexOf(label) === all.lastIndexOf(label)).sort();
    return { inputs, output: [...hiddenNames, ...once] };
  }
  const output = expand(right, right.includes('...') ? hiddenNames : []);
  for (const label of output) {
    if (output.indexOf(label) !== output.lastIndexOf(label) || !inputs.some((labels) => labels.includes(label))) {
      throw new ShapeError(
        `einsum: \`${label}\` in the result of \`${subscripts}\` must name one axis of the operands.`,
      );
    }
  }
  return { inputs, output };
}

function expand(term: string, hidden: readonly string[]): string[] {
  const [before, after] = term.split('...');
  return [...before!, ...(after === undefined ? [] : hidden), ...(after ?? '')];
}

function axisLengths(subscripts: string, inputs: readonly string[][], values: readonly Value[]): Map<string, number> {
  const lengths = new Map<string, number>();
  inputs.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const n = values[i]!.shape[axis]!;
      const known = lengths.get(label);
      if (known === undefined || known === 1) lengths.set(label, n);
      else if (n !== known && n !== 1) {
        throw new ShapeError(
          `einsum: ${values.map((v) => v.aval).join(', ')} do not fit \`${subscripts}\`: ${label} is ${known} and ${n}.`,
        );
      }
    });
  });
  return lengths;
}

/** Diagonals for letters that repeat; without the axes of length 1 that others broadcast. */
function withoutRepeats(term: Named, lengths: ReadonlyMap<string, number>): Named {
  let { value, labels } = term;
  const broadcast = labels.filter((label, i) => value.shape[i] === 1 && lengths.get(label) !== 1);
  if (broadcast.length > 0) {
    const kept = range(labels.length).filter((i) => !broadcast.includes(labels[i]!) || value.shape[i] !== 1);
    value = reshape(
      value,
      kept.map((i) => value.shape[i]!),
    );
    labels = kept.map((i) => labels[i]!);
  }
  for (;;) {
    const second = labels.findIndex((label, i) => labels.indexOf(label) < i);
    if (second < 0) return { value, labels };
    const first = labels.indexOf(labels[second]!);
    value = diagonalOf('einsum', value, 0, first, second);
    labels = [...labels.filter((_, i) => i !== first && i !== second), labels[second]!];
  }
}

function sumOver(term: Named, unwanted: readonly string[]): Named {
  if (unwanted.length === 0) return term;
  const axis = unwanted.map((label) => term.labels.indexOf(label));
  return { value: sum(term.value, { axis }), labels: term.labels.filter((label) => !unwanted.includes(label)) };
}

function combine(x: Named, y: Named, isNeeded: (label: string) => boolean): Named {
  const shared = x.labels.filter((label) => y.labels.includes(label));
  const batch = shared.filter(isNeeded);
  const summed = shared.filter((label) => !isNeeded(label));
  const own = (term: Named) => term.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...own(x), ...own(y)];
  if (summed.length === 0) return { value: mul(spread(x, labels), spread(y, labels)), labels };
  const axes = (term: Named, names: readonly string[]) => names.map((label) => term.labels.indexOf(label));
  const value = dotGeneral(x.value, y.value, {
    lhsContract: axes(x, summed),
    rhsContract: axes(y, summed),
    lhsBatch: axes(x, batch),
    rhsBatch: axes(y, batch),
  });
  return { value, labels };
}

/** The operand with its axes in the order of `labels`, length 1 where it has none. */
function spread(term: Named, labels: readonly string[]): Value {
  const present = labels.filter((label) => term.labels.includes(label));
  const order = present.map((label) => term.labels.indexOf(label));
  const lengths = labels.map((label) => (present.includes(label) ? term.value.shape[term.labels.indexOf(label)]! : 1));
  return reshape(transpose(term.value, order), lengths);
}
