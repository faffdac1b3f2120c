/** Optimizers take the steps of optax: fixtures made by test/oracle/optimizers.py. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { DType } from '../src/core/dtype.ts';
import { grad, jit, jvp, lax, type NDArray, np, optimizers as o, random, tree, vmap } from '../src/index.ts';

const fixture = new URL('../../test/fixtures/optimizers.json', import.meta.url);
const expected = JSON.parse(readFileSync(fixture, 'utf8')) as {
  start: number[];
  gradients: number[][];
  schedules: Record<string, number[]>;
  optimizers: Record<string, Record<'float32' | 'float64', { updates: number[][]; params: number[] }>>;
};

/** The tree of the fixtures, from its elements in order. */
const asTree = (x: readonly number[], dtype: DType): any => ({
  b: np.array(x.slice(0, 3), { dtype }),
  layers: [np.array([x.slice(3, 6), x.slice(6, 9)], { dtype }), np.array(x[9]!, { dtype })],
});
const elements = (x: unknown): number[] => (tree.leaves(x) as NDArray[]).flatMap((v) => [...v.data()]);

/** Largest error in units of the last place; numbers far below the others count as if they were larger. */
function ulps(actual: readonly number[], wanted: readonly number[], dtype: DType): number {
  const eps = dtype === 'float64' ? 2 ** -52 : 2 ** -23;
  const floor = Math.max(2 ** -100, Math.max(...wanted.map(Math.abs)) * 2 ** -20);
  return Math.max(...actual.map((x, i) => Math.abs(x - wanted[i]!) / (eps * Math.max(Math.abs(wanted[i]!), floor))));
}

function near(t: Test, actual: number, wanted: number, tolerance: number, name: string): void {
  t.ok(Math.abs(actual - wanted) <= tolerance, `${name}: ${actual}, ${wanted}`);
}

const schedules = {
  constant: o.constantSchedule(0.3),
  polynomial: o.polynomialSchedule(1, 0.1, { power: 2, transitionSteps: 6, transitionBegin: 2 }),
  polynomialRoot: o.polynomialSchedule(1, 0.1, { power: 0.5, transitionSteps: 6 }),
  linear: o.linearSchedule(0, 0.5, { transitionSteps: 7 }),
  linearOff: o.linearSchedule(0.25, 0.5, { transitionSteps: 0 }),
  piecewise: o.piecewiseConstantSchedule(0.5, { 7: 0.3, 3: 0.1 }),
  exponential: o.exponentialDecay(0.5, { transitionSteps: 4, decayRate: 0.7 }),
  exponentialStairs: o.exponentialDecay(0.5, {
    transitionSteps: 3,
    decayRate: 0.7,
    transitionBegin: 2,
    staircase: true,
    endValue: 0.2,
  }),
  exponentialGrowth: o.exponentialDecay(0.5, { transitionSteps: 3, decayRate: 1.5, transitionBegin: 1, endValue: 1.2 }),
  cosine: o.cosineDecaySchedule(0.4, { decaySteps: 8 }),
  cosineAlpha: o.cosineDecaySchedule(0.4, { decaySteps: 8, alpha: 0.1, exponent: 1.5 }),
  warmupCosine: o.warmupCosineDecaySchedule(0.01, 0.4, { warmupSteps: 3, decaySteps: 9, endValue: 0.02 }),
  warmupCosineNone: o.warmupCosineDecaySchedule(0.01, 0.4, {
    warmupSteps: 0,
    decaySteps: 9,
    endValue: 0.02,
    exponent: 2,
  }),
  join: o.joinSchedules(
    [o.linearSchedule(0, 1, { transitionSteps: 4 }), o.exponentialDecay(1, { transitionSteps: 2, decayRate: 0.5 })],
    [5],
  ),
};

const optimizers: Record<string, o.GradientTransformation> = {
  sgd: o.sgd(0.1),
  sgdSchedule: o.sgd(schedules.cosine),
  momentum: o.sgd(0.1, { momentum: 0.9 }),
  nesterov: o.sgd(0.1, { momentum: 0.9, nesterov: true }),
  adam: o.adam(0.01),
  adamOptions: o.adam(schedules.warmupCosine, { b1: 0.8, b2: 0.95, eps: 1e-4, epsRoot: 1e-6 }),
  adamw: o.adamw(0.01, { weightDecay: 0.1 }),
  adamwMask: o.adamw(0.01, { weightDecay: 0.1, mask: (params) => tree.map((p) => p.ndim > 1, params) }),
  adamwSchedule: o.adamw(0.01, { weightDecay: schedules.linear }),
  nadam: o.nadam(0.01),
  nadamw: o.nadamw(0.01),
  rmsprop: o.rmsprop(0.01),
  rmspropOutside: o.rmsprop(0.01, { decay: 0.8, eps: 1e-3, initialScale: 0.5, epsInSqrt: false, biasCorrection: true }),
  rmspropMomentum: o.rmsprop(0.01, { momentum: 0.9, nesterov: true }),
  rmspropCentered: o.rmsprop(0.01, { eps: 1e-3, centered: true, momentum: 0.5 }),
  adagrad: o.adagrad(0.1),
  adagradZero: o.adagrad(0.1, { initialAccumulatorValue: 0 }),
  lion: o.lion(0.01),
  clip: o.chain(o.clip(0.5), o.scale(-0.1)),
  clipByGlobalNorm: o.chain(o.clipByGlobalNorm(1), o.sgd(0.1, { momentum: 0.9 })),
  chain: o.chain(
    o.clipByGlobalNorm(5),
    o.addDecayedWeights(0.01),
    o.scaleByAdam(),
    o.scaleBySchedule(schedules.exponential),
    o.scaleByLearningRate(0.1),
  ),
};

t.test('schedules', (t) => {
  t.same(Object.keys(schedules).sort(), Object.keys(expected.schedules).sort());
  for (const [name, schedule] of Object.entries(schedules)) {
    const wanted = expected.schedules[name]!;
    const at = (count: any): any => schedule(count);
    const compiled = jit(vmap(at))(np.arange(13).astype('int32')) as NDArray;
    wanted.forEach((value, i) => {
      near(t, at(i).item(), value, 1e-15, `${name}(${i})`);
      near(t, compiled.slice(i).item() as number, value, 1e-15, `${name}(${i}), compiled`);
    });
    t.equal(at(np.array(3, { dtype: 'int32' })).dtype, 'float64');
  }
  t.end();
});

/** Bounds where the update is a difference of larger terms: v − m², and weight decay against the gradient. */
const cancelling: Record<string, number> = { rmspropCentered: 16, adamwSchedule: 40 };

for (const dtype of ['float32', 'float64'] as const) {
  t.test(`the steps of optax in ${dtype}`, (t) => {
    t.same(Object.keys(optimizers).sort(), Object.keys(expected.optimizers).sort());
    const gradients = expected.gradients.map((g) => asTree(g, dtype));
    const stacked = tree.map((_, ...leaves) => np.stack(leaves), gradients[0], ...gradients);
    for (const [name, { init, update }] of Object.entries(optimizers)) {
      const wanted = expected.optimizers[name]![dtype];
      let params = asTree(expected.start, dtype);
      let state = init(params);
      const step = (grads: any, state: any, params: any): any => {
        const [updates, next] = update(grads, state, params);
        return [updates, next, o.applyUpdates(params, updates)];
      };
      const steps = gradients.map((g) => {
        const [updates, next, moved] = step(g, state, params);
        state = next;
        params = moved;
        return elements(updates);
      });
      const worst = Math.max(...steps.map((s, i) => ulps(s, wanted.updates[i]!, dtype)));
      const bound = cancelling[name] ?? 8;
      t.ok(worst <= bound, `${name}: updates within ${bound} ulp, are ${worst}`);
      t.ok(ulps(elements(params), wanted.params, dtype) <= 8, `${name}: parameters`);
      const whole = jit((params: any, stacked: any) =>
        lax.scan(
          ([params, state]: any, g: any) => {
            const [updates, next, moved] = step(g, state, params);
            return [[moved, next], updates];
          },
          [params, init(params)],
          stacked,
        ),
      );
      const [[last, lastState]] = whole(asTree(expected.start, dtype), stacked) as any;
      t.ok(ulps(elements(last), elements(params), dtype) <= 8, `${name}: the same in a compiled loop`);
      t.equal(tree.structure(lastState).key, tree.structure(state).key);
    }
    t.end();
  });
}

t.test('states', (t) => {
  const params = asTree(expected.start, 'float32');
  const [adam, rate] = o.adam(0.1).init(params) as any;
  t.same(Object.keys(adam), ['count', 'mu', 'nu']);
  t.equal(adam.count.dtype, 'int32');
  t.same(rate, {});
  t.equal(tree.structure(adam.mu).key, tree.structure(params).key);
  const full = { count: np.array(2 ** 31 - 1, { dtype: 'int32' }) };
  const [, next] = o.scaleBySchedule(() => 2).update({ w: 1 }, full);
  t.equal(next.count.item(), 2 ** 31 - 1, 'a count saturates');
  t.end();
});

t.test('transformations of updates', (t) => {
  const loss = (x: any): any => x.sub(3).square().sum();
  const descend = (rate: any, x0: any, make: (rate: any) => o.GradientTransformation): any => {
    const { init, update } = make(rate);
    let x = x0;
    let state = init(x);
    for (let i = 0; i < 5; i++) {
      const [u, next] = update(grad(loss)(x), state, x);
      x = o.applyUpdates(x, u);
      state = next;
    }
    return x;
  };
  const x0 = np.array([1, 2], { dtype: 'float64' });
  const makers: Record<string, (rate: any) => o.GradientTransformation> = {
    sgd: (rate) => o.sgd(rate, { momentum: 0.5 }),
    decaying: (rate) => o.sgd(o.exponentialDecay(rate, { transitionSteps: 2, decayRate: 0.5 })),
    adam: (rate) => o.adam(rate),
    clipped: (rate) => o.chain(o.clipByGlobalNorm(1), o.rmsprop(rate)),
    decayed: (rate) => o.adamw(0.1, { weightDecay: rate }),
    discount: (rate) => o.adam(0.1, { b1: rate }),
  };
  for (const [name, make] of Object.entries(makers)) {
    const f = (rate: any): any => loss(descend(rate, x0, make));
    const rates = np.array([0.05, 0.1, 0.2], { dtype: 'float64' });
    const slopes = jit(vmap(grad(f)))(rates) as NDArray;
    [0.05, 0.1, 0.2].forEach((rate, i) => {
      const h = 1e-6;
      const at = (r: number): number => f(np.array(r, { dtype: 'float64' })).item();
      const slope = (at(rate + h) - at(rate - h)) / (2 * h);
      const value = slopes.slice(i).item() as number;
      near(t, value, slope, 1e-6 * (1 + Math.abs(slope)), `${name}: derivative in the hyperparameter ${rate}`);
    });
    const [, forward] = jvp(f, [rates.slice(0)], [np.array(1, { dtype: 'float64' })]) as NDArray[];
    near(t, forward!.item() as number, slopes.slice(0).item() as number, 1e-10, `${name}: forward mode`);
  }
  const flat = grad((g: any) => (o.clipByGlobalNorm(1).update(g, {})[0] as any).sum())(np.zeros([3])) as NDArray;
  t.same(flat.tolist(), [1, 1, 1], 'clipping is smooth at a gradient of zero');
  // A step that donates its parameters and its state.
  const { init, update } = o.adam(0.1);
  const step = jit(
    (params: any, state: any) => {
      const [updates, next] = update(tree.map((p) => p.mul(2), params) as any, state);
      return [o.applyUpdates(params, updates), next] as any;
    },
    { donate: [0, 1] },
  );
  let carry: any[] = [{ w: np.ones([1000]) }, init({ w: np.ones([1000]) })];
  for (let i = 0; i < 3; i++) carry = step(carry[0], carry[1]) as any;
  near(t, carry[0].w.slice(17).item(), 0.7, 1e-2, 'donation');
  t.end();
});

t.test('an ensemble learns under vmap as its members do alone', (t) => {
  const X = random.normal(random.key(1), [16, 3]);
  const y = X.sum({ axis: 1 });
  const train = (start: any, rate: any): any => {
    const { init, update } = o.chain(o.clipByGlobalNorm(1), o.adam(rate));
    const step = ([w, state]: any): any => {
      const [updates, next] = update(grad((w: any) => X.matmul(w).sub(y).square().mean())(w) as any, state, w);
      return [o.applyUpdates(w, updates), next];
    };
    return lax.foriLoop(0, 20, (_i: any, carry: any) => step(carry), [start, init(start)]);
  };
  const starts = random.normal(random.key(2), [4, 3]);
  const rates = np.array([0.01, 0.03, 0.1, 0.3]);
  const [together, [, [state]]] = jit(vmap(train))(starts, rates) as any;
  t.same(state.count.tolist(), [20, 20, 20, 20]);
  for (let i = 0; i < 4; i++) {
    const [alone] = train(starts.slice(i), rates.slice(i));
    t.ok(ulps(elements(together.slice(i)), elements(alone), 'float32') < 200, `member ${i}`);
  }
  t.end();
});

t.test('weak numbers, norms and sign', (t) => {
  near(t, o.globalNorm({ a: np.array([3, 0]), b: 4 }).item() as number, 5, 1e-6, 'globalNorm');
  const { init, update } = o.sgd(0.5, { momentum: 0.9 });
  const [u, state] = update({ w: 2 }, init({ w: 1 }));
  t.same([u.w.item(), u.w.dtype, (state[0] as any).trace.w.dtype], [-1, 'float32', 'float32']);
  t.equal((o.applyUpdates({ w: 1 }, u).w as NDArray).item(), 0);
  const [up] = o.scaleByLearningRate(0.5, { flipSign: false }).update({ w: 2 }, {});
  t.equal(up.w.item(), 1);
  // A float64 gradient or rate does not change the dtype of a state or of parameters.
  const [wide, next] = update({ w: np.array(2, { dtype: 'float64' }) }, init({ w: np.array(1) }));
  t.equal((next[0] as any).trace.w.dtype, 'float32');
  t.equal((o.applyUpdates({ w: np.array(1) }, wide).w as NDArray).dtype, 'float32');
  t.end();
});

t.test('errors', (t) => {
  const says = (f: () => unknown, pattern: RegExp): void => {
    t.throws(f, { message: pattern });
  };
  const bad = (options: object): any => options;
  says(
    () => o.adam(0.1, bad({ beta1: 0.9 })),
    /^adam: there is no option `beta1`; the options are `b1`, `b2`, `eps`, `epsRoot`, `nesterov`\.\n {2}hint: did you mean `b1`\?/,
  );
  says(() => o.adamw(0.1, bad({ weight_decay: 1 })), /hint: did you mean `weightDecay`\?/);
  says(() => o.sgd(0.1, bad({ momentun: 1 })), /^sgd: .*\n {2}hint: did you mean `momentum`\?/);
  says(() => o.sgd(0.1, bad({ lr: 1 })), /hint: the learning rate is the first argument/);
  says(
    () => o.sgd(0.1, 0.9 as any),
    /^sgd: options are given by name in an object, such as `{ momentum: 0\.9 }`, but got 0\.9\./,
  );
  says(() => o.sgd(undefined as any), /^sgd: the learning rate is missing\./);
  says(
    () => o.sgd('0.1' as any),
    /^sgd: the learning rate must be a number or a rank-0 array, but is the string "0\.1"\./,
  );
  says(() => o.sgd(Number.NaN), /^sgd: the learning rate is NaN, but must be a number\./);
  says(() => o.sgd(np.ones([2])), /^sgd: the learning rate is f32\[2\], but must be a scalar\./);
  says(() => o.adam(0.1, { b2: 1 }), /^adam: b2 is 1, but must be at least 0 and less than 1\./);
  says(() => o.trace({} as any), /^trace: the option `decay` is missing\./);
  says(
    () => o.cosineDecaySchedule(1, { decaySteps: 0 }),
    /^cosineDecaySchedule: decaySteps is 0, but must be more than 0/,
  );
  says(() => o.exponentialDecay(1, bad({ transitionStep: 1 })), /hint: did you mean `transitionSteps`\?/);
  says(
    () => o.joinSchedules([o.constantSchedule(1)], [3]),
    /^joinSchedules: 1 schedules meet at 0 boundaries, but 1 are given\./,
  );
  says(() => o.chain(o.sgd as any), /^chain: argument 1 is a function, but must be a gradient transformation\./);

  const params = { w: np.ones([3]), b: np.ones([]) };
  const { init, update } = o.adam(0.1);
  const state = init(params);
  says(
    () => update({ w: np.ones([3]) }, state),
    /^adam\.update: the gradients have structure { w: \* }, but the moments in the state have { b: \*, w: \* }\.\n {2}hint: make the state with `init\(params\)` of the same parameters/,
  );
  says(
    () => update({ w: np.ones([4]), b: 1 }, state),
    /^adam\.update: the gradients at `w` are f32\[4\], but the moments in the state are f32\[3\]\./,
  );
  says(() => update(params, params as any), /^adam\.update: the state must be a list of 2 states, but is an object\./);
  says(
    () => o.scaleByAdam().update(params, {} as any),
    /^scaleByAdam\.update: the state has no `mu`: it is an object\./,
  );
  says(
    () => init({ w: np.array([1, 2], { dtype: 'int32' }) }),
    /^adam\.init: the parameters at `w` are i32\[2\], but only floats are optimized\./,
  );
  says(
    () => o.adamw(0.1).update(params, o.adamw(0.1).init(params)),
    /^adamw\.update: the parameters are missing\.\n {2}hint: call `update\(gradients, state, params\)`/,
  );
  says(
    () => o.applyUpdates(params, { w: params.w }),
    /^applyUpdates: the parameters have structure { b: \*, w: \* }, but the updates have { w: \* }\./,
  );
  says(
    () => o.adamw(0.1, { mask: { w: true } }).update(params, o.adamw(0.1).init(params), params),
    /^adamw\.update: the mask has structure { w: \* }, but the parameters have { b: \*, w: \* }\./,
  );
  t.end();
});

t.test('a small regression with each optimizer', (t) => {
  const X = random.normal(random.key(0), [64, 3]);
  const y = X.matmul(np.array([1, -2, 0.5])).add(0.25);
  const loss = ({ w, b }: any): any => X.matmul(w).add(b).sub(y).square().mean();
  const rates: Record<string, o.GradientTransformation> = {
    sgd: o.sgd(0.1),
    momentum: o.sgd(0.05, { momentum: 0.9 }),
    adam: o.adam(0.1),
    nadam: o.nadam(0.1),
    adagrad: o.adagrad(0.5),
    rmsprop: o.rmsprop(o.cosineDecaySchedule(0.05, { decaySteps: 200 })),
    lion: o.lion(o.cosineDecaySchedule(0.05, { decaySteps: 200 }), { weightDecay: 0 }),
  };
  for (const [name, { init, update }] of Object.entries(rates)) {
    const train = jit((params: any) =>
      lax.foriLoop(
        0,
        200,
        (_i: any, [params, state]: any) => {
          const [updates, next] = update(grad(loss)(params) as any, state, params);
          return [o.applyUpdates(params, updates), next];
        },
        [params, init(params)],
      ),
    );
    const [{ w, b }] = train({ w: np.zeros([3]), b: np.zeros([]) }) as any;
    const worst = Math.max(...[1, -2, 0.5].map((x, i) => Math.abs(w.tolist()[i] - x)), Math.abs(b.item() - 0.25));
    t.ok(worst < 0.02, `${name}: ${w} ${b}`);
  }
  t.end();
});
