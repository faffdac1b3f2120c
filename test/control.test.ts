import t from 'tap';
import { verifyJaxpr } from '../src/core/verify.ts';
import {
  checkpoint,
  customJvp,
  customVjp,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  lax,
  makeJaxpr,
  type NDArray,
  np,
  vmap,
} from '../src/index.ts';

const f64 = (values: any): NDArray => np.array(values, { dtype: 'float64' });
const a: NDArray = f64([1, 2, 3]);

/** Equal to 1e-12, shape included. */
function close(actual: any, expected: any, name: string, tol = 1e-12): void {
  const got: number[] = [actual.tolist()].flat(9);
  const want: number[] = [expected].flat(9);
  const ok =
    got.length === want.length && got.every((x, i) => Math.abs(x - want[i]!) <= tol * Math.max(1, Math.abs(want[i]!)));
  t.ok(ok, ok ? name : `${name}: got ${JSON.stringify(actual.tolist())}, want ${JSON.stringify(expected)}`);
}

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

t.test('custom rules', (t) => {
  const square = customJvp((x: NDArray) => x.mul(x));
  square.defjvp(([x], [dx]) => [square(x), x.mul(3).mul(dx)]);
  close(grad(square)(f64(2)), 6, 'the rule, not the truth');
  close(grad(grad(square))(f64(2)), 3, 'again');
  close(jit(vmap(grad(square)))(a), [3, 6, 9], 'jit of vmap');
  close(
    grad((y: NDArray) => {
      const times = customJvp((x: NDArray) => x.mul(y));
      times.defjvp(([x], [dx]) => [times(x), dx.mul(y)]);
      return times(y.mul(2));
    })(f64(3)),
    12,
    'function and rule close over a tracer',
  );
  const viaVjp = customVjp((x: NDArray) => x.mul(x));
  viaVjp.defvjp(
    (x: NDArray) => [viaVjp(x), x] as const,
    (x: NDArray, ct: NDArray) => [x.mul(3).mul(ct)],
  );
  close(grad(viaVjp)(f64(2)), 6, 'customVjp');
  close(grad(grad(viaVjp))(f64(2)), 3, 'customVjp twice');
  close(jvp(viaVjp, [f64(2)], [f64(1)])[1], 6, 'customVjp forwards, by transposing bwd');
  close(jit(vmap(grad(viaVjp)))(a), [3, 6, 9], 'customVjp under vmap and jit');
  close(grad((x: NDArray) => np.sum(vmap(viaVjp)(x)))(a), [3, 6, 9], 'grad of vmap');
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
