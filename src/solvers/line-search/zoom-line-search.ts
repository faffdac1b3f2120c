/** `ZoomLineSearch`. */

import { cond } from '../../control/cond.ts';
import { whileLoop } from '../../control/loops.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { abs, div, max, min, mul, sqrt, sub } from '../../lax/arithmetic.ts';
import { eq, ge, gt, isFinite, le, lt, select } from '../../lax/compare.ts';
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

export interface ZoomOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends LineSearchOptions<F, H, V> {
  /** Approximate sufficient decrease is accepted where f changes by less than c3·|f|. Default 1e-6. */
  c3?: number;
  /** How far from the ends of an interval, relative to its length, an interpolated step must lie. Defaults 0.2 and 0.1. */
  relTolCubic?: number;
  relTolQuad?: number;
  /** A shorter interval is not searched further if a step with sufficient decrease is known. Default 1e-6. */
  intervalThreshold?: number;
  /** By how much steps grow until they enclose a good one. Default 2. */
  increaseFactor?: number;
}

const phase = { bracket: 0, zoom: 1, fallBack: 2, end: 3 } as const;

/**
 * A step with sufficient decrease and small slope (strong Wolfe conditions): steps grow until they enclose one, then the
 * interval shrinks by cubic or quadratic interpolation or bisection (Nocedal & Wright, Numerical Optimization, algorithms
 * 3.5 and 3.6). Near a minimum, where differences of f are noise, the approximate condition of Hager & Zhang (Algorithm
 * 851: CG_DESCENT, 2006, equation 23) is accepted. Where no step satisfies both, the largest one with sufficient decrease
 * is taken. Options, defaults and steps follow JAXopt's.
 *
 * @example
 * const { stepsize, state } = new ZoomLineSearch({ fun }).run(1, x);
 */
export class ZoomLineSearch<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends LineSearch<F, H, V> {
  private readonly options: Required<
    Pick<ZoomOptions, 'c3' | 'relTolCubic' | 'relTolQuad' | 'intervalThreshold' | 'increaseFactor' | 'maxStepsize'>
  >;

  constructor(options: ZoomOptions<F, H, V>) {
    super('ZoomLineSearch', options, ['c3', 'relTolCubic', 'relTolQuad', 'intervalThreshold', 'increaseFactor']);
    checkNumbers('ZoomLineSearch', options, [
      'c3',
      'relTolCubic',
      'relTolQuad',
      'intervalThreshold',
      'increaseFactor',
      'maxStepsize',
    ]);
    this.options = {
      c3: 1e-6,
      relTolCubic: 0.2,
      relTolQuad: 0.1,
      intervalThreshold: 1e-6,
      increaseFactor: 2,
      maxStepsize: 2 ** this.maxiter,
      ...options,
    };
  }

  protected search(initStepsize: Value, line: Line): LineSearchStep {
    const number = (x: number, dtype = line.dtype): Value => scalar(x, dtype);
    const code = (x: number): Value => scalar(x, 'int32');
    const start: Sample = { s: number(0), f: line.value, slope: line.slope };
    const infinite = number(Number.POSITIVE_INFINITY, line.value.dtype);
    const final = whileLoop(
      ({ phase: p }: any) => lt(p, phase.end),
      (carry: any) => this.turn(carry, initStepsize, line),
      {
        k: code(0),
        phase: code(phase.bracket),
        stepsize: number(0),
        value: line.value,
        grad: line.grad,
        // Of the right structure; the first turn replaces it.
        aux: this.objective.hasAux ? this.at(line, number(0)).aux : null,
        previous: start,
        low: start,
        high: start,
        reference: start,
        safe: number(0),
        decrease: infinite,
        error: infinite,
        failed: scalar(0, 'bool'),
        evaluations: code(0),
      },
      this.bound,
    ) as any;
    const { stepsize, k, value, grad, error, failed, evaluations } = final;
    return {
      stepsize,
      state: {
        iterNum: k,
        params: this.moved(line, stepsize),
        value,
        grad,
        aux: final.aux,
        error,
        done: not(failed),
        failed,
        numFunEval: evaluations,
        numGradEval: evaluations,
      },
    };
  }

  /** One evaluation of f: at a longer step, inside of the interval, or at the step to fall back to. */
  private turn(carry: any, initStepsize: Value, line: Line): any {
    const { k, phase: p, previous, low, high, reference, safe } = carry;
    const { maxStepsize, increaseFactor, intervalThreshold } = this.options;
    const zooming = eq(p, phase.zoom);
    const fallingBack = eq(p, phase.fallBack);
    const stay = or(gt(safe, 0), not(isFinite(carry.decrease)));
    // `cond`, not `select`: the derivative of a step that is not taken may be NaN.
    const proposed = cond(
      zooming,
      () => scalarOf(this.interpolate(low, high, reference), line.dtype),
      () => scalarOf(min(select(eq(k, 0), initStepsize, mul(previous.s, increaseFactor)), maxStepsize), line.dtype),
    );
    const s = select(fallingBack, select(stay, safe, carry.stepsize), proposed);
    const found = this.at(line, s);
    const here: Sample = { s, f: found.value, slope: found.slope };
    const decrease = this.decreaseError(here, line);
    const error = max(decrease, violation(sub(abs(here.slope), abs(line.slope).mul(this.c2))));
    const good = le(error, this.tol);
    const safer = select(le(decrease, this.tol), s, safe);
    const rises = gt(decrease, 0);
    const next = k.add(1);
    const exhausted = ge(next, this.maxiter);

    // While the step grows: has it passed a good one?
    const passed = or(rises, and(ge(here.f, previous.f), gt(k, 0)));
    const turned = and(ge(here.slope, 0), not(passed));
    const enclosed = or(or(passed, turned), good);
    const atEnd = and(ge(s, maxStepsize), not(enclosed));

    // In the interval: which end does the new step replace?
    const replaceHigh = or(rises, ge(here.f, low.f));
    const flip = and(ge(here.slope.mul(scalarOf(sub(high.s, low.s), here.slope.dtype)), 0), not(replaceHigh));
    const narrow = le(abs(sub(high.s, low.s)), intervalThreshold);

    const done = or(good, and(not(zooming), atEnd));
    const safeNow = select(zooming, max(safer, safe), safer);
    const failed = and(not(done), or(exhausted, and(zooming, and(narrow, gt(safeNow, 0)))));
    const after = select(
      or(fallingBack, done),
      scalar(phase.end, 'int32'),
      select(
        failed,
        scalar(phase.fallBack, 'int32'),
        select(or(zooming, enclosed), scalar(phase.zoom, 'int32'), scalar(phase.bracket, 'int32')),
      ),
    );
    const bracketLow = pick(turned, here, previous);
    const nextLow = pick(zooming, pick(replaceHigh, low, here), bracketLow);
    const nextHigh = pick(zooming, pick(replaceHigh, here, pick(flip, low, high)), pick(turned, previous, here));
    return {
      k: select(fallingBack, k, next),
      phase: after,
      stepsize: s,
      value: found.value,
      grad: found.gradient,
      aux: found.aux,
      previous: here,
      low: nextLow,
      high: nextHigh,
      reference: pick(zooming, pick(or(replaceHigh, flip), high, low), bracketLow),
      safe: select(fallingBack, safe, safeNow),
      decrease: select(fallingBack, carry.decrease, decrease),
      error: select(fallingBack, carry.error, error),
      failed: or(fallingBack, failed),
      evaluations: carry.evaluations.add(1),
    };
  }

  /** By how much the sufficient decrease is missed, exact or, near a minimum, approximate. */
  private decreaseError({ s, f, slope }: Sample, line: Line): Value {
    const exact = sub(sub(f, line.value), scalarOf(s, f.dtype).mul(line.slope).mul(this.c1));
    const approximate = sub(slope, line.slope.mul(2 * this.c1 - 1));
    const change = sub(sub(f, line.value), abs(line.value).mul(this.options.c3));
    return violation(min(max(approximate, change), exact));
  }

  /** A step between two others: the minimiser of a cubic or of a quadratic if it lies well inside, else the middle. */
  private interpolate(low: Sample, high: Sample, reference: Sample): Value {
    const length = abs(sub(high.s, low.s));
    const [left, right] = [min(high.s, low.s), max(high.s, low.s)];
    const inside = (s: Value, margin: number): Value =>
      and(gt(s, left.add(length.mul(margin))), lt(s, right.sub(length.mul(margin))));
    const { relTolCubic, relTolQuad } = this.options;
    const middle = (): Value => low.s.add(high.s).mul(0.5);
    return cond(
      inside(cubicMinimum(low, high, reference), relTolCubic),
      () => cubicMinimum(low, high, reference),
      () => cond(inside(quadraticMinimum(low, high), relTolQuad), () => quadraticMinimum(low, high), middle),
    );
  }
}

/** Where the cubic through three samples, with the slope at the first, has its minimum; NaN if nowhere. */
function cubicMinimum(a: Sample, b: Sample, c: Sample): Value {
  const [db, dc] = [sub(b.s, a.s), sub(c.s, a.s)];
  const scale = mul(mul(db, dc).mul(mul(db, dc)), sub(db, dc));
  const [fb, fc] = [sub(sub(b.f, a.f), a.slope.mul(db)), sub(sub(c.f, a.f), a.slope.mul(dc))];
  const A = div(sub(dc.mul(dc).mul(fb), db.mul(db).mul(fc)), scale);
  const B = div(sub(db.mul(db).mul(db).mul(fc), dc.mul(dc).mul(dc).mul(fb)), scale);
  const root = sqrt(sub(B.mul(B), A.mul(a.slope).mul(3)));
  return a.s.add(div(sub(root, B), A.mul(3)));
}

/** Where the parabola through two samples, with the slope at the first, has its minimum. */
function quadraticMinimum(a: Sample, b: Sample): Value {
  const d = sub(b.s, a.s);
  const B = div(sub(sub(b.f, a.f), a.slope.mul(d)), d.mul(d));
  return sub(a.s, div(a.slope, B.mul(2)));
}
