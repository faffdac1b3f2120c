/** Which effects a program has: `debug.callback`s in random programs say their number. */
import { isEffect, type Program } from './program.ts';
import { Violation } from './violation.ts';

let log: number[] = [];
(globalThis as { seen?: (id: number) => void }).seen = (id) => {
  log.push(id);
};

/** What `f` returns, and the effects that it has meanwhile, in order. */
export function withEffects<T>(f: () => T): [result: T, effects: readonly number[]] {
  const outer = log;
  log = [];
  try {
    return [f(), log];
  } finally {
    log = outer;
  }
}

export function sameEffects(property: string, got: readonly number[], wanted: readonly number[]): void {
  if (got.join() !== wanted.join())
    throw new Violation(property, `the effects are ${got.join() || 'none'} instead of ${wanted.join() || 'none'}`);
}

/** Together, lanes have the effects that they have alone; what does not depend on the lane happens once for all. */
export function effectsOfLanes(got: readonly number[], lanes: readonly (readonly number[])[]): void {
  const count = (list: readonly number[], id: number): number => list.filter((x) => x === id).length;
  for (const id of new Set([...got, ...lanes.flat()])) {
    const alone = lanes.map((lane) => count(lane, id));
    const [least, most] = [Math.max(...alone), alone.reduce((a, b) => a + b, 0)];
    const n = count(got, id);
    if (n < least || n > most)
      throw new Violation('vmap(f) has the effects of its lanes', `effect ${id} happens ${n} times, in lanes ${alone}`);
  }
}

/** Derivatives leave effects as they are, but for those of a rule that runs its function again. */
export const keepsEffects = (program: Program): boolean =>
  !program.steps.some(function ruled(step): boolean {
    return step.functions.some((f) => (step.op === 'customVjp' ? f.steps.some(isEffect) : f.steps.some(ruled)));
  });
