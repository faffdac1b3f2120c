/** `pureCallback`: plain JavaScript inside programs. */
import {
  customRoot,
  customVjp,
  evalShape,
  grad,
  jit,
  lax,
  makeJaxpr,
  type NDArray,
  np,
  pureCallback,
  vmap,
} from 'cotangent';
import t from 'tap';

const descending = (x: NDArray): NDArray =>
  pureCallback((v) => np.array([...v.data()].sort((a, b) => b - a)), x, [x] as const);

t.test('values, where programs run', (t) => {
  const x = np.array([1, 3, 2]);
  t.strictSame(descending(x).tolist(), [3, 2, 1], 'at once');
  const compiled = jit((v: NDArray) => descending(v.mul(2)).add(1));
  t.strictSame(compiled(x).tolist(), [7, 5, 3]);
  t.strictSame(compiled(np.array([5, 6, 4])).tolist(), [13, 11, 9], 'again, with other values');

  const types = { sum: { shape: [], dtype: 'float64' }, product: evalShape((v: NDArray) => v, x) } as const;
  const both = (a: NDArray, b: NDArray) =>
    pureCallback(
      ({ a, b }: { a: NDArray; b: NDArray }) => ({ product: a.mul(b), sum: a.sum().item() + b.item() }),
      types,
      [{ a, b }] as const,
    );
  for (const f of [both, jit(both)]) {
    const { sum, product } = f(x, np.array(2));
    t.strictSame([sum.dtype, sum.item(), product.tolist()], ['float64', 8, [2, 6, 4]]);
  }

  const large = jit((v: NDArray) => pureCallback((u) => u.add(1), v, [v] as const).sum());
  t.equal(large(np.ones([300_000])).item(), 600_000);
  const dtypes = ['float32', 'float64', 'int32', 'uint32', 'bool'] as const;
  for (const dtype of dtypes)
    for (const shape of [[], [3], [5, 7], [0]]) {
      const value = np.ones(shape, { dtype });
      const back = jit((v: NDArray) => pureCallback((u) => u, v, [v] as const))(value);
      t.strictSame([back.dtype, back.tolist()], [dtype, value.tolist()], `${dtype}[${shape}]`);
    }
  t.end();
});

t.test('calls are pure', (t) => {
  let calls = 0;
  const counted = (x: NDArray): NDArray =>
    pureCallback(
      (v) => {
        calls++;
        return v.mul(2);
      },
      x,
      [x] as const,
    );
  jit((x: NDArray) => {
    counted(x);
    return x.mul(2);
  })(np.ones([3]));
  t.equal(calls, 0, 'nobody wants the result');
  const loop = jit((x: NDArray) => lax.foriLoop(0, 5, (_, c) => counted(c).add(1), x));
  t.strictSame([loop(np.ones([2])).tolist(), calls], [[63, 63], 5]);
  const [, ys] = jit((xs: NDArray) =>
    lax.scan((c: NDArray, x: NDArray) => [counted(c).add(x), c] as const, np.array(0), xs),
  )(np.ones([4]));
  t.strictSame(ys.tolist(), [0, 1, 3, 7]);
  calls = 0;
  const either = jit((p: NDArray, x: NDArray) => lax.cond(p, counted, (v: NDArray) => v, x));
  t.strictSame([either(np.array(false), np.ones([2])).tolist(), calls], [[1, 1], 0], 'the branch that is not taken');
  t.end();
});

t.test('vmap', (t) => {
  const rows = np.array([
    [1, 3, 2],
    [6, 5, 9],
  ]);
  const sorted = [
    [3, 2, 1],
    [9, 6, 5],
  ];
  t.strictSame(vmap(descending)(rows).tolist(), sorted);
  t.strictSame(jit(vmap(descending))(rows).tolist(), sorted);
  t.strictSame(vmap(vmap(descending))(np.stack([rows, rows])).tolist(), [sorted, sorted]);
  const seen: string[] = [];
  const added = (vmapMethod: 'sequential' | 'expandDims' | 'broadcastAll') => (x: NDArray, y: NDArray) =>
    pureCallback(
      (a, b) => {
        seen.push(`${a.aval} ${b.aval}`);
        return a.add(b);
      },
      x,
      [x, y] as const,
      { vmapMethod },
    );
  const expected = {
    sequential: ['f32[3] f32[3]', 'f32[3] f32[3]'],
    expandDims: ['f32[2,3] f32[1,3]'],
    broadcastAll: ['f32[2,3] f32[2,3]'],
  };
  for (const method of ['sequential', 'expandDims', 'broadcastAll'] as const) {
    seen.length = 0;
    const lanes = jit(vmap(added(method), { inAxes: [0, null] }))(rows, np.ones([3]));
    t.strictSame(lanes.tolist(), rows.add(1).tolist(), method);
    t.strictSame(seen, expected[method], method);
  }
  seen.length = 0;
  const nested = vmap(vmap(added('broadcastAll'), { inAxes: [0, null] }))(np.ones([2, 4, 3]), np.ones([2, 3]));
  t.strictSame([nested.shape, seen], [[2, 4, 3], ['f32[2,4,3] f32[2,4,3]']]);
  t.end();
});

t.test('derivatives are those that it is given', (t) => {
  const doubled = customVjp((x: NDArray) => pureCallback((v) => v.mul(2), x, [x] as const));
  doubled.defvjp(
    (x) => [doubled(x), null],
    (_, ct) => [ct.mul(2)],
  );
  t.strictSame(grad((x: NDArray) => doubled(x).sum())(np.ones([2])).tolist(), [2, 2]);
  t.strictSame(jit(vmap(grad((x: NDArray) => doubled(x).mul(x))))(np.array([1, 2])).tolist(), [4, 8]);
  t.strictSame(
    grad((x: NDArray) => descending(lax.stopGradient(x)).mul(x).sum())(np.array([1, 2])).tolist(),
    [2, 1],
    'no derivative is asked for',
  );
  // A solver in plain JavaScript, differentiated implicitly.
  const equation = (x: NDArray, a: NDArray): NDArray => x.mul(x).sub(a);
  const root = customRoot(equation)((_init: NDArray | null, a: NDArray) =>
    pureCallback((v) => Math.sqrt(v.item()), a, [a] as const),
  );
  const slope = jit(vmap(grad((a: NDArray) => root(null, a))));
  const slopes = slope(np.array([4, 9], { dtype: 'float64' })).tolist() as number[];
  t.ok(Math.abs(slopes[0]! - 1 / 4) < 1e-12 && Math.abs(slopes[1]! - 1 / 6) < 1e-12, String(slopes));
  t.end();
});

t.test('errors', (t) => {
  const x = np.ones([3]);
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  const first = (text: string): string => text.split('\n')[0]!;
  function wrong(v: NDArray): NDArray {
    return v.slice([0, 2]);
  }
  const run = (f: (v: NDArray) => any, result: any = x): unknown =>
    jit((v: NDArray) => pureCallback(f, result, [v] as const))(x);
  const text = message(() => run(wrong));
  t.equal(first(text), 'pureCallback: `wrong` returned f32[2], but f32[3] was promised.');
  t.match(text, /pure-callback\.test\.ts/, 'with the line of the call');
  t.equal(
    first(message(() => run((v) => ({ a: v }), { a: { shape: [3], dtype: 'int32' } }))),
    'pureCallback: the function returned f32[3] at .a, but i32[3] was promised.',
  );
  t.match(
    message(() => run((v) => [v])),
    /returned the structure \[\*\], but \* was promised/,
  );
  t.match(
    message(() => run(async (v) => v)),
    /is async; results must be there when it returns/,
  );
  t.match(
    message(() =>
      run(() => {
        throw new TypeError('mine');
      }),
    ),
    /^mine/,
  );
  t.match(
    message(() => run((v) => v, 'f32')),
    /must be a type, such as `\{ shape: \[3\], dtype: 'float32' \}`/,
  );
  t.match(
    message(() => run((v) => v, { shape: [3], dtype: 'f4' })),
    /has the dtype the string "f4", which is none/,
  );
  const noDerivative = message(() => grad((v: NDArray) => descending(v).sum())(x));
  t.match(noDerivative, /^pureCallback: the function is JavaScript, of which there is no derivative\./);
  t.match(noDerivative, /`customJvp` or `customVjp`/);
  t.match(
    String(makeJaxpr(descending)(x)),
    /pure_callback\[name=the function results=\(f32\[3\],\) method=sequential\]/,
  );
  t.end();
});
