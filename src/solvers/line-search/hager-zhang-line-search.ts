/** `HagerZhangLineSearch`. */

import { whileLoop } from '../../control/loops.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { abs, div, max, min, mul, sub } from '../../lax/arithmetic.ts';
import { eq, ge, gt, isFinite, le, lt, ne, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and, not, or } from '../../lax/logic.ts';
import type { ObjectiveFunction } from '../types.ts';
import { scalarOf } from '../vectors.ts';
import {
  type Line,
  LineSearch,
  type LineSearchOptions,
  type LineSearchStep,
  pick,
  type Sample,
  violation,
} from './line-search.ts';

export interface HagerZhangOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends LineSearchOptions<F, H, V> {
  /** Sufficient decrease, exact and approximate. Default 0.1, at most 0.5. */
  c1?: number;
  /** The largest step. Default Infinity. */
  maxStepsize?: number;
  /** The approximate conditions are accepted where f exceeds its first value by at most this times |f|. Default 1e-6. */
  approximateWolfeThreshold?: number;
  /** By how much steps grow until they enclose a good one. Default 5. */
  expansionFactor?: number;
  /** An interval that has not shrunk by this factor is halved. Default 0.66. */
  shrinkageFactor?: number;
}

/** What the next step is tried for. */
const phase = { bracket: 0, contract: 1, secant: 2, secantAgain: 3, bisect: 4, fallBack: 5, end: 6 } as const;

/**
 * The line search of CG_DESCENT (Hager & Zhang, A New Conjugate Gradient Method with Guaranteed Descent and an Efficient Line
 * Search, 2005, section 4): steps grow until an interval encloses a minimum, which shrinks by secants of the slope, two at
 * a time, and by bisection. It ends at the first step with sufficient decrease and f′ ≥ c2·f′(0) (the Wolfe conditions), or
 * with the approximate decrease f′ ≤ (2·c1 − 1)·f′(0), which uses slopes alone and finds a minimum to all digits, where
 * differences of f are noise. Steps where f or its slope is NaN or infinite are too long. Where no step satisfies the
 * conditions, the one with the least f is taken. Options and defaults follow JAXopt's; beside it, the search starts at the
 * given step, evaluates f once for each step tried, and ends at any step that is good, not only at an end of an interval.
 *
 * @example
 * const { stepsize, state } = new HagerZhangLineSearch({ fun }).run(1, x);
 * @throws TraceError when `c1` and `c2` do not satisfy 0 < c1 < c2 < 1 with c1 ≤ 0.5
 */
export class HagerZhangLineSearch<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends LineSearch<F, H, V> {
  private readonly options: Required<
    Pick<HagerZhangOptions, 'maxStepsize' | 'approximateWolfeThreshold' | 'expansionFactor' | 'shrinkageFactor'>
  >;

  constructor(options: HagerZhangOptions<F, H, V>) {
    const own = ['approximateWolfeThreshold', 'expansionFactor', 'shrinkageFactor'] as const;
    super('HagerZhangLineSearch', options, own, { c1: 0.1, c2: 0.9 });
    checkNumbers('HagerZhangLineSearch', options, [...own, 'maxStepsize']);
    const { c1, c2 } = this;
    if (!(c1 > 0 && c1 <= 0.5 && c1 < c2 && c2 < 1))
      throw new TraceError(
        `HagerZhangLineSearch: \`c1\` and \`c2\` must satisfy 0 < c1 < c2 < 1 and c1 ≤ 0.5, but they are ${c1} and ${c2}.`,
      );
    this.options = {
      maxStepsize: options.maxStepsize ?? Number.POSITIVE_INFINITY,
      approximateWolfeThreshold: options.approximateWolfeThreshold ?? 1e-6,
      expansionFactor: options.expansionFactor ?? 5,
      shrinkageFactor: options.shrinkageFactor ?? 0.66,
    };
  }

  protected search(initStepsize: Value, line: Line): LineSearchStep {
    const number = (x: number, dtype = line.dtype): Value => scalar(x, dtype);
    const code = (x: number): Value => scalar(x, 'int32');
    const start: Sample = { s: number(0), f: line.value, slope: line.slope };
    const final = whileLoop(
      ({ phase: p }: any) => lt(p, phase.end),
      (carry: any) => this.turn(carry, line),
      {
        k: code(0),
        evaluations: code(0),
        phase: code(phase.bracket),
        stepsize: scalarOf(min(initStepsize, this.options.maxStepsize), line.dtype),
        value: line.value,
        grad: line.grad,
        // Of the right structure; the first turn replaces it.
        aux: this.objective.hasAux ? this.at(line, number(0)).aux : null,
        low: start,
        high: start,
        best: start,
        width: number(0),
        whole: scalar(0, 'bool'),
        error: number(Number.POSITIVE_INFINITY, line.value.dtype),
        failed: scalar(0, 'bool'),
        last: number(0),
      },
      this.bound,
    ) as any;
    const { last, k, value, grad, aux, error, failed, evaluations } = final;
    return {
      stepsize: last,
      state: {
        iterNum: k,
        params: this.moved(line, last),
        value,
        grad,
        aux,
        error,
        done: not(failed),
        failed,
        numFunEval: evaluations,
        numGradEval: evaluations,
      },
    };
  }

  /** One evaluation of f, and which step is tried next, for what. */
  private turn(carry: any, line: Line): any {
    const { k, phase: p, stepsize: s, low, high, width, whole } = carry;
    const { maxStepsize, expansionFactor, shrinkageFactor } = this.options;
    const is = (name: keyof typeof phase): Value => eq(p, phase[name]);
    const found = this.at(line, s);
    const here: Sample = { s, f: found.value, slope: found.slope };
    const known = and(isFinite(here.f), isFinite(here.slope));
    const best = pick(and(known, lt(here.f, carry.best.f)), here, carry.best);

    // An interval has a low end where f falls from about f(0) or less, and a high end where f rises, once it is complete.
    const rises = and(known, ge(here.slope, 0));
    const falls = and(and(known, lt(here.slope, 0)), le(here.f, this.limit(line)));
    const newLow = pick(falls, here, low);
    const newHigh = pick(falls, high, here);
    const growing = and(is('bracket'), falls);
    const complete = or(rises, and(falls, not(or(is('bracket'), is('contract')))));

    // The second secant of an iteration, through the end that moved, before and after.
    const through = pick(rises, high, low);
    const again = secant(through, here);
    const inside = (step: Value): Value => and(gt(step, newLow.s), lt(step, newHigh.s));
    const second = and(and(is('secant'), complete), inside(again));
    // At the end of an iteration, an interval that is still long is halved.
    const halving = or(is('bisect'), and(is('contract'), whole));
    const ends = and(and(complete, not(second)), not(or(is('bracket'), halving)));
    const length = sub(newHigh.s, newLow.s);
    const long = and(ends, gt(length, mul(width, shrinkageFactor)));
    // The next iteration begins with a secant.
    const first = secant(newLow, newHigh);
    const begins = and(complete, not(or(second, long)));
    const bySecant = and(begins, inside(first));
    const bisects = or(long, and(begins, not(inside(first))));

    const error = this.error(here, line);
    const good = or(le(error, this.tol), eq(here.f, Number.NEGATIVE_INFINITY));
    const done = or(good, and(growing, ge(s, maxStepsize)));
    const next = k.add(1);
    const fallingBack = is('fallBack');
    const exhausted = and(not(done), or(ge(next, this.maxiter), not(le(line.slope, 0))));
    const returns = and(exhausted, ne(best.s, s));
    const cases: readonly (readonly [Value, keyof typeof phase, Value | number])[] = [
      [or(or(fallingBack, done), and(exhausted, not(returns))), 'end', s],
      [returns, 'fallBack', best.s],
      [growing, 'bracket', scalarOf(min(mul(s, expansionFactor), maxStepsize), line.dtype)],
      [second, 'secantAgain', again],
      [bySecant, 'secant', first],
      [bisects, 'bisect', middle(newLow, newHigh)],
    ];
    const choose = <T>(of: (c: (typeof cases)[number]) => T, otherwise: T): Value =>
      cases.reduceRight<any>((rest, c) => select(c[0], of(c) as any, rest), otherwise);
    return {
      k: select(fallingBack, k, next),
      evaluations: carry.evaluations.add(1),
      phase: choose(([, name]) => scalar(phase[name], 'int32') as any, scalar(phase.contract, 'int32') as any),
      stepsize: choose(([, , step]) => step as any, middle(newLow, newHigh) as any),
      last: s,
      value: found.value,
      grad: found.gradient,
      aux: found.aux,
      low: newLow,
      high: newHigh,
      best,
      width: select(begins, length, width),
      // Whether an iteration begins where the interval that is contracted now is complete.
      whole: select(is('contract'), whole, or(is('bracket'), is('bisect'))),
      error: select(fallingBack, carry.error, error),
      failed: or(fallingBack, exhausted),
    };
  }

  /** f(0), and what its rounding may be. */
  private limit(line: Line): Value {
    return line.value.add(abs(line.value).mul(this.options.approximateWolfeThreshold));
  }

  /** By how much the exact or the approximate conditions are missed, whichever is less; infinite where f does not fall at 0. */
  private error({ s, f, slope }: Sample, line: Line): Value {
    const decrease = sub(sub(f, line.value), scalarOf(s, f.dtype).mul(line.slope).mul(this.c1));
    const approximate = max(
      violation(sub(slope, line.slope.mul(2 * this.c1 - 1))),
      violation(sub(f, this.limit(line))),
    );
    const curvature = violation(sub(line.slope.mul(this.c2), slope));
    const missed = max(curvature, min(violation(decrease), approximate));
    return select(le(line.slope, 0), missed, scalar(Number.POSITIVE_INFINITY, f.dtype));
  }
}

const middle = (a: Sample, b: Sample): Value => a.s.add(b.s).mul(0.5);

/** Where the slope would be zero if it changed linearly; at `a` if it does not change. */
function secant(a: Sample, b: Sample): Value {
  const change = sub(b.slope, a.slope);
  const changes = and(ne(change, 0), isFinite(change));
  const share = div(
    select(changes, a.slope, scalar(0, change.dtype)),
    select(changes, change, scalar(1, change.dtype)),
  );
  return sub(a.s, mul(sub(b.s, a.s), scalarOf(share, a.s.dtype)));
}
