/** Equal programs are lowered once: what makes programs equal, and that equal fingerprints mean equal code. */
import t from 'tap';
import { hash } from '../jit/caches/hash.ts';
import { compileStats } from '../jit/compile.ts';
import type { Tree } from '../jit/lower/expressions/tree.ts';
import { fingerprint } from '../jit/lower/fingerprint.ts';
import type { Kernel } from '../jit/lower/kernels/kernel.ts';
import { withKnownKernels } from '../jit/lower/kernels/known-kernels.ts';
import { mapKernel } from '../jit/lower/kernels/map-kernel.ts';
import { lowerJaxpr, lowerToCode } from '../jit/lower/lower.ts';
import { Buffer } from '../jit/lower/storage.ts';
import { written } from '../jit/lower/written.ts';
import { i32c } from '../jit/wasm/code.ts';
import type { Jaxpr } from '../src/core/jaxpr.ts';
import {
  checkpoint,
  customJvp,
  customRoot,
  debug,
  grad,
  jit,
  lax,
  makeJaxpr,
  type NDArray,
  nn,
  np,
  solvers,
  vmap,
} from '../src/index.ts';
import { bind1, definePrimitive, defineUnary, shapedArray, type Value } from '../src/primitives.ts';
import { trace } from './fuzz/properties.ts';
import { drawArguments, functionsOf, makeSample } from './fuzz/sample.ts';

type Function = (...args: any[]) => unknown;
const x = np.arange(6, { dtype: 'float32' }).reshape([2, 3]);
const programOf = (f: Function, ...args: unknown[]): Jaxpr =>
  (makeJaxpr(f as (...args: unknown[]) => NDArray)(...(args.length ? args : [x])) as unknown as { jaxpr: Jaxpr }).jaxpr;
const print = (f: Function, ...args: unknown[]): string | undefined => fingerprint(programOf(f, ...args))?.name;
const codeOf = (jaxpr: Jaxpr): string => {
  const { program, inputs, outputs } = lowerJaxpr(jaxpr);
  const { wasm, ...layout } = program;
  return `${hash(wasm)} ${JSON.stringify([layout, inputs, outputs])}`;
};

t.test('two traces of a function have one', (t) => {
  const root = (a: NDArray): NDArray => {
    const solve = customRoot((y: NDArray, a: NDArray) => y.mul(y).sub(a))((y: NDArray, a: NDArray) =>
      lax.foriLoop(0, 20, (_, y: NDArray) => y.add(a.div(y)).mul(0.5), y),
    );
    return solve(a, a);
  };
  const square = customJvp((x: NDArray) => x.mul(x));
  square.defjvp(([x], [dx]) => [x.mul(x), x.mul(2).mul(dx)]);
  const fun = (w: NDArray, y: NDArray): NDArray => np.sum(np.square(np.matmul(y, w).sub(1)));
  const solve = (y: NDArray): NDArray => new solvers.LBFGS({ fun, maxiter: 5 }).run(np.zeros([3]), y).params as NDArray;
  const examples: Record<string, Function> = {
    elementwise: (x: NDArray) => np.sin(x).mul(2),
    row: (x: NDArray) => nn.softmax(x),
    cond: (x: NDArray) =>
      lax.cond(
        x.sum().gt(1),
        (x: NDArray) => x,
        (x: NDArray) => x.neg(),
        x,
      ),
    scan: (x: NDArray) => lax.scan((c: NDArray, row: NDArray) => [c.add(row), c], np.zeros([3]), x),
    lanes: vmap((x: NDArray) =>
      lax.whileLoop(
        (x: NDArray) => x.sum().lt(9),
        (x: NDArray) => x.add(1),
        x,
      ),
    ),
    call: (x: NDArray) => jit((x: NDArray) => x.mul(3))(x).add(1),
    checkpoint: grad((x: NDArray) => checkpoint((x: NDArray) => np.sum(np.tanh(x)))(x)),
    customJvp: grad((x: NDArray) => np.sum(square(x))),
    root: (x: NDArray) => root(x.add(1)),
    derivative: grad((x: NDArray) => np.sum(root(x.add(1)))),
    solver: solve,
    hypergradient: grad((y: NDArray) => np.sum(solve(y))),
  };
  for (const [name, f] of Object.entries(examples)) {
    const [one, other] = [programOf(f), programOf(f)];
    t.type(fingerprint(one)?.name, 'string', name);
    t.equal(fingerprint(one)?.name, fingerprint(other)?.name, name);
    t.equal(codeOf(one), codeOf(other), `${name}: the same code`);
  }
  const prints = Object.values(examples).map((f) => print(f));
  t.equal(new Set(prints).size, prints.length, 'and no two functions');
  t.end();
});

t.test('whatever changes what is computed changes it', (t) => {
  const pairs: readonly (readonly [string, Function, Function, (readonly unknown[])?, (readonly unknown[])?])[] = [
    ['a number', (x) => x.mul(2), (x) => x.mul(3)],
    ['the sign of zero', (x) => x.add(0), (x) => x.add(-0)],
    ['an infinity', (x) => np.maximum(x, Infinity), (x) => np.maximum(x, -Infinity)],
    ['no number', (x) => np.maximum(x, NaN), (x) => np.maximum(x, Infinity)],
    ['an axis', (x) => x.sum({ axis: 0 }).sum(), (x) => x.sum({ axis: 1 }).sum()],
    ['the order of operands', (x) => x.sub(x.T.reshape([2, 3])), (x) => x.T.reshape([2, 3]).sub(x)],
    ['the order of results', (x) => [x.mul(2), x.mul(3)], (x) => [x.mul(3), x.mul(2)]],
    ['a shape', (x) => x.mul(2), (x) => x.mul(2), [np.ones([2, 3])], [np.ones([3, 2])]],
    ['a dtype', (x) => x.mul(2), (x) => x.mul(2), [np.ones([2])], [np.ones([2], { dtype: 'float64' })]],
    ['which argument', (x, _) => x.mul(2), (_, y) => y.mul(2), [x, x], [x, x]],
    ['steps', (x) => lax.foriLoop(0, 3, (_, x) => x.mul(2), x), (x) => lax.foriLoop(0, 4, (_, x) => x.mul(2), x)],
    ['a body', (x) => lax.foriLoop(0, 3, (_, x) => x.mul(2), x), (x) => lax.foriLoop(0, 3, (_, x) => x.add(2), x)],
    ['a branch', (x) => lax.cond(true, np.sin, np.cos, x), (x) => lax.cond(true, np.sin, np.tan, x)],
    ['a constant result', (x) => [x.mul(2), 1], (x) => [x.mul(2), 2]],
  ];
  for (const [name, f, g, a = [x], b = [x]] of pairs) {
    t.type(print(f, ...a), 'string', name);
    t.not(print(f, ...a), print(g, ...b), name);
  }
  t.end();
});

t.test('programs that differ in what they call back share code, and call back their own', (t) => {
  const seen: unknown[] = [];
  const note = (name: string) => (x: NDArray) => void seen.push([name, x.tolist()]);
  const program =
    (first: Function, second: Function) =>
    (x: NDArray): NDArray => {
      debug.callback(first, x);
      return lax.foriLoop(
        0,
        2,
        (_, x: NDArray) => {
          debug.callback(second, x);
          return x.mul(2);
        },
        x,
      );
    };
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(note) as [Function, Function, Function, Function];
  const y = np.ones([1]);
  t.equal(print(program(a, b), y), print(program(c, d), y));
  jit(program(a, b))(y).tolist();
  const { lowered } = compileStats();
  jit(program(c, d))(y).tolist();
  t.equal(compileStats().lowered, lowered, 'lowered once');
  t.strictSame(seen.splice(0), [
    ['a', [1]],
    ['b', [1]],
    ['b', [2]],
    ['c', [1]],
    ['d', [1]],
    ['d', [2]],
  ]);
  const inner = jit(program(a, b));
  const outer =
    (f: Function) =>
    (x: NDArray): NDArray => {
      debug.callback(f, x);
      return inner(x.add(1));
    };
  for (const f of [a, c]) jit(outer(f))(y).tolist();
  t.strictSame(
    seen.splice(0).map(([name]: any) => name),
    ['a', 'a', 'b', 'b', 'c', 'a', 'b', 'b'],
    'in a program inside too',
  );
  t.throws(
    () =>
      jit(
        program(a, () => {
          throw new Error('mine');
        }),
      )(y),
    { message: 'mine' },
  );
  const solve =
    (maxiter: number) =>
    (w: NDArray): NDArray =>
      new solvers.GradientDescent({ fun: (w: NDArray) => np.sum(w.mul(w)), maxiter, throw: true }).run(w)
        .params as NDArray;
  t.type(print(solve(3)), 'string', 'a solver that throws');
  t.end();
});

t.test('none for programs with primitives of the user', (t) => {
  const twice = defineUnary('fingerprint.twice', {
    domain: 'floating',
    run: (x) => 2 * x,
    accuracy: { kind: 'exact' },
    jvp: (dx) => dx.mul(2),
    lower: (b, x) => b.add(x, x),
  });
  t.equal(
    print((x: NDArray) => twice(x)),
    undefined,
    "a user's primitive: another process may mean something else by its name",
  );
  t.strictSame(jit((x: NDArray) => twice(x))(x).tolist(), x.mul(2).tolist());
  t.end();
});

t.test('parameters that are not the same have other texts, or none', (t) => {
  const values = [
    ...[undefined, null, Number.NaN, 0, -0, Number.POSITIVE_INFINITY, 1, 1n, true],
    ...['undefined', 'null', 'NaN', '-0', '1', 'true', '1,2', '"', ''],
    ...[[], {}, [1, 2], [1, [2]], [[1], 2], ['1,2'], [undefined]],
    ...[{ b: 1, c: 2 }, { 'b:1,c': 2 }, { '"b":1,"c"': 2 }, { b: { c: 2 } }],
    ...[new Float32Array([1]), new Float64Array([1]), new Int32Array(new Float32Array([1]).buffer), new Uint8Array(0)],
  ];
  const texts = values.map((a) => written({ a }));
  t.equal(new Set(texts).size, values.length, texts.join(' '));
  for (const a of [new Map([[1, 2]]), new Set([1]), new Date(0), /x/, () => 1, Symbol('x')])
    t.equal(written({ a }), undefined, String(a));
  const elementP = definePrimitive<{ readonly places: ReadonlyMap<string, number> }>({
    name: 'fingerprint.element',
    type: ([y]) => [shapedArray([], y!.dtype)],
    run: ([y], { places }) => [y!.data.slice(places.get('at')!, places.get('at')! + 1)],
    accuracy: { kind: 'exact' },
    jvp: 'zero',
    batch: (_, [y], batched, { places }) => ({ outs: [y!.slice([], places.get('at')!)], batched }),
    lower: { kind: 'view', view: ({ places }) => ({ offset: places.get('at')!, strides: [] }) },
  });
  const element = (y: Value, at: number): Value => bind1(elementP, [y], { places: new Map([['at', at]]) });
  t.strictSame(jit((y: NDArray) => element(y, 2).sub(element(y, 1)))(np.array([1, 4, 9])).item(), 5);
  t.end();
});

t.test('equal programs are lowered once', (t) => {
  const make = (k: number): ((x: NDArray) => NDArray) => jit((x: NDArray) => np.cos(x).mul(k).sum());
  const first = make(7)(x).item();
  const { lowered } = compileStats();
  t.equal(make(7)(x).item(), first);
  t.equal(compileStats().lowered, lowered);
  t.not(make(8)(x).item(), first);
  t.equal(compileStats().lowered, lowered + 1);
  t.end();
});

t.test('kernels that differ in their arguments alone are written once', (t) => {
  const place = (): Buffer => new Buffer('float32', 12, i32c(4096 * ++places));
  let places = 0;
  const scaled = (by: number, strides = [4, 1]): Tree => ({
    kind: 'op',
    dtype: 'float32',
    op: 'mul',
    args: [
      { kind: 'array', dtype: 'float32', buffer: place(), offset: 0, strides },
      { kind: 'const', dtype: 'float32', value: by },
    ],
  });
  const kernel = (root: Tree, shape = [3, 4]): Kernel => mapKernel([{ root, ptr: place().ptr }], shape);
  withKnownKernels(() => {
    const [first, second] = [kernel(scaled(2)), kernel(scaled(2))];
    t.equal(second.func, first.func);
    t.notSame(second.args, first.args);
    for (const other of [
      kernel(scaled(3)),
      kernel(scaled(2, [1, 3])),
      kernel(scaled(2, [4, -1])),
      kernel(scaled(2), [2, 4]),
    ])
      t.not(other.func, first.func);
    // An array that is read twice is another kernel than two arrays.
    const twice = scaled(2);
    const sum = (y: Tree): Tree => ({ kind: 'op', dtype: 'float32', op: 'add', args: [twice, y] });
    t.not(kernel(sum(twice)).func, kernel(sum(scaled(2))).func);
    t.equal(kernel(sum(twice)).func, kernel(sum(twice)).func);
  });
  const layers = (n: number) => (x: NDArray) => {
    for (let i = 0; i < n; i++) x = nn.softmax(np.tanh(x.matmul(x)));
    return x;
  };
  const square = np.linspace(0, 1, 40 * 40, { dtype: 'float32' }).reshape([40, 40]);
  const functions = (n: number): number =>
    lowerToCode(programOf(layers(n), square)).module.functions.filter(({ name }) => /^k\d/.test(name)).length;
  t.equal(functions(9), functions(3));
  t.end();
});

t.test('random programs with equal fingerprints have equal code', (t) => {
  const codes = new Map<string, string>();
  let without = 0;
  let again = 0;
  for (let seed = 5000; seed < 5200; seed++) {
    const sample = makeSample(seed);
    const f = functionsOf(sample).at(-1)!;
    const args = drawArguments((sample.stack.at(-1) ?? sample.program).inputs, seed);
    const [one, other] = [trace(f, args).jaxpr, trace(f, args).jaxpr];
    const name = fingerprint(one)?.name;
    if (name === undefined) {
      without++;
      continue;
    }
    if (fingerprint(other)?.name !== name) t.fail(`seed ${seed}: another trace, another fingerprint`);
    const code = codeOf(one);
    if (codeOf(other) !== code) t.fail(`seed ${seed}: another trace, other code`);
    const known = codes.get(name);
    if (known !== undefined) again++;
    if (known !== undefined && known !== code) t.fail(`seed ${seed}: other code under one fingerprint`);
    codes.set(name, code);
  }
  t.ok(codes.size > 150, `${codes.size} programs, ${again} of them again, ${without} without a fingerprint`);
  t.end();
});
