import t from 'tap';
import { shapedArray } from '../src/core/aval.ts';
import { type Eqn, Jaxpr, Var } from '../src/core/jaxpr.ts';
import { verifyJaxpr } from '../src/core/verify.ts';
import {
  checkpoint,
  checkpointName,
  checkpointPolicies,
  customFixedPoint,
  customRoot,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  linearTranspose,
  makeJaxpr,
  type NDArray,
  np,
  vmap,
} from '../src/index.ts';
import { close, f64 } from './lib/near.ts';

const a: NDArray = f64([1, 2, 3]);

const cubeOrDouble = (x: NDArray): NDArray =>
  lax.cond(
    x.gt(1.5),
    (y: NDArray) => y.mul(y).mul(y),
    (y: NDArray) => y.mul(2),
    x,
  );

t.test('cond', (t) => {
  close(cubeOrDouble(f64(2)), 8, 'value');
  close(grad(cubeOrDouble)(f64(2)), 12, 'grad');
  close(grad(grad(cubeOrDouble))(f64(2)), 12, 'grad of grad');
  close(vmap(cubeOrDouble)(a), [2, 8, 27], 'a predicate per lane');
  close(vmap(grad(cubeOrDouble))(a), [2, 12, 27], 'vmap of grad');
  close(jit(vmap(grad(grad(cubeOrDouble))))(a), [0, 12, 18], 'jit of vmap of grad of grad');
  close(grad((x: NDArray) => np.sum(vmap(cubeOrDouble)(x)))(a), [2, 12, 27], 'grad of vmap');
  // A number, which is computed in float64, among the operands of lanes that choose differently.
  const scale = (p: NDArray, s: NDArray) =>
    lax.cond(
      p.gt(1),
      (s: NDArray) => f64(1 / 3).mul(s),
      (s: NDArray) => f64(1 / 3).sub(s),
      s,
    );
  close(vmap(scale, { inAxes: [0, null] })(a, 0.1), [1 / 3 - 0.1, 0.1 / 3, 0.1 / 3], 'a number in all lanes');
  // A transform's table is an operand that its derivative reads too: the same in lanes that choose other branches, the first one also.
  const half = (x: NDArray): NDArray => np.real(np.fft.fft(x)).mul(np.arange(2, { dtype: 'float64' }));
  const transformed = (i: NDArray, x: NDArray): NDArray =>
    lax.switch(i, [(x: NDArray) => x, (x: NDArray) => half(x), (x: NDArray) => x.mul(3)], x).sum();
  const chosen = np.array([0, 1, 2, 1], { dtype: 'int32' });
  const rows = f64([
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ]);
  const slopes = [1, 1, 1, -1, 3, 3, 1, -1];
  const slope = vmap(grad(transformed, { argnums: 1 }));
  for (const f of [slope, jit(slope)]) close(f(chosen, rows).ravel(), slopes, 'a table in lanes that choose');
  close(
    grad((y: NDArray) =>
      lax.cond(
        y.gt(0),
        (x: NDArray) => x.mul(y),
        (x: NDArray) => x,
        y,
      ),
    )(f64(3)),
    6,
    'closed-over tracer',
  );
  const safeLog = (x: NDArray): NDArray =>
    lax.cond(
      x.gt(0),
      (y: NDArray) => np.log(y),
      (y: NDArray) => y.mul(0),
      x,
    );
  close(vmap(grad(safeLog))(f64([-1, 0, 2])), [0, 0, 0.5], 'branches not taken send no NaN');
  close(
    vmap((i: NDArray, x: NDArray) =>
      lax.switch(i, [(y: NDArray) => y, (y: NDArray) => y.mul(y), (y: NDArray) => y.neg()], x),
    )(np.array([-1, 0, 1, 2, 9], { dtype: 'int32' }), f64([2, 2, 3, 4, 5])),
    [2, 2, 9, -4, -5],
    'switch clamps its index',
  );
  t.end();
});

const squareUntilLarge = (x: NDArray): NDArray =>
  lax.whileLoop(
    (c: NDArray) => c.lt(100),
    (c: NDArray) => c.mul(c),
    x,
  );

t.test('whileLoop', (t) => {
  close(squareUntilLarge(f64(2)), 256, 'value');
  close(jvp(squareUntilLarge, [f64(2)], [f64(1)])[1], 1024, 'jvp');
  close(vmap(squareUntilLarge)(f64([2, 3, 200])), [256, 6561, 200], 'lanes stop on their own');
  close(
    jit(vmap((x: NDArray) => jvp(squareUntilLarge, [x], [f64(1)])[1]))(f64([2, 3, 200])),
    [1024, 17496, 1],
    'jit of vmap of jvp',
  );
  const bounded = (x: NDArray): NDArray =>
    lax.whileLoop(
      (c: NDArray) => c.lt(100),
      (c: NDArray) => c.mul(c),
      x,
      { maxSteps: 8 },
    );
  close(grad(bounded)(f64(2)), 1024, 'reverse mode of a bounded loop');
  close(vmap(grad(bounded))(f64([2, 3, 200])), [1024, 17496, 1], 'per lane');
  close(jit(grad(bounded))(f64(3)), 17496, 'compiled');
  try {
    grad(squareUntilLarge)(f64(2));
    t.fail('reverse mode through an unbounded loop');
  } catch (error) {
    t.equal(
      (error as Error).message.split('\n  at ')[0],
      'whileLoop: reverse-mode differentiation cannot run a loop of unknown length backwards.\n  hint: use `scan` or a `foriLoop` with number bounds, bound the loop with `maxSteps`, or differentiate its solution implicitly with `customRoot` or `customFixedPoint`',
      'what to do instead of reverse mode',
    );
  }
  t.throws(
    () =>
      grad((x: NDArray) => lax.foriLoop(0, np.array(3, { dtype: 'int32' }), (_i, c: NDArray) => c.mul(x), x))(f64(2)),
    { message: /^foriLoop: reverse-mode differentiation cannot run a loop of unknown length backwards\./ },
  );
  t.throws(
    () =>
      lax.whileLoop(
        (c: NDArray) => c.lt(1),
        (c: NDArray) => c,
        0,
        { maxSteps: -1 },
      ),
    {
      message: /^whileLoop: maxSteps must be a whole number, but it is -1\./,
    },
  );
  t.end();
});

/** Steps of a map with a parameter, as many as asked for. */
const chain =
  (n: number, maxSteps: number) =>
  (x: NDArray, w: NDArray): NDArray =>
    (
      lax.whileLoop(
        ([i]: NDArray[]) => i!.lt(n),
        ([i, c]: NDArray[]) => [i!.add(1), np.sin(c!.mul(w)).add(c!.mul(0.5))],
        [np.array(0, { dtype: 'int32' }), x],
        { maxSteps },
      ) as NDArray[]
    )[1]!.sum();
const unrolled =
  (n: number) =>
  (x: NDArray, w: NDArray): NDArray => {
    let c = x;
    for (let i = 0; i < n; i++) c = np.sin(c.mul(w)).add(c.mul(0.5));
    return c.sum();
  };

t.test('bounded loops backwards', (t) => {
  const [x, w] = [f64([0.3, 0.7]), f64(1.1)];
  type Scalar = (x: NDArray, w: NDArray) => NDArray;
  const second = (f: Scalar): ((x: NDArray, w: NDArray) => NDArray) =>
    grad((p: NDArray, q: NDArray) =>
      grad(f, { argnums: 1 })(p, q).add(
        grad(f)(p, q)
          .mul(f64([1, 2]))
          .sum(),
      ),
    ) as never;
  const third = (f: Scalar) =>
    grad(
      (p: NDArray, q: NDArray) =>
        second(f)(p, q)
          .mul(f64([1, 3]))
          .sum(),
      { argnums: 1 },
    );
  // One level of segments, two, and three; stopped early, at the bound, and before the first step.
  for (const [n, most] of [
    [7, 10],
    [9, 100],
    [0, 3],
    [40, 20000],
  ] as const) {
    const [f, g] = [chain(n, most), unrolled(n)];
    const name = `${n} of ${most} steps`;
    close(jit(grad(f))(x, w), grad(g)(x, w).tolist(), `${name}: grad in the carry`);
    close(jit(grad(f, { argnums: 1 }))(x, w), grad(g, { argnums: 1 })(x, w).tolist(), `${name}: in a constant`);
    if (n !== 9) continue;
    close(jit(second(f))(x, w), second(g)(x, w).tolist(), `${name}: second derivative`, 1e-11);
    close(jit(third(f))(x, w), third(g)(x, w).tolist(), `${name}: third derivative`, 1e-10);
  }
  const [f, g] = [chain(7, 10), unrolled(7)];
  close(jit(hessian(f))(x, w), hessian(g)(x, w).tolist(), 'hessian');
  close(jit(grad(checkpoint(f) as typeof f))(x, w), grad(g)(x, w).tolist(), 'in a checkpoint');

  // A lane that has stopped computes sqrt of a negative number: the NaN must not reach a derivative.
  const shrink = (c: NDArray): NDArray => np.sqrt(c.sub(0.3)).mul(0.8);
  const until = (c: NDArray): NDArray => lax.whileLoop((v: NDArray) => v.gt(0.5), shrink, c, { maxSteps: 50 });
  const starts = [2, 0.9, 0.25, 5];
  const lane = (v: number): ((c: NDArray) => NDArray) => {
    let n = 0;
    for (let at = v; at > 0.5; at = 0.8 * Math.sqrt(at - 0.3)) n++;
    return (c) => {
      let at = c;
      for (let i = 0; i < n; i++) at = shrink(at);
      return at;
    };
  };
  const orders = [(h: any) => h, grad, (h: any) => grad(grad(h) as any), (h: any) => grad(grad(grad(h) as any) as any)];
  orders.forEach((d, k) => {
    const wanted = starts.map((v) => d(lane(v))(f64(v)).item());
    close(jit(vmap(d(until)))(f64(starts)), wanted, `order ${k}, each lane its own number of steps`, 1e-9);
  });
  close(
    grad((v: NDArray) => vmap(until)(v).sum())(f64(starts)),
    starts.map((v) => grad(lane(v))(f64(v)).item()),
    'grad of vmap',
    1e-9,
  );
  verifyJaxpr(makeJaxpr(vmap(grad(grad(until))))(f64(starts)).jaxpr);

  // The number of steps is recorded, and given to the loop that runs backwards.
  t.match(
    String(makeJaxpr(grad(until))(f64(2))),
    /b:i32\[\] c:f64\[\] = while\[[\s\S]*= checkpointed_loop\[[\s\S]*maxSteps=50[\s\S]*\] b a 1\.0:f64\[\]/,
  );
  const peak = (most: number) =>
    jit(grad((v: NDArray) => chain(most, most)(v, w))).lower(np.zeros([64]).astype('float64')).peakBytes;
  const [p100, p1600, p25600] = [100, 1600, 25600].map(peak) as [number, number, number];
  const state = 64 * 8;
  t.ok(p100 < 2 * 10 * state + 4096, `100 steps: ${p100} bytes`);
  t.ok(p1600 < 2 * 40 * state + 4096, `1600 steps: ${p1600} bytes`);
  t.ok(p25600 < 3 * 30 * state + 4096, `25600 steps, in three levels: ${p25600} bytes`);
  t.end();
});

const fifthPower = (x: NDArray): NDArray => lax.foriLoop(0, 4, (_i: NDArray, c: NDArray) => c.mul(x), x);

t.test('foriLoop', (t) => {
  close(fifthPower(f64(2)), 32, 'value');
  close(grad(fifthPower)(f64(2)), 80, 'grad');
  close(grad(grad(grad(fifthPower)))(f64(2)), 240, 'third derivative');
  close(jit(grad(jit(grad(fifthPower))))(f64(2)), 160, 'jit inside and outside');
  close(vmap(grad(grad(fifthPower)))(a), [20, 160, 540], 'vmap of grad of grad');
  close(jacfwd(grad(fifthPower))(f64(2)), 160, 'forward over reverse');
  close(grad((x: NDArray) => jvp(fifthPower, [x], [f64(1)])[1])(f64(2)), 160, 'reverse over forward');
  close(
    jit((n: NDArray) => lax.foriLoop(0, n, (i: NDArray, s: NDArray) => s.add(i), 0))(np.array(5, { dtype: 'int32' })),
    10,
    'traced bound',
  );
  t.end();
});

t.test('scan', (t) => {
  const f = (x: NDArray): [NDArray, NDArray] =>
    lax.scan((c: NDArray, y: NDArray) => [c.mul(x).add(y), c.mul(c)] as const, f64(0), a) as any;
  close(f(f64(2))[0], 11, 'carry');
  close(f(f64(2))[1], [0, 1, 16], 'stacked results');
  close(grad((x: NDArray) => f(x)[0])(f64(2)), 6, 'grad of the carry');
  close(grad((x: NDArray) => np.sum(f(x)[1]))(f64(2)), 8, 'grad of the stack');
  close(vmap(grad((x: NDArray) => np.sum(f(x)[1])))(a), [6, 8, 10], 'vmap of grad');
  const running = (c0: NDArray, xs: NDArray, reverse: boolean): [NDArray, NDArray] =>
    lax.scan((c: NDArray, y: NDArray) => [c.mul(y), c] as const, c0, xs, { reverse }) as any;
  close(grad((xs: NDArray) => running(f64(2), xs, false)[0])(a), [12, 6, 4], 'grad in xs');
  close(grad((xs: NDArray) => np.sum(running(f64(2), xs, true)[1]))(a), [0, 6, 6], 'reverse scan');
  close(
    vmap((xs: NDArray) => running(f64(2), xs, true)[1])(
      f64([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ),
    [12, 6, 2, 60, 12, 2],
    'vmap of a reverse scan',
  );
  close(
    lax.map((x: NDArray) => x.mul(x), a),
    [1, 4, 9],
    'map',
  );
  t.end();
});

t.test('checkpoint', (t) => {
  const cube = checkpoint((x: NDArray) => x.mul(x).mul(x));
  close(grad(cube)(f64(2)), 12, 'grad');
  close(grad(grad(cube))(f64(2)), 12, 'grad of grad');
  close(jit(vmap(grad(cube)))(a), [3, 12, 27], 'jit of vmap of grad');
  t.match(String(makeJaxpr(grad(cube))(f64(2))), /checkpoint/, 'the backward pass recomputes');
  // The loop carries x itself beside its tangent: in the backward pass only the tangent is linear.
  const captured = checkpoint((x: NDArray) => {
    const [carry] = lax.scan((_: NDArray, __: null) => [x, null], x, null, { length: 2 });
    return lax.min(carry as NDArray, x).mul(carry as NDArray);
  });
  close(grad(captured)(f64(3)), 6, 'a loop that hands its captured value on');
  // Twelve layers; with a checkpoint around every three, only every third result is kept.
  const w = np.ones([32, 32]).mul(0.03).astype('float64');
  const layer = (h: NDArray): NDArray => np.tanh(np.matmul(w, h));
  const three = (h: NDArray): NDArray => layer(layer(layer(h)));
  const network =
    (part: (h: NDArray) => NDArray) =>
    (h: NDArray): NDArray =>
      part(part(part(part(h)))).sum();
  const h = np.ones([32, 64]).astype('float64');
  const [plain, less] = [jit(grad(network(three))), jit(grad(network(checkpoint(three) as typeof three)))];
  const [most, fewer] = [plain.lower(h).peakBytes, less.lower(h).peakBytes];
  t.ok(fewer < 0.7 * most, `values that are computed again are not kept: ${fewer} of ${most} bytes`);
  t.strictSame(less(h).tolist(), plain(h).tolist(), 'the same bits');
  // A value with equations that are not linear, among results that are.
  const mixed = checkpoint((x: NDArray) => {
    const [last, ys] = lax.scan((c: NDArray, y: NDArray) => [c.mul(y), c] as const, x, a) as unknown as NDArray[];
    return jit((v: NDArray, u: NDArray) => v.add(u.mul(u).sum()))(last!, ys!);
  });
  close(grad(mixed)(f64(2)), 6 + 4 * (1 + 1 + 4), 'grad through what a loop stacks');
  t.end();
});

t.test('checkpoint policies', (t) => {
  const policies = checkpointPolicies;
  const w = f64([
    [1, 2],
    [3, 4],
  ]);
  const program = (policy: any, x = f64([0.1, 0.2])) => {
    const f = checkpoint((v: NDArray) => np.sin(checkpointName(np.matmul(w, np.exp(v)), 'product')).sum(), { policy });
    const text = String(makeJaxpr(grad(f))(x));
    const count = (name: string) => text.split(` ${name}`).length - 1;
    return { value: grad(f)(x), counts: ['exp', 'dot_general', 'cos'].map(count), f };
  };
  const wanted: [string, unknown, number[]][] = [
    ['nothingSaveable', policies.nothingSaveable, [2, 3, 1]],
    ['everythingSaveable', policies.everythingSaveable, [1, 2, 1]],
    ['dotsSaveable', policies.dotsSaveable, [2, 2, 1]],
    ['dotsWithNoBatchDimsSaveable', policies.dotsWithNoBatchDimsSaveable, [2, 2, 1]],
    ['saveOnlyTheseNames', policies.saveOnlyTheseNames('product'), [2, 2, 1]],
    ['saveOnlyTheseNames, another', policies.saveOnlyTheseNames('other'), [2, 3, 1]],
    ['saveAnyNamesButThese', policies.saveAnyNamesButThese('product'), [2, 3, 1]],
    ['saveAnythingExceptTheseNames', policies.saveAnythingExceptTheseNames('exp'), [1, 2, 1]],
    [
      'saveFromBothPolicies',
      policies.saveFromBothPolicies(policies.dotsSaveable, ({ name }) => name === 'exp'),
      [1, 2, 1],
    ],
  ];
  const truth = program(policies.everythingSaveable).value.tolist<number[][]>().flat();
  for (const [name, policy, counts] of wanted) {
    const { value, counts: got, f } = program(policy);
    t.strictSame(got, counts, `${name}: equations with exp, dot_general and cos`);
    close(value, truth, name);
    close(
      jit(vmap(grad((v: NDArray) => grad(f)(v).sum())))(f64([[0.1, 0.2]])),
      grad((v: NDArray) => grad((u: NDArray) => np.sin(np.matmul(w, np.exp(u))).sum())(v).sum())(
        f64([0.1, 0.2]),
      ).tolist(),
      `${name}: second derivative`,
    );
  }
  const lanes = checkpoint((x: NDArray) => np.sin(np.einsum('bij,bj->bi', np.stack([w, w]), x)).sum(), {
    policy: policies.dotsWithNoBatchDimsSaveable,
  });
  const text = String(
    makeJaxpr(grad(lanes))(
      f64([
        [1, 2],
        [3, 4],
      ]),
    ),
  );
  t.equal(text.split(' dot_general').length - 1, 3, 'products with batch dimensions are not kept by that policy');
  const inner = jit((v: NDArray) => np.matmul(w, v));
  const nested = checkpoint((v: NDArray) => np.sin(inner(np.exp(v))).sum(), { policy: policies.dotsSaveable });
  t.equal(String(makeJaxpr(grad(nested))(f64([1, 2]))).split(' dot_general').length - 1, 2, 'policies see into jit');
  t.end();
});

t.test('what loops carry and keep', (t) => {
  const text = (f: (x: NDArray) => any, x: NDArray = f64(2)) => String(makeJaxpr(f)(x));
  const three = [f64(1), np.array(0, { dtype: 'int32' })] as const;
  const jvpOf = (loop: (x: NDArray) => any) => text((x) => jvp(loop, [x], [x]));
  const scanned = jvpOf((x) =>
    lax.scan(([p, q, i]: any) => [[p.mul(q), q.mul(2), i.add(1)], q] as const, [x, ...three], null, { length: 3 }),
  );
  t.match(scanned, /consts=0\s+carry=4\s/, 'scan: one tangent beside three values');
  t.notMatch(scanned, /scan\[[\s\S]*scan\[/, 'and no second loop');
  const whiled = jvpOf((x) =>
    lax.whileLoop(
      ([, , i]: any) => i.lt(3),
      ([p, q, i]: any) => [p.mul(q), q.mul(2), i.add(1)],
      [x, ...three],
    ),
  );
  t.match(whiled, /d:f64\[\] e:f64\[\] f:i32\[\] g:f64\[\] = while/, 'while: the same');
  const backwards = text(
    grad(
      (x: NDArray) =>
        (
          lax.scan(([p, q, r]: any, y: NDArray) => [[p.mul(y), q.mul(x), r.add(p)], q] as const, [x, x, x], a) as any
        )[0][0],
    ),
  );
  t.match(
    backwards,
    /reverse=true\s+unroll=1\s+consts=0\s+carry=1\s[\s\S]*\] 1\.0:f64\[\] a/,
    'reverse: one cotangent, and xs themselves',
  );
  const constants = text((w) =>
    grad(
      (v: NDArray) =>
        (lax.scan((c: NDArray) => [c.mul(np.sin(v)).add(np.cos(v)), null] as const, w, null, { length: 5 }) as any)[0],
    )(w),
  );
  t.equal(constants.match(/f64\[5\]/g)!.length, 1, 'what depends on constants alone is kept once, not for every step');
  t.match(constants, /= sin a\n[\s\S]*= scan/, 'and computed before the loop');
  t.end();
});

t.test('scan: unroll, length, errors', (t) => {
  for (const reverse of [false, true]) {
    const f = (unroll: number | boolean, n: number) => (x: NDArray) =>
      lax.scan(
        (c: NDArray, y: NDArray) => [c.mul(y).add(np.sin(x)).mul(0.5), { v: c.mul(2), s: c.sum() }] as const,
        x,
        np.linspace(0, 1, n).astype('float64'),
        { unroll, reverse },
      ) as any;
    const loss = (unroll: number | boolean, n: number) => (x: NDArray) => {
      const [c, ys] = f(unroll, n)(x);
      return c.sum().add(ys.v.mul(ys.v).sum()).add(ys.s.sum());
    };
    for (const n of [0, 1, 7]) {
      const x = f64([1, 2]);
      const [value, slope] = [loss(1, n)(x).item(), grad(loss(1, n))(x).tolist()];
      for (const unroll of n === 7 ? [2, 3, true] : [2]) {
        close(jit(loss(unroll, n))(x), value, `${n} steps, unroll ${unroll}`);
        close(jit(grad(loss(unroll, n)))(x), slope, `${n} steps, unroll ${unroll}: grad`);
      }
    }
  }
  const body = (c: NDArray) => [c.mul(2), c] as const;
  close(lax.scan(body, f64(1), null, { length: 3 })[1] as any, [1, 2, 4], 'xs = null');
  t.throws(() => lax.scan(body, 1, null), { message: /^scan: needs `length` when there is nothing to scan over\./ });
  t.throws(() => lax.scan(body, 1, null, { length: 3, unroll: 0 }), {
    message: /^scan: unroll must be a positive integer or a boolean, but it is 0\./,
  });
  close(
    linearTranspose(
      (x: NDArray) => lax.foriLoop(0, 3, (i: NDArray, c: NDArray) => c.mul(i.add(1)), x),
      f64(1),
    )(f64(1))[0],
    6,
    'a counter beside a linear carry',
  );
  t.end();
});

t.test('associativeScan', (t) => {
  const { associativeScan } = lax;
  const times = (x: NDArray, y: NDArray): NDArray => x.mul(y);
  for (const n of [0, 1, 2, 3, 5, 8]) {
    const xs = Array.from({ length: n }, (_, i) => i + 1);
    let product = 1;
    const wanted = xs.map((v) => (product *= v));
    close(associativeScan(times, f64(xs)), wanted, `${n} elements`);
    let sum = 0;
    const sums = [...xs]
      .reverse()
      .map((v) => (sum += v))
      .reverse();
    close(
      associativeScan((x: NDArray, y: NDArray) => x.add(y), f64(xs), { reverse: true }),
      sums,
      `${n}, reverse`,
    );
  }
  // c ↦ a c + b, composed along the last axis.
  const affine = (p: any, q: any) => ({ a: p.a.mul(q.a), b: p.b.mul(q.a).add(q.b) });
  const [m, k] = [f64([[2, 3, 4]]), f64([[1, 1, 1]])];
  const { b } = associativeScan(affine, { a: m, b: k }, { axis: -1 });
  close(b, [1, 4, 17], 'trees, along an axis');
  close(
    jit(grad((v: NDArray) => associativeScan(affine, { a: v, b: k }, { axis: 1 }).b.sum()))(m),
    [0, 1 + 4, 4],
    'grad',
  );
  t.strictSame(
    associativeScan((x: NDArray, y: NDArray) => np.logicalOr(x, y), np.array([false, true, false])).tolist(),
    [false, true, true],
    'bools',
  );
  t.throws(() => associativeScan((x: any) => x.a, { a: m }, { axis: 1 }), {
    message: /^associativeScan: the function returns a value of structure \*, but elements have structure { a: \* }\./,
  });
  t.throws(() => associativeScan(affine, { a: m, b: f64([[1, 2]]) }, { axis: 1 }), {
    message: /^associativeScan: elems\.b has 2 elements along axis 1, but elems\.a has 3\./,
  });
  t.end();
});

t.test('loops in loops in roots in vmap in grad', (t) => {
  // y² by an inner loop in an outer one, in the equation y² = θ that a loop solves.
  const square = (y: NDArray): NDArray =>
    lax.foriLoop(
      0,
      2,
      (_i: NDArray, c: NDArray) =>
        lax.scan((s: NDArray) => [s.add(y.mul(y).mul(0.25)), null] as const, c, null, { length: 2 })[0] as NDArray,
      y.mul(0),
    );
  const solver = (_init: null, theta: NDArray): NDArray =>
    lax.whileLoop(
      ([y, last]: NDArray[]) => np.abs(y!.sub(last!)).gt(1e-15),
      ([y]: NDArray[]) => [y!.sub(square(y!).sub(theta).div(y!.mul(2))), y!],
      [f64(1), f64(0)],
    )[0] as NDArray;
  const root = customRoot((y: NDArray, theta: NDArray) => square(y).sub(theta))(solver);
  const fixed = customFixedPoint((y: NDArray, theta: NDArray) => y.sub(square(y).sub(theta).mul(0.2)))(solver);
  const thetas = f64([0.5, 1, 3]);
  const power = (c: number, p: number) => (thetas.tolist() as number[]).map((v) => c * v ** p);
  for (const [name, f] of [
    ['root', root],
    ['fixed point', fixed],
  ] as const) {
    const total = (v: NDArray): NDArray => vmap((x: NDArray) => f(null, x))(v).sum();
    const d1 = grad(total);
    const d2 = grad((v: NDArray) => d1(v).sum());
    const d3 = grad((v: NDArray) => d2(v).sum());
    close(jit(d1)(thetas), power(0.5, -0.5), `${name}: first`, 1e-10);
    close(jit(d2)(thetas), power(-0.25, -1.5), `${name}: second`, 1e-10);
    close(jit(d3)(thetas), power(0.375, -2.5), `${name}: third`, 1e-9);
  }
  // A loop in each branch of a cond whose predicate differs from lane to lane.
  const branches = (x: NDArray): NDArray =>
    lax.cond(
      x.gt(0),
      (y: NDArray) => lax.foriLoop(0, 3, (_i: NDArray, c: NDArray) => np.sqrt(c), y),
      (y: NDArray) =>
        lax.whileLoop(
          (c: NDArray) => c.gt(-4),
          (c: NDArray) => c.mul(2),
          y,
          { maxSteps: 9 },
        ),
      x,
    );
  close(
    vmap(grad(branches))(f64([-3, -1, 0.5, 2])),
    [2, 4, 0.125 * 0.5 ** -0.875, 0.125 * 2 ** -0.875],
    'no NaN from the other branch',
  );
  close(grad((x: NDArray) => vmap(branches)(x).sum())(f64([-3, 0.5])), [2, 0.125 * 0.5 ** -0.875], 'grad of vmap');
  t.end();
});

t.test('jacobians', (t) => {
  const f = (x: NDArray): NDArray =>
    np.stack([x.slice(0).mul(x.slice(1)), np.sin(x.slice(2)), x.slice(0).add(x.slice(2)), x.slice(1)]);
  const want = [2, 1, 0, 0, 0, Math.cos(3), 1, 0, 1, 0, 1, 0];
  close(jacfwd(f)(a), want, 'jacfwd, 4×3');
  close(jacrev(f)(a), want, 'jacrev, 4×3');
  t.same(jacrev(f)(a).shape, [4, 3]);
  close(hessian((x: NDArray) => np.sum(x.mul(x).mul(x)))(a), [6, 0, 0, 0, 12, 0, 0, 0, 18], 'hessian');
  const trees = jacrev((p: { w: NDArray; b: NDArray }) => ({ s: np.sum(p.w.mul(p.b)), v: p.w.mul(2) }))({
    w: a,
    b: f64(3),
  });
  close(trees.s.w, [3, 3, 3], 'scalar by vector');
  close(trees.s.b, 6, 'scalar by scalar');
  close(trees.v.w, [2, 0, 0, 0, 2, 0, 0, 0, 2], 'vector by vector');
  close(trees.v.b, [0, 0, 0], 'no dependence');
  t.end();
});

t.test('loops over arrays with axes of one element, whose steps compute without them', (t) => {
  const [row, one] = [f64([1, 2, 3, 4, 5]), f64([7])];
  for (const shape of [
    [1, 5],
    [1, 1, 5],
    [5, 1],
  ]) {
    const loop = (x: NDArray, start: NDArray): NDArray =>
      lax.foriLoop(
        0,
        3,
        (i, c) =>
          c
            .mul(0.5)
            .add(lax.reshape(x.add(1).mul(x), shape))
            .add(i),
        start,
      );
    const replaced = (x: NDArray, start: NDArray): NDArray =>
      lax.foriLoop(0, 3, () => lax.reshape(x.add(1), shape), start);
    const start = np.ones(shape, { dtype: 'float64' });
    const wanted = row.data().map((x) => {
      let c = 1;
      for (let i = 0; i < 3; i++) c = 0.5 * c + (x + 1) * x + i;
      return c;
    });
    close(np.ravel(jit(loop)(row, start)), Array.from(wanted), `[${shape}]`);
    close(np.ravel(jit(replaced)(row, start)), [2, 3, 4, 5, 6], `[${shape}], replaced`);
  }
  const single = (x: NDArray, start: NDArray): NDArray =>
    lax.foriLoop(0, 3, (_, c) => c.add(lax.reshape(x.mul(2), [1, 1])), start);
  const positions = (start: NDArray): NDArray =>
    lax.foriLoop(0, 3, (_, c) => c.add(lax.reshape(np.arange(5), start.shape)), start);
  close(np.ravel(jit(single)(one, np.ones([1, 1], { dtype: 'float64' }))), [43], 'one element');
  for (const shape of [
    [1, 5],
    [5, 1],
  ])
    close(np.ravel(jit(positions)(lax.reshape(row, shape))), [1, 5, 9, 13, 17], `[${shape}], positions`);
  t.end();
});

t.test('loops whose steps read the first element of what they carry', (t) => {
  const first = (x: NDArray): NDArray => lax.reshape(lax.slice(x, [0], [1]), []);
  const step = (c: NDArray): NDArray => np.cos(first(c).mul(c.mul(0.6)));
  const [c0, row] = [f64([-1.289, -1, 0.5]), f64([0.3, -0.2, 0.1])];
  const wanted = step(step(step(c0))).data();
  const loops = {
    foriLoop: (c: NDArray) => lax.foriLoop(0, 3, (_, c) => step(c), c),
    whileLoop: (c: NDArray) =>
      lax.whileLoop(
        ([i]) => lax.lt(i, 3),
        ([i, c]) => [i.add(1), step(c)] as const,
        [np.array(0), c] as const,
      )[1],
    scan: (c: NDArray) => lax.scan((c: NDArray) => [step(c), c] as const, c, undefined, { length: 3 })[0],
  };
  for (const [name, loop] of Object.entries(loops)) {
    close(jit(loop)(c0), Array.from(wanted), name, 1e-15);
    close(loop(c0), Array.from(wanted), `${name}, eager`, 1e-15);
  }
  const overRows = (c: NDArray): NDArray =>
    lax.scan((c: NDArray, r: NDArray) => [c.add(first(r)), c] as const, c, np.stack([row, row.mul(2)]))[0];
  close(jit(overRows)(c0), [-1.289 + 0.9, -1 + 0.9, 0.5 + 0.9], 'the first element of a row', 1e-15);
  t.end();
});

t.test('an array that a loop goes over is one that its steps read as a whole, too', (t) => {
  // As memory to go over, and as a number in a local: the number has to last while the loop runs.
  const f = (x: NDArray): NDArray => {
    const square = x.mul(x).reshape([1]);
    return lax.scan(
      (nothing: NDArray, s: NDArray) => {
        const [, sums] = lax.scan((c: NDArray, _: NDArray) => [x, c], s.mul(0.25), square) as [NDArray, NDArray];
        const [last] = lax.scan((_: NDArray, __: NDArray) => [square, square], sums, sums) as [NDArray, NDArray];
        return [nothing, last];
      },
      np.zeros([]),
      square,
    )[1] as NDArray;
  };
  t.same(jit(f)(np.array(3)).tolist(), [[9]]);
  t.same(f(np.array(3)).tolist(), [[9]]);
  t.end();
});

t.test('every transformed program is well formed', (t) => {
  const programs: [string, (x: NDArray) => any][] = [
    ['grad of cond', (x) => vmap(grad(cubeOrDouble))(x)],
    ['jvp of while', (x) => vmap((y: NDArray) => jvp(squareUntilLarge, [y], [f64(1)])[1])(x)],
    ['grad of scan', (x) => vmap(grad(grad(fifthPower)))(x)],
    ['hessian', (x) => hessian((y: NDArray) => np.sum(lax.map((z: NDArray) => z.mul(z).mul(z), y)))(x)],
  ];
  for (const [name, f] of programs) {
    t.doesNotThrow(() => verifyJaxpr(makeJaxpr(f)(a).jaxpr), name);
  }
  t.end();
});

t.test('the verifier refuses malformed programs', (t) => {
  const f32 = shapedArray([], 'float32');
  const flag = shapedArray([], 'bool');
  const [x, y, z, p] = [new Var(f32), new Var(f32), new Var(f32), new Var(flag)];
  const add = (a: Var, b: Var, out: Var): Eqn => ({
    primitive: lax.add.primitive,
    params: {},
    inputs: [a, b],
    outputs: [out],
  });
  const branch = makeJaxpr((a: NDArray) => a.mul(2))(np.array(1, { dtype: 'float32' })).jaxpr;
  const two = makeJaxpr((a: NDArray, b: NDArray) => a.mul(b))(np.ones([2]), np.ones([2])).jaxpr;
  const { primitive: cond } = makeJaxpr((a: NDArray) => lax.cond(a.gt(0), np.sin, np.cos, a))(
    np.array(1),
  ).jaxpr.eqns.at(-1)!;
  const { primitive: scan } = makeJaxpr((a: NDArray) => lax.scan((c, v) => [c, v], 0, a)[1])(
    np.ones([2]),
  ).jaxpr.eqns.at(-1)!;
  const refused = (message: RegExp, make: () => Jaxpr): void => {
    t.throws(() => verifyJaxpr(make()), { message }, String(message));
  };
  refused(/add uses a variable that is not in scope/, () => new Jaxpr([x], [add(x, y, z)], [z]));
  refused(/the result uses a variable that is not in scope/, () => new Jaxpr([x], [], [z]));
  refused(/a variable is bound twice/, () => new Jaxpr([x, y], [add(x, y, y)], [y]));
  refused(/add result 0 is bool\[\], but its type is f32\[\]/, () => new Jaxpr([x, y], [add(x, y, p)], [p]));
  refused(
    /the inputs of branch 1 of cond are \(f32\[2\], f32\[2\]\), but must be \(f32\[\]\)/,
    () =>
      new Jaxpr([p, x], [{ primitive: cond, params: { branches: [branch, two] }, inputs: [p, x], outputs: [z] }], [z]),
  );
  const loop = { body: branch, length: 3, reverse: false, unroll: 1, consts: 0, carry: 0 };
  const [xs, ys] = [new Var(shapedArray([2], 'float32')), new Var(shapedArray([3], 'float32'))];
  refused(
    /the leading axes of xs and ys of scan are \(f32\[2\], f32\[3\]\), but must be \(f32\[3\], f32\[3\]\)/,
    () => new Jaxpr([xs], [{ primitive: scan, params: loop, inputs: [xs], outputs: [ys] }], [ys]),
  );
  t.end();
});
