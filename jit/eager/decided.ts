/** Logic that one element decides alone: whatever x is, `true or x` is true and `false and x` is false. */
import type { Eqn } from '../../src/core/jaxpr.ts';
import type { Element } from '../element.ts';
import { Cell } from '../storage/cell.ts';
import { largestUnwritten } from '../storage/sizes.ts';
import type { Group } from './groups.ts';
import { type EagerFunction, numberAt, withMemory } from './memory-function.ts';

/** The group's kernel, which is not called where an operand of one element decides the result. */
export function unlessDecided({ roots, operands, axes, elements }: Group, run: EagerFunction): EagerFunction {
  if (roots.length > 1) return run;
  const [root] = roots as [Eqn];
  const { name } = root.primitive;
  const { dtype: to, size } = root.outputs[0]!.aval;
  if ((name !== 'or' && name !== 'and') || to !== 'bool' || size > largestUnwritten) return run;
  // The result may be part of another array.
  const [along] = axes;
  if (axes.length !== 1 || along!.extent !== size || along!.steps[0] !== 1) return run;
  const tested = elements()[0]!.args.map(inputTested);
  const index = tested.find((i) => i !== undefined && operands[i]!.byValue && operands[i]!.atom.aval.size === 1);
  if (index === undefined) return run;
  const deciding = Number(name === 'or');
  const isDecided = (value: number): boolean => Number(value !== 0) === deciding;
  const { dtype } = operands[index]!;
  const { scratch, run: write } = run.inMemory!;
  return withMemory(
    (cells) => (isDecided(cells[index]!.first()) ? Cell.repeated('bool', size, deciding) : run(cells)),
    {
      scratch,
      run: (heap, at) => {
        if (isDecided(numberAt(heap, dtype, at[index]!))) heap.fill('bool', at[operands.length]!, size, deciding);
        else write(heap, at);
      },
    },
  );
}

/** The operand that a bool says is not 0. */
function inputTested({ op, args, value }: Element): number | undefined {
  if (op === 'input') return value;
  const [x, y] = args;
  const isTest = op === 'convert' || (op === 'ne' && y!.op === 'const' && y!.value === 0);
  return isTest && x!.op === 'input' ? x!.value : undefined;
}
