/** Derivatives and batches of the user's own. */
import t from 'tap';
import {
  checkpoint,
  closureConvert,
  customBatching,
  customJvp,
  customVjp,
  grad,
  hessian,
  jacfwd,
  jit,
  jvp,
  lax,
  linalg,
  linearize,
  linearTranspose,
  makeJaxpr,
  type NDArray,
  np,
  vmap,
} from '../src/index.ts';
import { close, f64 } from './lib/near.ts';

const a: NDArray = f64([1, 2, 3]);

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

t.test('captured values that are differentiated', (t) => {
  const viaJvp = (w: NDArray): NDArray => {
    const f = customJvp((x: NDArray) => x.mul(w));
    f.defjvp(([x], [dx]) => [x.mul(w), dx.mul(w).mul(10)]);
    return f(w.mul(3)) as NDArray;
  };
  const viaVjp = (w: NDArray): NDArray => {
    const f = customVjp((x: NDArray) => x.mul(w));
    f.defvjp(
      (x: NDArray) => [x.mul(w), w] as const,
      (v: NDArray, ct: NDArray) => [ct.mul(v).mul(10)],
    );
    return f(w.mul(3)) as NDArray;
  };
  // The rule for the argument: 10 w · 3; the function's own derivative in what it captured: 3 w.
  for (const [name, f] of [
    ['customJvp', viaJvp],
    ['customVjp', viaVjp],
  ] as const) {
    close(grad(f)(f64(2)), 66, `${name}: grad`);
    close(jvp(f, [f64(2)], [f64(1)])[1], 66, `${name}: jvp`);
    close(jit(vmap(grad(f)))(a), [33, 66, 99], `${name}: jit of vmap`);
    close(grad(grad(f))(f64(2)), 30 + 3, `${name}: again`, 1e-12);
  }
  t.end();
});

t.test('rules that call their own function, and capture', (t) => {
  type F = (x: NDArray) => NDArray;
  const exponential = (w: NDArray): F => {
    const f = customJvp((x: NDArray) => np.exp(w.mul(x)));
    f.defjvp(([x], [dx]) => [f(x), w.mul(f(x)).mul(dx)]);
    return f;
  };
  const reverse = (w: NDArray): F => {
    const f = customVjp((x: NDArray) => np.exp(w.mul(x)));
    f.defvjp(
      (x: NDArray) => [f(x), x] as const,
      (x: NDArray, ct: NDArray) => [w.mul(f(x)).mul(ct)],
    );
    return f;
  };
  const sine = (w: NDArray): F => {
    const sin = customJvp((x: NDArray) => np.sin(w.mul(x)));
    const cos = customJvp((x: NDArray) => np.cos(w.mul(x)));
    sin.defjvp(([x], [dx]) => [sin(x), w.mul(cos(x)).mul(dx)]);
    cos.defjvp(([x], [dx]) => [cos(x), w.mul(sin(x)).mul(dx).neg()]);
    return sin;
  };
  const nth = (w: NDArray): F => {
    const f = customJvp((n: number, x: NDArray) => np.exp(w.mul(x)).mul(np.power(w, n)), { nondiffArgnums: [0] });
    f.defjvp((n, [x], [dx]) => [f(n, x), f(n + 1, x).mul(dx)]);
    return (x) => f(0, x);
  };
  const fixed = (w: NDArray): F => {
    const f = customJvp((_scale: NDArray, x: NDArray) => np.exp(w.mul(x)), { nondiffArgnums: [0] });
    f.defjvp((scale, [x], [dx]) => [
      f(scale, x),
      w
        .mul(f(scale.mul(2), x))
        .mul(scale)
        .div(scale)
        .mul(dx),
    ]);
    return (x) => f(w.add(1), x);
  };
  const madeAnew = (w: NDArray): F => {
    const f = customJvp((x: NDArray) => np.exp(w.mul(x)));
    f.defjvp(([x], [dx]) => [f(x), w.mul(madeAnew(w)(x)).mul(dx)]);
    return f;
  };
  const quarter = f64([0.25, 0.25]);
  const withArrays = (w: NDArray): F => {
    const f = customJvp((x: NDArray) => np.exp(w.mul(x)));
    f.defjvp(([x], [dx]) => [
      f(x),
      w
        .mul(f(x))
        .mul(np.sum(quarter.add(f64([0, 0.5]))))
        .mul(dx)
        .mul(f64(1)),
    ]);
    return f;
  };
  const expOf =
    (w: NDArray): F =>
    (x) =>
      np.exp(w.mul(x));
  const uses: Record<string, (f: (w: NDArray) => F) => F> = {
    'called where w is differentiated': (f) => (v) => f(v)(v.mul(0.7)),
    'differentiated there': (f) => (v) =>
      grad((x: NDArray) => f(v)(x))(f64(0.3)).add(jvp(f(v), [v], [v])[1] as NDArray),
    'in a scan, a vmap and a checkpoint': (f) => (v) => {
      const lane = (c: NDArray): NDArray =>
        lax.scan((x: NDArray) => [checkpoint(f(v))(x).mul(0.5), null] as const, c, null, { length: 2 })[0] as NDArray;
      return np.sum(vmap(lane)(np.stack([v, v.mul(2)])));
    },
  };
  const orders: Record<string, (f: F) => F> = {
    'order 1': (f) => grad(f),
    'order 3': (f) => grad(grad(grad(f))),
    'order 3, forward over reverse over forward': (f) => jacfwd(grad(jacfwd(f) as F)) as F,
  };
  for (const [use, of] of Object.entries(uses)) {
    for (const [name, order] of Object.entries(orders)) {
      const exact = { exp: order(of(expOf))(f64(0.8)), sin: order(of((w) => (x) => np.sin(w.mul(x))))(f64(0.8)) };
      for (const f of [exponential, reverse, sine, nth, fixed, madeAnew, withArrays]) {
        close(order(of(f))(f64(0.8)), (f === sine ? exact.sin : exact.exp).item(), `${f.name}: ${use}: ${name}`);
      }
    }
  }
  for (const f of [exponential, reverse, sine]) {
    const third = order3(f);
    close(
      jit(vmap(third))(a),
      vmap(order3(f === sine ? (w) => (x) => np.sin(w.mul(x)) : expOf))(a).tolist(),
      `${f.name}: jit(vmap)`,
    );
  }
  function order3(f: (w: NDArray) => F): F {
    return grad(jit(grad(grad((v: NDArray) => f(v)(v.mul(0.7))))));
  }
  t.end();
});

t.test('nondiffArgnums', (t) => {
  const clip = customVjp((_bound: number, x: NDArray) => x, { nondiffArgnums: [0] });
  clip.defvjp(
    (_bound, x) => [x, null],
    (bound: number, _residuals: null, ct: NDArray) => [np.clip(ct, -bound, bound)],
  );
  close(grad((x: NDArray) => clip(0.5, x.mul(x)) as NDArray)(f64(3)), 3, 'customVjp: bwd gets the bound');
  const apply = customJvp((g: (x: NDArray) => NDArray, x: NDArray, how: string) => (how === 'twice' ? g(g(x)) : g(x)), {
    nondiffArgnums: [0, 2],
  });
  apply.defjvp((g, how, [x], [dx]) => [apply(g, x, how), dx.mul(how === 'twice' ? 2 : 1)]);
  const f = (x: NDArray): NDArray => apply(np.sin, x, 'twice') as NDArray;
  close(f(f64(1)), Math.sin(Math.sin(1)), 'customJvp: a function and a string');
  close(jit(vmap(grad(f)))(a), [2, 2, 2], 'the rule gets them first');
  const constant = customJvp((w: NDArray, x: NDArray) => w.mul(x), { nondiffArgnums: [0] });
  constant.defjvp((w, [x], [dx]) => [constant(w, x), dx.mul(w)]);
  close(grad((x: NDArray) => constant(x, x) as NDArray)(f64(3)), 3, 'an array there is a constant');
  const identity = (x: NDArray): NDArray => x;
  const late = customVjp(identity, { nondiffArgnums: [3] });
  late.defvjp(
    (x) => [x, null],
    () => [null],
  );
  t.throws(() => late(1), { message: /^`identity`: nondiffArgnums has 3, but the call has 1 argument\./ });
  t.end();
});

t.test('zero tangents', (t) => {
  const f = customJvp((x: NDArray, y: NDArray) => [x.mul(2), y.mul(3)]);
  f.defjvp(([x, y], [dx, dy]) => [f(x, y), [dx.mul(2), dy.mul(3)]]);
  const g = customVjp((x: NDArray, y: NDArray) => [x.mul(2), y.mul(3)]);
  g.defvjp(
    (x, y) => [g(x, y), null],
    (_: null, [p, q]: NDArray[]) => [p!.mul(2), q!.mul(3)],
  );
  for (const h of [f, g]) {
    const text = String(makeJaxpr((x: NDArray) => jvp((v: NDArray) => (h(v, 1) as any)[1].mul(v), [x], [x]))(f64(2)));
    t.notMatch(
      text.split('\n').at(-3),
      /add/,
      'a result that does not depend on what is differentiated has no tangent',
    );
  }
  t.end();
});

t.test('linear functions with rules have transposes', (t) => {
  const viaJvp = customJvp((x: NDArray) => x.mul(2));
  viaJvp.defjvp(([x], [dx]) => [viaJvp(x), dx.mul(2)]);
  close(linearTranspose((x: NDArray) => viaJvp(x) as NDArray, a)(a)[0], [2, 4, 6], 'customJvp');
  close(
    linearTranspose((x: NDArray) => lax.stopGradient({ y: x }).y.mul(2).add(x), a)(a)[0],
    [1, 2, 3],
    'what stopGradient lets through is constant, in trees too',
  );
  t.end();
});

t.test('customBatching', (t) => {
  const calls: unknown[] = [];
  const solution = (m: NDArray, b: NDArray): NDArray => linalg.solve(m, b) as NDArray;
  const solve = customBatching(solution);
  t.throws(() => solve(f64([[1]]), f64([1])), {
    message: /^customBatching: `solution` has no rule yet; call `solution\.defVmap\(…\)` before using it\./,
  });
  solve.defVmap((size, [mBatched, bBatched], m, b) => {
    calls.push([size, mBatched, bBatched]);
    if (mBatched) return [vmap(linalg.solve as any, { inAxes: [0, bBatched ? 0 : null] })(m, b), true];
    return [linalg.solve(m, b.T).T, true];
  });
  const m = f64([
    [3, 1],
    [0.5, 2],
  ]);
  const bs = f64([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const plain = (b: NDArray): NDArray => linalg.solve(m, b) as NDArray;
  const ruled = (b: NDArray): NDArray => solve(m, b) as NDArray;
  close(vmap(ruled)(bs), vmap(plain)(bs).tolist(), 'vmap');
  t.strictSame(calls, [[3, false, true]], 'by the rule');
  close(jit(vmap(ruled))(bs), vmap(plain)(bs).tolist(), 'inside jit');
  close(vmap(jit(ruled))(bs), vmap(plain)(bs).tolist(), 'around jit');
  close(vmap(vmap(ruled))(np.stack([bs, bs])), vmap(vmap(plain))(np.stack([bs, bs])).tolist(), 'vmap of vmap');
  calls.length = 0;
  const along = (f: (m: NDArray, b: NDArray) => NDArray) => (b: NDArray) => jvp((v: NDArray) => f(v, b), [m], [m])[1];
  close(vmap(along(solve as any))(bs), vmap(along(linalg.solve as any))(bs).tolist(), 'vmap of jvp');
  t.ok(calls.length > 0, 'by the derivative of the rule');
  const inMatrix = (f: (m: NDArray, b: NDArray) => any) => (v: NDArray) =>
    vmap(f as any, { inAxes: [null, 0] })(v, bs).sum();
  close(grad(inMatrix(solve))(m), grad(inMatrix(linalg.solve))(m).tolist(), 'grad of vmap');
  const sumOf = (f: (b: NDArray) => NDArray) => (b: NDArray) => np.square(f(b)).sum();
  close(vmap(grad(sumOf(ruled)))(bs), vmap(grad(sumOf(plain)))(bs).tolist(), 'vmap of grad');
  close(hessian(sumOf(ruled))(bs.slice(0)), hessian(sumOf(plain))(bs.slice(0)).tolist(), 'hessian');
  calls.length = 0;
  vmap(grad(sumOf(ruled)))(bs);
  t.strictSame(
    calls,
    [
      [3, false, true],
      [3, false, true],
    ],
    'the value, and the transpose of its derivative: one matrix for all lanes',
  );
  // A rule that can be told from the function: a hundred times as much.
  const times = customBatching((x: NDArray, y: NDArray) => np.sin(x).mul(y));
  times.defVmap((_size, _batched, x, y) => [np.sin(x).mul(y).mul(100), true]);
  const [sin, cos] = [[1, 2, 3].map(Math.sin), [1, 2, 3].map(Math.cos)];
  const hundred = (values: number[]): number[] => values.map((v) => 100 * v);
  close(
    vmap(grad(times as any), { inAxes: [0, null] })(a, f64(2)),
    hundred(cos.map((v) => 2 * v)),
    'vmap of grad: by the rule',
  );
  close(
    vmap(grad(times as any, { argnums: 1 }), { inAxes: [0, null] })(a, f64(2)),
    hundred(sin),
    'a gradient per lane of an argument that they share',
  );
  close(
    vmap(grad(grad(times as (a: NDArray, b: NDArray) => NDArray)))(a, a),
    hundred(sin.map((v, i) => -v * (i + 1))),
    'order 2',
  );
  close(jit(vmap(jit(grad(times as any))))(a, a), hundred(cos.map((v, i) => v * (i + 1))), 'jit');
  close(
    vmap((x: NDArray) => linearize((v: NDArray) => times(v, v) as NDArray, [x])[1](f64(1)))(a),
    hundred(sin.map((v, i) => v + cos[i]! * (i + 1))),
    'linearize',
  );
  close(
    vmap(vmap(grad(times as any)))(np.stack([a, a]), np.stack([a, a])),
    [1, 2, 3, 1, 2, 3].map((x) => 100 * Math.cos(x) * x),
    'the inner vmap calls the rule, the outer one batches it',
  );
  close(grad(times as any)(f64(1), f64(2)), 2 * Math.cos(1), 'without lanes: the function');
  // The rule captures what the function does, which may be of a trace that has ended when it is used.
  const scaled = jit((w: NDArray, x: NDArray): NDArray => {
    const f = customBatching((v: NDArray) => v.mul(w));
    f.defVmap((_size, _batched, v) => [v.mul(w).mul(100), true]);
    return f(x) as NDArray;
  });
  close(vmap(scaled, { inAxes: [null, 0] })(f64(2), a), [200, 400, 600], 'a captured value');
  close(vmap(grad(scaled, { argnums: 1 }), { inAxes: [null, 0] })(f64(2), a), [200, 200, 200], 'and in reverse mode');
  close(vmap(scaled)(a, a), [1, 4, 9], 'with lanes of its own: the function');
  const two = (x: NDArray) => ({ u: x.mul(2), v: f64(1) });
  const pair = customBatching(two);
  pair.defVmap((_size, _batched, x) => [
    { u: x.mul(2), v: f64(1) },
    { u: true, v: false },
  ]);
  const result = vmap(pair as any)(a) as any;
  t.strictSame([result.u.shape, result.v.shape], [[3], [3]], 'results without lanes get them');
  pair.defVmap((_size, _batched, x) => [x, true]);
  t.throws(() => vmap(pair as any)(a), {
    message: /^customBatching: the rule of `two` returned result of structure \*, but `two` returns { u: \*, v: \* }\./,
  });
  t.end();
});

t.test('closureConvert', (t) => {
  const shift = f64(10);
  const f = (w: NDArray): NDArray => {
    const [pure, captured] = closureConvert((x: NDArray) => x.mul(w).add(shift), f64(0));
    t.equal(captured.length, 1, 'what is being differentiated, not the array');
    return pure(f64(2), ...captured.map((v) => v.mul(3)));
  };
  close(grad(f)(f64(5)), 6, 'it is an argument now');
  // A solver with a rule that must see every differentiated value.
  const viaRule = (w: NDArray): NDArray => {
    const [pure, captured] = closureConvert((x: NDArray) => x.mul(w), f64(1));
    const call = customVjp((x: NDArray, ...rest: NDArray[]) => pure(x, ...rest));
    call.defvjp(
      (x, ...rest) => [pure(x, ...rest), [x, rest]] as const,
      ([x, [v]]: any, ct: NDArray) => [ct.mul(v), ct.mul(x).mul(100)],
    );
    return call(f64(2), ...captured) as NDArray;
  };
  close(grad(viaRule)(f64(5)), 200, 'by the rule of the user');
  grad((w: NDArray) => {
    const [pure, captured] = closureConvert((x: NDArray) => x.mul(w), f64(1));
    t.throws(() => pure(f64([1, 2]), ...captured), {
      message:
        /^closureConvert: the function was converted for arguments \(f64\[\]\) and 1 captured values, but it got \(f64\[2\]\) and 1\./,
    });
    return w;
  })(f64(1));
  t.end();
});

t.test('a rule that makes arrays, where a program is transformed', (t) => {
  const scaled: any = customBatching((x: NDArray) => x.mul(np.array([1, 2])));
  scaled.defVmap((_size: number, [batched]: [boolean], x: NDArray) => [
    x.mul(batched ? np.array([[1, 2]]) : np.array([1, 2])),
    batched,
  ]);
  const x = np.array([
    [1, 2],
    [3, 4],
  ]);
  t.same(vmap(jit(scaled) as (x: NDArray) => NDArray)(x).tolist(), [
    [1, 4],
    [3, 8],
  ]);
  const slope = (v: NDArray): NDArray => grad((u: NDArray) => np.sum(jit(scaled)(u) as NDArray))(v);
  t.same(vmap(slope)(x).tolist(), [
    [1, 2],
    [1, 2],
  ]);
  t.end();
});
