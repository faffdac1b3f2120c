/** What is seen of programs while they run: text, progress, numbers that are not finite; and programs as text. */
import t from 'tap';
import { checkpoint, customRoot, debug, grad, jit, lax, makeJaxpr, type NDArray, np, vmap } from '../src/index.ts';
import { printed } from './lib/printed.ts';

const x: NDArray = np.array([1, 2, 3]);

t.test('print formats like Python', async (t) => {
  const shows = (line: string, format: string, ...args: unknown[]) =>
    t.same(
      printed(() => debug.print(format, ...args)),
      [line],
      format,
    );
  shows('x = [1. 2. 3.]', 'x = {}', x);
  shows('[1. 2. 3.] then 4', '{} then {y}', x, { y: 4 });
  shows('b a b', '{1} {0} {1}', 'a', 'b');
  shows('{} {x}', '{{}} {{x}}');
  shows('0.123', '{:.3f}', 0.12345);
  shows('[1.00 2.00 3.00]', '{v:.2f}', { v: x });
  shows('1.5e+00 | 1e+10 |     7|-1  |+2', '{:.1e} | {:.0e} |{:6d}|{:<4}|{:+}', 1.5, 1e10, 7, -1, 2);
  shows('{ a: 1.0, b: [[1. 2. 3.], null, true] }', '{}', { a: np.array(1), b: [x, null, true] });
  shows('no fields', 'no fields');
});

t.test('print checks its arguments where it is called', async (t) => {
  const fails = (message: string, ...args: unknown[]) =>
    t.throws(() => debug.print(...(args as [string])), { message }, message);
  fails('debug.print: "{} {}" has a field for argument 1, but 1 was given.', '{} {}', 1);
  fails('debug.print: "x" has no field for argument 0.', 'x', 1);
  fails(
    'debug.print: "{a}" has a field {a}, but no argument of that name was given.\n  hint: name it in an object given last: `debug.print(format, { a })`',
    '{a}',
    1,
  );
  fails(
    "debug.print: the first argument must be a format string, but it is f32[3].\n  hint: put the value after it, as in `debug.print('{}', x)`",
    x,
  );
  fails('debug.print: "{" has a brace that is not closed.', '{', 1);
});

t.test('callback receives arrays in trees, and the rest as it is', async (t) => {
  const seen: unknown[] = [];
  const f = jit((v: NDArray) => {
    debug.callback(
      (tree, text, n) => seen.push(tree.a.tolist(), tree.b[0].item(), tree.b[1], text, n),
      { a: v, b: [v.sum(), 'inside'] as [NDArray, string] },
      'outside',
      7,
    );
    return v.mul(2);
  });
  t.same(f(x).tolist(), [2, 4, 6]);
  t.same(seen, [[1, 2, 3], 6, 'inside', 'outside', 7]);
  f(np.array([0, 0, 1]));
  t.same(seen.slice(5), [[0, 0, 1], 1, 'inside', 'outside', 7]);
  t.throws(() => debug.callback(x as never), {
    message: 'debug.callback: the first argument must be a function, but it is f32[3].',
  });
});

t.test('dtypes arrive unchanged', async (t) => {
  const seen: string[] = [];
  const f = jit((...values: NDArray[]) => {
    for (const v of values) debug.callback((w) => seen.push(`${w.dtype} ${w}`), v);
    return values[0]!;
  });
  f(np.array([1, 2], { dtype: 'float64' }), np.array(3, { dtype: 'int32' }), np.array([7], { dtype: 'uint32' }));
  f(np.array(true), np.zeros([0]), np.arange(20).reshape(4, 5).slice(3));
  t.same(seen, [
    'float64 [1. 2.]',
    'int32 3',
    'uint32 [7]',
    'bool True',
    'float32 []',
    `${np.arange(20).reshape(4, 5).slice(3).dtype} ${np.arange(20).reshape(4, 5).slice(3)}`,
  ]);
});

t.test('progress', async (t) => {
  const texts: string[] = [];
  const write = (text: string) => {
    texts.push(text.replace(/\d\d:\d\d/g, 'mm:ss').replace(/[\d.e+?]+\/s/, 'n/s'));
  };
  const loop = jit((w: NDArray) =>
    lax.foriLoop(
      0,
      1000,
      (i, c) => {
        debug.progress(i.add(1), { total: 1000, label: 'train', values: { loss: c }, write });
        return c.mul(0.99);
      },
      w,
    ),
  );
  const wanted = ['\r', 'train:   0%|          | 1/1000 [mm:ss, n/s, loss 1]', '\x1b[K'].join('');
  const last = '\rtrain: 100%|██████████| 1000/1000 [mm:ss<mm:ss, n/s, loss 0.00004361]\x1b[K\n';
  for (const again of [false, true]) {
    texts.length = 0;
    loop(1);
    t.equal(texts[0], wanted, `the first line${again ? ' of the second run' : ''}`);
    t.equal(texts.at(-1), last, 'the last one');
  }
  for (const [name, run] of Object.entries<() => unknown>({
    scan: () =>
      lax.scan(
        (c: NDArray, v: NDArray) => {
          debug.progress(v, { write });
          return [c, v];
        },
        0,
        np.arange(1, 4, 1, { dtype: 'int32' }),
      ),
    while: () =>
      jit(() =>
        lax.whileLoop(
          (i: NDArray) => i.lt(3),
          (i: NDArray) => {
            debug.progress(i.add(1), { write });
            return i.add(1);
          },
          np.array(0, { dtype: 'int32' }),
        ),
      )(),
    'grad of a loop': () =>
      grad((w: NDArray) =>
        lax.foriLoop(
          0,
          3,
          (i, c) => {
            debug.progress(i.add(1), { write });
            return c.mul(w);
          },
          w,
        ),
      )(2),
  })) {
    texts.length = 0;
    run();
    t.equal(texts[0], '\r1 [mm:ss, n/s]\x1b[K', name);
  }
  t.throws(() => debug.progress(x), {
    message: 'debug.progress: the step must be an integer scalar, but it is f32[3].',
  });
  const line = new debug.ProgressLine({ total: 4, write });
  texts.length = 0;
  for (let i = 1; i <= 4; i++) line.update(i);
  t.equal(texts[0], '\r 25%|██▌       | 1/4 [mm:ss, n/s]\x1b[K');
});

t.test('nans', async (t) => {
  const finds = (run: () => unknown, message: string, line: string) => {
    let error: any;
    try {
      run();
    } catch (e) {
      error = e;
    }
    t.equal(error?.name, 'NonfiniteError', message);
    const [first, second] = String(error?.message).split('\n') as [string, string];
    t.equal(first, message);
    t.match(second, /^ {2}at test\/debug\.test\.ts:\d+:\d+/);
    t.ok(second.endsWith(line), `${second} is ${line}`);
  };
  const two: NDArray = np.array([4, -0.5]);
  const log = (v: NDArray) => {
    const y = np.log(v);
    return y.mul(2);
  };
  const here = ': const y = np.log(v);';
  const found = 'log gives nan, at [1] of f32[2], where its operand is -0.5.';
  finds(() => debug.nans(log)(two), found, here);
  finds(() => debug.nans(jit(log))(two), found, here);
  finds(() => debug.nans(jit(vmap(log)))(two), found, here);
  finds(() => debug.nans(jit(checkpoint(log)))(two), found, here);

  const norm = (v: NDArray) => {
    const squares = np.sum(v.mul(v));
    return np.sqrt(squares);
  };
  for (const g of [grad(norm), jit(grad(norm))])
    finds(
      () => debug.nans(g)(np.zeros([3])),
      'mul gives nan, at [0] of f32[3], where its operands are 0.0 and inf.',
      ': const squares = np.sum(v.mul(v));',
    );
  const roots = (v: NDArray) =>
    lax.foriLoop(
      0,
      10,
      (_, c) => {
        const d = c.sub(1);
        return np.sqrt(d);
      },
      v,
    );
  for (const g of [roots, jit(roots)])
    finds(
      () => debug.nans(g)(3.5 as never),
      'sqrt gives nan, in turn 2 of a loop, where its operand is -0.23767537749054057.',
      ': return np.sqrt(d);',
    );
  const branch = (v: NDArray) =>
    lax.whileLoop(
      ([i]) => np.less(i, 4),
      ([i, c]) => {
        const next = lax.cond(
          c.gt(2),
          (w: NDArray) => w.sub(2),
          (w: NDArray) => {
            const y = np.arcsin(w);
            return y;
          },
          c,
        );
        return [i.add(1), next];
      },
      [0, v] as [number, NDArray],
    )[1];
  finds(
    () => debug.nans(jit(branch))(np.array(5.5)),
    'asin gives nan, in turn 2 of a loop, where its operand is 1.5.',
    ': const y = np.arcsin(w);',
  );
  const solve = customRoot((v: NDArray, a: NDArray) => v.mul(v).sub(a))((_: NDArray, a: NDArray) => {
    const root = np.sqrt(a);
    return root;
  });
  finds(
    () => debug.nans(jit(solve))(np.array(1), np.array(-4)),
    'sqrt gives nan, where its operand is -4.0.',
    ': const root = np.sqrt(a);',
  );
  finds(
    () => debug.nans((v: NDArray) => np.divide(1, v), { inf: true })(np.array([1, 0])),
    'div gives inf, at [1] of f32[2], where its operands are 1.0 and 0.0.',
    'np.divide(1, v), { inf: true })(np.array([1, 0])),',
  );

  const masked = jit((v: NDArray) => np.where(v.gt(0), np.log(v), 0));
  t.same(
    debug
      .nans(masked)(np.array([1, -1]))
      .tolist(),
    [0, 0],
    'what does not reach a result is no matter',
  );
  t.ok(
    Number.isNaN(
      debug
        .nans(jit((v: NDArray) => v.mul(2)))(np.array(Number.NaN))
        .item(),
    ),
    'nor are NaNs of the data',
  );
  t.throws(() => jit(debug.nans(log))(two), {
    name: 'TraceError',
    message:
      'debug.nans: there are no values to look at while a function is traced.\n  hint: wrap the outermost function, as in `debug.nans(jit(f))(x)`',
  });

  const f = jit((v: NDArray) => {
    debug.print('once');
    return np.log(v);
  });
  f(1);
  debug.nans(true);
  t.same(
    printed(() =>
      t.throws(() => f(-1), { name: 'NonfiniteError', message: 'log gives nan, where its operand is -1.0.' }),
    ),
    ['once'],
    'effects are not repeated',
  );
  debug.nans(false);
  t.ok(Number.isNaN(f(-1).item()));
});

t.test('programs as text', async (t) => {
  const f = (v: NDArray) => {
    const [sum, all] = lax.scan(
      (c: NDArray, w: NDArray) => [
        c.add(w),
        lax.cond(
          c.gt(0.1),
          (u: NDArray) => u.mul(-Infinity),
          (u: NDArray) => np.sin(u),
          w,
        ),
      ],
      0,
      v,
    );
    debug.print('{}', sum);
    return [
      sum,
      jit(function inner(w: NDArray) {
        return w.slice([null, null, -1]).add(Number.NaN);
      })(all as NDArray),
    ];
  };
  t.equal(
    String(makeJaxpr(f)(x)),
    `{ lambda ; a:f32[3]. let
    b:f32[] c:f32[3] = scan[
      length=3
      unroll=1
      consts=0
      carry=1
      body={ lambda ; a:f32[] b:f32[]. let
          c:f32[] = add a b
          d:bool[] = gt a 0.1:f32[]
          e:i32[] = convert_element_type[newDType=int32] d
          f:f32[] = cond[
            branches=(
              { lambda ; a:f32[]. let
                  b:f32[] = sin a
                in (b,) }
              { lambda ; a:f32[]. let
                  b:f32[] = mul a -inf:f32[]
                in (b,) }
            )
          ] e b
        in (c, f) }
    ] 0.0:f32[] a
    debug_callback b
    d:f32[3] = jit[
      name=inner
      jaxpr={ lambda ; a:f32[3]. let
          b:f32[3] = rev[axes=(0,)] a
          c:f32[3] = add b nan:f32[]
        in (c,) }
    ] c
  in (b, d) }`,
  );
  const captured = np.arange(100);
  t.equal(
    String(makeJaxpr((v: NDArray) => np.take(v, 1).add(captured))(x)).split('\n')[0],
    '{ lambda a:i32[100]; b:f32[3]. let',
    'captured arrays are inputs, not text',
  );
  const lowered = jit((v: NDArray) => np.sum(np.sin(v).mul(2))).lower(np.zeros([1000]));
  for (const part of ['(module\n', '(import "env" "memory"', '(export "main" (func $main))', 'f32x4.mul'])
    t.ok(lowered.wasmText.includes(part), part);
  t.match(lowered.jaxpr, /reduce_sum/);
  t.ok(lowered.kernels.includes('main') && lowered.peakBytes >= 0);
});
