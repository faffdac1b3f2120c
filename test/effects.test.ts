/** Effects of programs: which happen, how often, and in which order. */
import t from 'tap';
import {
  checkpoint,
  customJvp,
  customRoot,
  customVjp,
  debug,
  grad,
  hessian,
  jit,
  jvp,
  lax,
  linearize,
  linearSolve,
  makeJaxpr,
  type NDArray,
  np,
  solvers,
  vjp,
  vmap,
} from '../src/index.ts';
import { printed } from './lib/printed.ts';

const x: NDArray = np.array([1, 2, 3]);

t.test('compiled programs keep the order of effects', async (t) => {
  const f = jit((v: NDArray) => {
    debug.print('first {}', v);
    const y = np.sin(v).mul(0);
    debug.print('second {}', y.sum());
    debug.print('third');
    return v;
  });
  const run = () => printed(() => f(x));
  t.same(run(), ['first [1. 2. 3.]', 'second 0.0', 'third']);
  t.same(run(), run());
  t.match(
    String(
      makeJaxpr((v: NDArray) => {
        debug.print('{}', v);
        return v;
      })(x),
    ),
    /debug_callback/,
  );
});

t.test('loops', async (t) => {
  const expected = ['i = 0', 'i = 1', 'i = 2'];
  const say = (i: NDArray) => debug.print('i = {:d}', i);
  const loops: Record<string, () => unknown> = {
    while: () =>
      lax.whileLoop(
        (i: NDArray) => i.lt(3),
        (i: NDArray) => {
          say(i);
          return i.add(1);
        },
        0,
      ),
    bounded: () =>
      lax.whileLoop(
        (i: NDArray) => i.lt(3),
        (i: NDArray) => {
          say(i);
          return i.add(1);
        },
        0,
        { maxSteps: 5 },
      ),
    fori: () =>
      lax.foriLoop(
        0,
        3,
        (i, c) => {
          say(i);
          return c;
        },
        0,
      ),
    scan: () =>
      lax.scan(
        (c: NDArray, v: NDArray) => {
          say(v);
          return [c, v];
        },
        0,
        np.arange(3),
      ),
    nested: () =>
      lax.scan(
        (c: NDArray, v: NDArray) =>
          lax.cond(
            v.ge(0),
            (w: NDArray) => {
              say(w);
              return [c, w] as const;
            },
            (w: NDArray) => [c, w] as const,
            v,
          ),
        0,
        np.arange(3),
      ),
  };
  for (const [name, loop] of Object.entries(loops)) {
    t.same(printed(loop), expected, `${name}, eager`);
    t.same(
      printed(() => jit(loop as () => NDArray)()),
      expected,
      `${name}, jit`,
    );
  }
  t.same(
    printed(() =>
      lax.scan(
        (c: NDArray, v: NDArray) => {
          say(v);
          return [c, v];
        },
        0,
        np.arange(3),
        { reverse: true },
      ),
    ),
    [...expected].reverse(),
    'a reversed scan',
  );
  t.same(
    printed(() =>
      lax.whileLoop(
        (i: NDArray) => {
          debug.print('test {:d}', i);
          return i.lt(1);
        },
        (i: NDArray) => {
          say(i);
          return i.add(1);
        },
        0,
      ),
    ),
    ['test 0', 'i = 0', 'test 1'],
    'an effect in the condition',
  );
});

t.test('dead code keeps effects and what they need', async (t) => {
  const f = (v: NDArray) => {
    const [, unused] = lax.scan(
      (c: NDArray, w: NDArray) => {
        debug.print('{}', c);
        return [c.add(w), w];
      },
      0,
      v,
    );
    void unused;
    return v.mul(2);
  };
  t.same(
    printed(() => jit(f)(x)),
    ['0.0', '1.0', '3.0'],
  );
  t.same(
    printed(() => grad((v: NDArray) => jit(f)(v).sum())(x)),
    ['0.0', '1.0', '3.0'],
  );
});

t.test('cond runs the effects of the chosen branch', async (t) => {
  const f = (v: NDArray | number) =>
    lax.cond(
      np.greater(v, 0),
      (w: NDArray) => {
        debug.print('positive');
        return w.mul(2);
      },
      (w: NDArray) => {
        debug.print('negative');
        return w;
      },
      v as NDArray,
    );
  for (const g of [f, jit(f), grad(f), jit(grad(f))] as ((v: number) => unknown)[])
    t.same(
      printed(() => [g(1), g(-1)]),
      ['positive', 'negative'],
    );
});

t.test('derivatives see values, once', async (t) => {
  const f = (v: NDArray) => {
    debug.print('v = {}', v);
    return np.sin(v).mul(v).sum();
  };
  const once = ['v = [1. 2. 3.]'];
  const ways: Record<string, () => unknown> = {
    grad: () => grad(f)(x),
    'jit of grad': () => jit(grad(f))(x),
    'grad of jit': () => grad(jit(f))(x),
    jvp: () => jvp(f, [x], [x]),
    vjp: () => vjp(f, [x])[1](1),
    linearize: () => linearize(f, [x])[1](x),
    hessian: () => hessian(f)(x),
    checkpoint: () => grad(checkpoint(f))(x),
    'jit of grad of checkpoint': () => jit(grad(checkpoint(f)))(x),
  };
  for (const [name, way] of Object.entries(ways)) t.same(printed(way), once, name);

  const loop = (v: NDArray) =>
    lax.whileLoop(
      ([i]) => np.less(i, 2),
      ([i, c]) => {
        debug.print('{:d} {}', i, c);
        return [i.add(1), c.mul(2)];
      },
      [0, v] as [number, NDArray],
    )[1];
  t.same(
    printed(() => linearize(loop, [1 as never])[1](1 as never)),
    ['0 1.0', '1 2.0'],
    'a loop that the linear part repeats',
  );
});

t.test('a rule may print its tangent; the transposed program does not', async (t) => {
  const f = customJvp((v: NDArray) => np.sin(v));
  f.defjvp(([v], [dv]) => {
    debug.print('tangent {}', dv);
    return [f(v), np.cos(v).mul(dv)];
  });
  t.same(
    printed(() => jvp(f, [0 as never], [3 as never])),
    ['tangent 3.0'],
  );
  t.same(
    printed(() => grad(f)(0 as never)),
    [],
  );
});

t.test('vmap runs lane after lane', async (t) => {
  const f = (v: NDArray) => {
    debug.print('{}', v);
    return v.mul(2);
  };
  t.same(
    printed(() => vmap(f)(x)),
    ['1.0', '2.0', '3.0'],
  );
  t.same(
    printed(() => jit(vmap(f))(x)),
    ['1.0', '2.0', '3.0'],
  );
  t.same(
    printed(() =>
      vmap(f, { inAxes: 1 })(
        np.array([
          [1, 2],
          [3, 4],
        ]),
      ),
    ),
    ['[1. 3.]', '[2. 4.]'],
  );
  const pairs = (a: NDArray, b: NDArray) => {
    debug.print('{} {}', a, b);
    return a.add(b);
  };
  const grid = vmap(vmap(pairs, { inAxes: [null, 0] }), { inAxes: [0, null] });
  const lines = ['1.0 10.0', '1.0 20.0', '2.0 10.0', '2.0 20.0'];
  t.same(
    printed(() => grid(np.array([1, 2]), np.array([10, 20]))),
    lines,
  );
  t.same(
    printed(() => jit(grid)(np.array([1, 2]), np.array([10, 20]))),
    lines,
  );
  t.same(
    printed(() =>
      vmap((v: NDArray) => {
        debug.print('whole {}', x);
        return v;
      })(x),
    ),
    ['whole [1. 2. 3.]'],
    'once where nothing depends on the lane',
  );
  t.same(
    printed(() => vmap(grad((v: NDArray) => f(v).mul(v)))(x)),
    ['1.0', '2.0', '3.0'],
  );
});

t.test('a lane has the effects that it has alone, whatever the others do', async (t) => {
  let seen: [number, string][] = [];
  const say = (lane: NDArray, what: string, v: NDArray): void =>
    debug.callback((i, text, w) => seen.push([i.item() as number, `${text} ${w}`]), lane, what, v);
  /** Counts down from v, in a loop whose condition and body speak. */
  const loop = (lane: NDArray, v: NDArray, maxSteps?: number): NDArray =>
    lax.whileLoop(
      (c: NDArray) => {
        say(lane, 'test', c);
        return c.gt(0.5);
      },
      (c: NDArray) => {
        say(lane, 'step', c);
        return c.sub(1);
      },
      v,
      maxSteps ? { maxSteps } : {},
    ) as NDArray;
  const branch = (f: (w: NDArray) => NDArray) => (lane: NDArray, v: NDArray) =>
    lax.cond(
      v.gt(1.5),
      (w: NDArray) => {
        say(lane, 'large', w);
        return f(w);
      },
      (w: NDArray) => {
        say(lane, 'small', w);
        return w.mul(1);
      },
      v,
    ) as NDArray;
  const ruled = (lane: NDArray, v: NDArray): NDArray => {
    const f = customJvp((w: NDArray) => {
      say(lane, 'ruled', w);
      return w.mul(w);
    });
    f.defjvp(([w], [dw]) => {
      say(lane, 'its rule', w);
      return [f(w), w.mul(dw).mul(2)];
    });
    return f(v) as NDArray;
  };
  const reversed = (lane: NDArray, v: NDArray): NDArray => {
    const f = customVjp((w: NDArray) => w.mul(w));
    f.defvjp(
      (w: NDArray) => {
        say(lane, 'forwards', w);
        return [w.mul(w), w] as const;
      },
      (w: NDArray, ct: NDArray) => {
        say(lane, 'backwards', w);
        return [w.mul(ct).mul(2)];
      },
    );
    return f(v) as NDArray;
  };
  const root = (lane: NDArray, v: NDArray): NDArray =>
    customRoot((y: NDArray, a: NDArray) => y.mul(y).sub(a))((y0: NDArray, a: NDArray) => {
      say(lane, 'solving', a);
      return lax.foriLoop(0, 12, (_, y) => y.add(a.div(y)).mul(0.5), y0.add(a)) as NDArray;
    })(np.array(1), v) as unknown as NDArray;
  const linear = (lane: NDArray, v: NDArray): NDArray =>
    linearSolve
      .solveCg(
        (y: NDArray) => {
          say(lane, 'operator', v);
          return y.mul(v.add(1));
        },
        np.stack([v, v.mul(2)]),
      )
      .sum();
  const programs: Record<string, (lane: NDArray, v: NDArray) => NDArray> = {
    cond: branch((w) => w.mul(2)),
    switch: (lane, v) =>
      lax.switch(
        v.astype('int32'),
        [1, 2, 3, 4].map((k) => (w: NDArray) => {
          say(lane, `branch ${k}`, w);
          return w.mul(k);
        }),
        v,
      ) as NDArray,
    while: loop,
    'bounded while': (lane, v) => loop(lane, v, 5),
    'a loop in a branch': (lane, v) => branch((w) => loop(lane, w))(lane, v),
    'a branch in a loop': (lane, v) =>
      lax.whileLoop(
        (c: NDArray) => c.gt(0.5),
        (c: NDArray) => branch((w) => w.sub(1))(lane, c).sub(0.25),
        v,
      ) as NDArray,
    'a scan in a branch': (lane, v) =>
      branch(
        (w) =>
          lax.scan(
            (c: NDArray, k: NDArray) => {
              say(lane, 'scanned', k);
              return [c.add(k), null] as const;
            },
            w,
            np.arange(3),
          )[0] as NDArray,
      )(lane, v),
    'a call and a checkpoint': (lane, v) =>
      branch(jit(checkpoint(jit((w: NDArray) => branch(np.sin)(lane, w)))))(lane, v),
    'custom rules': (lane, v) => branch((w) => ruled(lane, reversed(lane, w)))(lane, v),
    'a root': (lane, v) => branch((w) => root(lane, w))(lane, v),
    'a linear solve': (lane, v) => branch((w) => linear(lane, w))(lane, v),
  };
  type F = (lane: NDArray, v: NDArray) => NDArray;
  const values = [1, 2, 3, 0.25];
  const lanes = np.arange(4, undefined, undefined, { dtype: 'int32' });
  const under: Record<string, [of: (f: F) => F, many: (f: F) => F]> = {
    vmap: [(f) => f, (f) => vmap(f)],
    'jit of vmap': [(f) => f, (f) => jit(vmap(f))],
    'vmap of vmap': [(f) => f, (f) => (i, v) => vmap(vmap(f))(i.reshape([2, 2]), v.reshape([2, 2])).reshape([4])],
    'vmap of grad': [(f) => grad(f, { argnums: 1 }) as F, (f) => vmap(grad(f, { argnums: 1 }) as F)],
    'grad of vmap': [
      (f) => grad(f, { argnums: 1 }) as F,
      (f) => grad((i: NDArray, v: NDArray) => np.sum(vmap(f)(i, v)), { argnums: 1 }) as F,
    ],
    'jvp of vmap': [
      (f) => (i, v) => jvp((w: NDArray) => f(i, w), [v], [np.onesLike(v)])[1] as NDArray,
      (f) => (i, v) => jvp((w: NDArray) => vmap(f)(i, w), [v], [np.onesLike(v)])[1] as NDArray,
    ],
  };
  for (const [name, f] of Object.entries(programs)) {
    for (const [way, [of, many]] of Object.entries(under)) {
      if (name === 'while' || name.includes('loop')) if (way.includes('grad')) continue;
      seen = [];
      const alone = values.map((v, i) => of(f)(np.array(i, { dtype: 'int32' }), np.array(v)).item());
      const expected = seen;
      seen = [];
      const together = many(f)(lanes, np.array(values)).tolist() as number[];
      const label = `${name}, ${way}`;
      t.ok(
        together.every((y, i) => Math.abs(y - (alone[i] as number)) <= 1e-5),
        `${label}: values`,
      );
      for (let i = 0; i < 4; i++)
        t.same(
          seen.filter(([lane]) => lane === i),
          expected.filter(([lane]) => lane === i),
          `${label}: lane ${i}`,
        );
    }
  }
  // Lanes within the branch, and lanes of the predicate around them.
  const rows = vmap((p: NDArray, v: NDArray) =>
    lax.cond(
      p.gt(0),
      (w: NDArray) =>
        vmap((u: NDArray) => {
          debug.print('{}', u);
          return u.mul(2);
        })(w),
      (w: NDArray) => w,
      v,
    ),
  );
  t.same(
    printed(() =>
      jit(rows)(
        np.array([1, -1]),
        np.array([
          [1, 2],
          [3, 4],
        ]),
      ),
    ),
    ['1.0', '2.0'],
    'lanes within lanes',
  );
  const once = vmap((v: NDArray) =>
    lax.whileLoop(
      (c: NDArray) => c.lt(v),
      (c: NDArray) => {
        debug.print('step');
        return c.add(1);
      },
      np.array(0),
    ),
  );
  t.same(
    printed(() => once(np.array([1, 3, 2]))),
    ['step', 'step', 'step'],
    'what does not depend on the lane: once a step',
  );
  const solved = (a: NDArray): NDArray =>
    lax.cond(
      a.gt(0),
      (b: NDArray) =>
        new solvers.Bisection({
          optimalityFun: (y: NDArray, c: NDArray) => y.mul(y).sub(c),
          lower: 0,
          upper: 2,
          throw: true,
        }).run(null, b).params,
      (b: NDArray) => b.mul(0),
      a,
    ) as NDArray;
  t.same(
    (vmap(solved)(np.array([1, -1])).tolist() as number[]).map((y) => Math.round(y * 100) / 100),
    [1, 0],
    'throw: a lane that does not solve does not fail',
  );
  t.throws(() => vmap(solved)(np.array([1, -1, 9])), { name: 'SolveError' }, 'and one that does, does');
});

t.test('callbacks may run compiled programs, and may fail', async (t) => {
  const inner = jit((v: NDArray) => v.mul(10).sum());
  const seen: unknown[] = [];
  const f = jit((v: NDArray) => {
    debug.callback((w) => seen.push(inner(w).item()), v);
    const y = np.exp(v.sub(v));
    debug.callback((w) => seen.push(inner(w).item(), grad(inner)(w).tolist()), y);
    return y.add(v);
  });
  t.same(f(x).tolist(), [2, 3, 4]);
  t.same(seen, [60, 30, [10, 10, 10]]);

  const failing = jit((v: NDArray) => {
    debug.callback((w) => {
      if (w.gt(2).item()) throw new RangeError('too large');
    }, v.sum());
    return v.mul(2);
  });
  t.same(failing(np.array([1])).tolist(), [2]);
  t.throws(() => failing(x), { name: 'RangeError', message: 'too large' });
  t.same(failing(np.array([1])).tolist(), [2], 'the program can run again');
});

t.test('callbacks that run compiled programs, everywhere', async (t) => {
  const inner = jit((v: NDArray) => np.sum(v.mul(10)));
  const nested = jit((v: NDArray) => lax.foriLoop(0, 3, (i, c) => c.add(i), inner(v)));
  const seen: number[] = [];
  const look = (v: NDArray) =>
    debug.callback((w) => {
      seen.push(nested(w).item(), np.sum(grad(inner)(w)).item());
    }, v);
  const f = (v: NDArray) => {
    look(v);
    return np.sum(np.sin(v));
  };
  const body = (c: NDArray, v: NDArray): [NDArray, NDArray] => {
    look(v);
    return [c.add(inner(v)), c];
  };
  const one = [13, 10];
  const ways: Record<string, [() => unknown, number[]]> = {
    jit: [() => jit(f)(np.ones([1])), one],
    vmap: [() => vmap(f)(np.ones([2])), [...one, ...one]],
    'jit of vmap': [() => jit(vmap(f))(np.ones([2])), [...one, ...one]],
    grad: [() => grad(f)(np.ones([1])), one],
    'jit of grad': [() => jit(grad(f))(np.ones([1])), one],
    scan: [() => lax.scan(body, 0, np.ones([2])), [...one, ...one]],
    'jit of scan': [() => jit((v: NDArray) => lax.scan(body, 0, v))(np.ones([2])), [...one, ...one]],
    'grad of scan': [() => grad((v: NDArray) => lax.scan(body, 0, v)[0] as NDArray)(np.ones([2])), [...one, ...one]],
    cond: [() => jit((v: NDArray) => lax.cond(v.gt(0), f, (w: NDArray) => w, v))(1), one],
    'the other branch': [() => jit((v: NDArray) => lax.cond(v.gt(0), f, (w: NDArray) => w, v))(-1), []],
  };
  for (const [name, [way, expected]] of Object.entries(ways)) {
    seen.length = 0;
    way();
    t.same(seen, expected, name);
  }
});

t.test('effects of a function with a rule happen once, also where what it captures is differentiated', (t) => {
  const seen: number[] = [];
  const loss = (v: NDArray): NDArray => {
    const f: any = customJvp((x: NDArray) => {
      debug.callback((value: NDArray) => seen.push(value.item()), v);
      return x.mul(v);
    });
    f.defjvp(([x]: [NDArray], [dx]: [NDArray]) => [f(x), dx.mul(v)]);
    return f(np.array(2));
  };
  for (const [how, run] of [
    ['', grad(loss)],
    ['compiled ', jit(grad(loss))],
  ] as const) {
    seen.length = 0;
    t.equal(run(np.array(3)).item(), 2, `${how}derivative`);
    t.same(seen, [3], `${how}once`);
  }
  t.end();
});
