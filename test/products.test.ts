/** Products of matrices with what is computed before and after them: compiled code against the same operations one by one. */
import t from 'tap';
import { blocksFrom } from '../jit/lower/passes/epilogues.ts';
import { panelsFrom } from '../jit/lower/passes/prologues.ts';
import { grad, jit, lax, type NDArray, nn, np, vmap } from '../src/index.ts';
import { worst } from './lib/compiled.ts';

type Dtype = 'float32' | 'float64' | 'int32' | 'uint32';

/**
 * A product of matrices with what is elementwise before and after it. Elements are multiples of 1/4, so that sums of
 * products are exact and comparisons fall out the same way however they are added up.
 */
class MatrixProgram {
  readonly dtype: Dtype;
  readonly batch: readonly number[];
  readonly sizes: readonly [m: number, k: number, n: number];
  readonly before: string;
  readonly second: string;
  readonly after: readonly string[];
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
    this.dtype = this.pick(['float32', 'float32', 'float64', 'float64', 'int32', 'uint32']);
    this.batch = this.pick([[], [], [], [3], [2, 2]]);
    const most = this.pick([9, 40, 140]) >> (this.batch.length > 0 ? 1 : 0);
    const tall = this.pick([most, most, 400 >> this.batch.length]);
    const deep = this.pick([most, most, most, 700 >> this.batch.length]);
    this.sizes = [1 + this.below(tall), 1 + this.below(deep), 1 + this.below(most)];
    this.before = this.pick([
      '',
      '',
      'relu',
      'tanh',
      'scale',
      'rows',
      'columns',
      'integers',
      'turned',
      'turned relu',
      'flipped',
    ]);
    this.second = this.pick([
      '',
      '',
      'turned',
      'scale',
      'relu',
      'tanh',
      'mask',
      'rows',
      'turned relu',
      'flipped',
      'shared',
    ]);
    const ends = [
      'bias',
      'own bias',
      'scale',
      'rows',
      'residual',
      'turned residual',
      'relu',
      'where',
      'tanh',
      'matrix',
    ];
    const last = [
      '',
      '',
      '',
      'softmax',
      'deviation',
      'integers',
      'signs',
      'totals',
      'column totals',
      'product',
      'turn',
    ];
    const count = this.below(4);
    this.after = [...Array.from({ length: count }, () => this.pick(ends)), this.pick(last)];
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  private array(shape: readonly number[], dtype: Dtype = this.dtype): NDArray {
    const [least, unit] = { float32: [-8, 4], float64: [-8, 4], int32: [-8, 1], uint32: [0, 1] }[dtype] as [
      number,
      number,
    ];
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (this.below(17) + least) / unit);
    return np.array(values, { dtype }).reshape([...shape]);
  }

  /** Two operands, and what is used beside them: bias, rows, residual, turned residual, a second matrix, columns, own bias. */
  arguments(): NDArray[] {
    const [m, k, n] = this.sizes;
    const { batch } = this;
    const turned = this.before.startsWith('turned');
    return [
      this.array([...batch, ...(turned ? [k, m] : [m, k])], this.before === 'integers' ? 'int32' : this.dtype),
      this.array([...batch, ...(this.second.startsWith('turned') ? [n, k] : [k, n])]),
      this.array([n]),
      this.array([m, 1]),
      this.array([...batch, m, n]),
      this.array([...batch, n, m]),
      this.array([n, 5]),
      this.array([k]),
      this.array([...batch, 1, n]),
    ];
  }

  readonly run = (...args: NDArray[]): NDArray[] => {
    const [x, y, bias, rows, residual, turned, matrix, columns, own] = args as [NDArray, NDArray, ...NDArray[]];
    const first: Record<string, () => NDArray> = {
      '': () => x,
      relu: () => np.maximum(x, 0),
      tanh: () => np.tanh(x),
      scale: () => x.mul(0.5),
      rows: () => x.mul(rows!.gt(0)),
      columns: () => np.where(columns!.gt(0), x, x.neg()),
      integers: () => x.astype(this.dtype),
      flipped: () => np.flip(x, { axis: -2 }),
      turned: () => np.swapaxes(x, -1, -2),
      'turned relu': () => np.swapaxes(np.maximum(x, 0), -1, -2),
    };
    const second: Record<string, () => NDArray> = {
      '': () => y,
      scale: () => y.mul(2),
      relu: () => np.maximum(y, 0),
      tanh: () => np.tanh(y),
      mask: () => np.where(bias!.gt(0), y, 1),
      rows: () => y.mul(columns!.reshape([-1, 1])),
      turned: () => np.swapaxes(y, -1, -2),
      'turned relu': () => np.swapaxes(np.maximum(y, 0), -1, -2),
      flipped: () => np.flip(y, { axis: -1 }).mul(0.5),
      shared: () => y.mul(2),
    };
    const w = second[this.second]!();
    const results: NDArray[] = this.second === 'shared' ? [w.add(1)] : [];
    let z = np.matmul(first[this.before]!(), w);
    for (const end of this.after) {
      switch (end) {
        case 'bias':
          z = z.add(bias!);
          break;
        case 'own bias':
          z = z.sub(own!);
          break;
        case 'scale':
          z = z.mul(0.5);
          break;
        case 'rows':
          z = z.sub(rows!);
          break;
        case 'residual':
          z = residual!.add(z);
          break;
        case 'turned residual':
          z = z.add(np.swapaxes(turned!, -1, -2));
          break;
        case 'relu':
          z = np.maximum(z, 0);
          break;
        case 'where':
          z = np.where(residual!.gt(0), z, 1);
          break;
        case 'tanh':
          z = np.tanh(z.mul(0.125));
          break;
        case 'matrix':
          results.push(z);
          z = np.square(z).mul(0.125);
          break;
        case 'softmax':
          z = nn.softmax(z);
          break;
        case 'deviation':
          z = z.sub(np.mean(z, { axis: -1, keepdims: true }));
          break;
        case 'integers':
          if (this.isExact) results.push(z.mul(4).astype('int32'));
          break;
        case 'signs':
          if (this.isExact) results.push(z.gt(0), z.astype('float32'));
          break;
        case 'totals':
          results.push(np.sum(z, { axis: -1 }), np.max(z, { axis: -1 }));
          break;
        case 'column totals':
          results.push(np.sum(z, { axis: -2 }));
          break;
        case 'product':
          z = np.matmul(z, matrix!);
          break;
        case 'turn':
          z = np.swapaxes(z, -1, -2).mul(2);
          break;
      }
    }
    return [z, ...results];
  };

  private get isExact(): boolean {
    return this.isFloating && ![this.before, this.second, ...this.after].includes('tanh');
  }

  get isFloating(): boolean {
    return this.dtype === 'float32' || this.dtype === 'float64';
  }

  readonly gradient = (...args: NDArray[]): NDArray[] => {
    const argnums = this.before === 'integers' ? [1, 2, 4] : [0, 1, 2, 4];
    const loss = (...args: NDArray[]): NDArray => np.sum(this.run(...args)[0]!.mul(0.25));
    return (grad as any)(loss, { argnums })(...args);
  };

  /** The same with the first axis of a batch mapped over. */
  readonly mapped = (...args: NDArray[]): NDArray[] =>
    (vmap as any)(this.run, { inAxes: [0, 0, null, null, 0, 0, null, null, 0] })(...args);
}

t.test('a product that is also a result in another shape', (t) => {
  const f = (x: NDArray, w: NDArray): NDArray[] => {
    const z = np.matmul(x, w).reshape([4, 15, 6]);
    return [np.maximum(z, 0).add(1), z];
  };
  const [x, w] = [np.linspace(-1, 2, 600).reshape([60, 10]), np.linspace(-3, 1, 60).reshape([10, 6])];
  t.ok(worst(f(x, w), jit(f)(x, w)) < 1e-5);
  t.end();
});

t.test('rows of a product that are grouped otherwise before or after it', (t) => {
  t.teardown(() => blocksFrom());
  blocksFrom(1024);
  const quarters = (shape: readonly number[]): NDArray =>
    np
      .arange(shape.reduce((a, b) => a * b))
      .mul(7)
      .mod(17)
      .sub(8)
      .mul(0.25)
      .reshape([...shape]);
  const agree = (name: string, f: (...args: NDArray[]) => NDArray, ...shapes: number[][]): void => {
    const args = shapes.map(quarters);
    t.same(jit(f)(...args).data(), f(...args).data(), name);
  };
  for (const [batch, m, groups] of [
    [6, 24, 9],
    [6, 16, 4],
    [6, 16, 3],
    [4, 24, 8],
    [3, 100, 6],
  ] as const) {
    const shape = [groups, (batch * m) / groups, 12];
    const f = (x: NDArray, w: NDArray, y: NDArray): NDArray => np.maximum(np.matmul(x, w).reshape(shape).add(y), 0.5);
    agree(`products of ${m} rows in ${groups} groups`, f, [batch, m, 8], [batch, 8, 12], [groups, 1, 1]);
  }
  for (const [grouped, others] of [
    [
      [30, 7],
      [35, 6],
    ],
    [
      [42, 5],
      [210, 1],
    ],
    [
      [210, 1],
      [42, 5],
    ],
  ] as const) {
    const [x, y] = [
      [...grouped, 32],
      [...others, 16],
    ];
    const f = (x: NDArray, u: NDArray, w: NDArray, y: NDArray, v: NDArray): NDArray => {
      const z = np.tensordot(np.maximum(x.add(np.transpose(u, [2, 1, 0])), 0), w, { axes: 1 }).reshape([...others, 16]);
      return np.maximum(z.add(y.add(np.transpose(v, [2, 1, 0]))), 0);
    };
    const sizes = [x, x.toReversed(), [32, 16], [others[0], 1, 1], y.toReversed()] as number[][];
    agree(`rows by ${grouped}, results by ${others}`, f, ...sizes);
  }
  agree(
    'products of 50 rows of an operand that lies by columns',
    (x, w) => np.matmul(np.transpose(np.maximum(x, 0), [1, 2, 0]), w),
    [8, 6, 50],
    [6, 8, 12],
  );
  t.end();
});

/** Matrices of quarters from −2 to 2, of which sums are exact. */
const quarters =
  (dtype: 'float32' | 'float64') =>
  (...shape: [number, number]): NDArray =>
    np
      .arange(shape[0] * shape[1])
      .mod(17)
      .sub(8)
      .mul(0.25)
      .astype(dtype)
      .reshape(shape);

function sameBits(x: NDArray, y: NDArray): boolean {
  const [a, b] = [x, y].map((array) => {
    const { buffer, byteOffset, byteLength } = array.data() as Float64Array;
    return Buffer.from(buffer, byteOffset, byteLength);
  }) as [Buffer, Buffer];
  return a.equals(b);
}

t.test('steps with the gradient of a matrix, as tiles of a product', (t) => {
  const step = (x: NDArray, g: NDArray, p: NDArray): NDArray => p.sub(np.matmul(x.T, g).mul(0.5));
  const donating = jit(step, { donate: [2] });
  const inLoop = jit((x: NDArray, g: NDArray, p: NDArray) => lax.foriLoop(0, 2, (_, p: NDArray) => step(x, g, p), p));
  for (const dtype of ['float32', 'float64'] as const)
    for (const [k, m, n] of [
      [129, 131, 130],
      [127, 128, 160],
      [200, 127, 131],
      [2, 400, 500],
      [256, 65, 257],
      [65, 785, 33],
      [257, 150, 130],
    ] as const) {
      const of = quarters(dtype);
      const [x, g, p] = [of(k, m), of(k, n), of(m, n)];
      const text = `${dtype}, [${m},${k}]·[${k},${n}]`;
      const compiled = jit(step);
      const want = step(x, g, p);
      const hasTiles = !/gemm_(rows|f32|f64)/.test(String(compiled.lower(x, g, p)));
      t.equal(hasTiles, k <= 256, `${text}: where it is computed`);
      t.ok(sameBits(compiled(x, g, p), want), text);
      t.ok(sameBits(inLoop(x, g, p), step(x, g, want)), `${text}, in a loop`);
      t.ok(sameBits(donating(x, g, p), want), `${text}, donated`);
    }
  const [x, g, p] = [np.ones([64, 512]), np.ones([64, 512]), np.ones([512, 512])];
  const relu = jit((x: NDArray, g: NDArray, b: NDArray) => nn.relu(np.matmul(x.T, g).add(b)));
  const [large, biased] = [jit(step).lower(x, g, p), relu.lower(x, g, p.slice(0))].map(String);
  t.match(large, /;; rows of a product, then/, 'p leaves the cache');
  t.match(biased, /;; a product, then/, 'a bias does not');
  const rest = [np.ones([64, 300]), np.zeros([300, 300])] as const;
  for (const value of [np.nan, np.inf]) {
    const x = np.where(np.arange(300).mod(7).eq(0), value, np.ones([64, 300]));
    t.ok(sameBits(jit(step)(x, ...rest), step(x, ...rest)), `with ${value}`);
  }
  t.end();
});

t.test('ends of products of a batch, as tiles', (t) => {
  const of = (...shape: number[]): NDArray =>
    np
      .arange(shape.reduce((a, b) => a * b))
      .mod(19)
      .sub(9)
      .mul(0.25)
      .reshape(shape);
  for (const [batch, m, k, n] of [
    [3, 2, 3, 2],
    [5, 7, 9, 5],
    [2, 33, 17, 31],
    [4, 65, 8, 63],
    [3, 50, 130, 129],
    [2, 127, 256, 130],
  ] as const)
    for (const [what, b, f] of [
      ['relu', [n], (z: NDArray, b: NDArray) => np.maximum(z.add(b), 0)],
      ['a bias of each product', [batch, 1, n], (z: NDArray, b: NDArray) => z.add(b)],
      ['a factor of each row', [m, 1], (z: NDArray, b: NDArray) => z.mul(b)],
      ['a factor of each product', [batch, 1, 1], (z: NDArray, b: NDArray) => z.mul(b)],
      ['a matrix of all', [m, n], (z: NDArray, b: NDArray) => z.sub(b)],
      ['a matrix that is turned', [batch, n, m], (z: NDArray, b: NDArray) => z.sub(np.swapaxes(b, 1, 2))],
    ] as const) {
      const g = (x: NDArray, y: NDArray, b: NDArray): NDArray => f(np.matmul(x, y), b);
      const step = (x: NDArray, y: NDArray, b: NDArray): NDArray => f(np.matmul(np.swapaxes(x, 1, 2), y), b);
      const [x, y, other] = [of(batch, m, k), of(batch, k, n), of(...b)];
      const turned = np.swapaxes(x, 1, 2).mul(1);
      const compiled = jit(g);
      const text = `${batch} products [${m},${k}]·[${k},${n}] with ${what}`;
      t.ok(sameBits(compiled(x, y, other), g(x, y, other)), text);
      t.ok(sameBits(jit(step)(turned, y, other), step(turned, y, other)), `${text}, of columns`);
      t.match(String(compiled.lower(x, y, other)), /a product, then/, `${text}: where it is computed`);
    }
  t.end();
});

t.test('second operands that are computed where they are packed', (t) => {
  t.teardown(() => panelsFrom());
  panelsFrom(1);
  const note = /into panels of a product/;
  const agree = (text: string, f: (...args: NDArray[]) => NDArray | NDArray[], args: NDArray[], fused = true): void => {
    const compiled = jit(f as any) as unknown as typeof f & { lower: (...args: NDArray[]) => unknown };
    const [want, got] = [f, compiled].map((f) => [f(...args)].flat()) as [NDArray[], NDArray[]];
    t.ok(
      want.every((x, i) => sameBits(x, got[i]!)),
      text,
    );
    t.equal(note.test(String(compiled.lower(...args))), fused, `${text}: where it is computed`);
  };
  const matrix = (m: number, n: number, dtype: 'float32' | 'float64' = 'float32'): NDArray =>
    np
      .sin(
        np
          .arange(m * n)
          .mul(0.37)
          .astype(dtype),
      )
      .reshape([m, n]);
  for (const dtype of ['float32', 'float64'] as const)
    for (const [m, k, n] of [
      [2, 2, 16],
      [3, 5, 17],
      [9, 1100, 18],
      [5, 16, 31],
      [17, 33, 23],
      [65, 513, 33],
      [33, 31, 64],
      [7, 65, 127],
      [130, 129, 130],
      [3, 70, 521],
      [2, 600, 1033],
    ] as const) {
      const [x, w, mask] = [matrix(m, k, dtype), matrix(k, n, dtype), matrix(k, n, dtype).gt(-0.5)];
      const text = `${dtype}, [${m},${k}]·[${k},${n}]`;
      agree(text, (x, w, mask) => np.matmul(x!, np.where(mask!, w!, 0.5)), [x, w, mask]);
      agree(`${text}, transposed`, (x, w) => np.matmul(x!, np.exp(w!).T), [x, w.T.mul(1)]);
      agree(`${text}, both`, (x, w) => np.matmul(x!.T, w!.mul(3)), [x.T.mul(1), w]);
    }
  const [x, w] = [matrix(20, 40), matrix(40, 50)];
  agree('a row and a column', (x, a, b) => np.matmul(x!, a!.add(b!)), [x, matrix(40, 1), matrix(1, 50)]);
  agree('integers', (x, w) => np.matmul(x!, w!.astype('float32')), [x, w.mul(9).astype('int32')]);
  agree('positions', (x) => np.matmul(x!, np.arange(2000).reshape([40, 50]).mul(0.01)), [x]);
  agree('an end too', (x, w) => np.maximum(np.matmul(x!, w!.mul(2)), 0).add(1), [x, w]);
  agree('a beginning too', (x, w) => np.matmul(np.tanh(x!), np.tanh(w!)), [x, w]);
  const [nan, infinite] = [np.where(w.gt(0.9), np.nan, w), np.where(w.gt(0.9), np.inf, w)];
  agree('NaN', (x, w) => np.matmul(x!, w!.mul(2)), [x, nan]);
  agree('infinity', (x, w) => np.matmul(x!, w!.mul(2)), [x, infinite]);
  agree('of two products', (x, w) => [np.matmul(x!, w!.mul(2)), np.matmul(x!.mul(2), w!.mul(2))], [x, w], false);
  agree('a result', (x, w) => [np.matmul(x!, w!.mul(2)), w!.mul(2)], [x, w], false);
  agree('used in another kernel', (x, w) => [np.matmul(x!, w!.mul(2)), np.sum(w!.mul(2), { axis: 0 })], [x, w], false);
  const square = matrix(40, 40);
  agree('of itself', (x) => np.matmul(x!.mul(2), x!.mul(2)), [square], false);
  agree('of its transpose', (x) => np.matmul(x!.mul(2), x!.mul(2).T), [square], false);
  agree(
    'the end of another product',
    (x, w) => np.matmul(x!, w!.sub(np.matmul(x!.T, x!).mul(0.1))),
    [x, square],
    false,
  );
  const [tensor, weights] = [matrix(20, 35).reshape([20, 5, 7]), matrix(35, 48).reshape([5, 7, 6, 8])];
  const two = {
    axes: [
      [1, 2],
      [0, 1],
    ],
  } as const;
  agree('over two axes', (x, w) => np.tensordot(x!, np.tanh(w!), two), [tensor, weights]);
  agree(
    'over two axes, transposed',
    (x, w) =>
      np.tensordot(x!, np.transpose(np.tanh(w!), [1, 0, 3, 2]), {
        axes: [
          [2, 1],
          [0, 1],
        ],
      }),
    [tensor, weights],
    false,
  );
  agree(
    'over axes that are no matrix',
    (x, w, v) => np.tensordot(x!, w!.mul(v!), two),
    [tensor, weights, matrix(7, 6).reshape([7, 6, 1])],
    false,
  );
  agree('rows that are looked up', (x, w, at) => np.matmul(x!, np.take(w!, at!, { axis: 0 }).mul(2)), [
    x,
    w,
    np.arange(40).mul(7).mod(40).astype('int32'),
  ]);
  // What a loop carries is read before it is overwritten.
  const loop = (x: NDArray, w: NDArray): NDArray =>
    lax.foriLoop(
      0,
      5,
      (i: NDArray, w: NDArray) => np.tanh(w.sub(np.matmul(x.T, np.matmul(x, w.mul(0.5))).mul(0.1)).add(i)),
      w,
    );
  agree('carried', (x, w) => loop(x!, w!), [x, w]);
  const stack = np.stack([w, w.mul(2), w.mul(3)]);
  const sums = (x: NDArray, ws: NDArray): NDArray[] =>
    lax.scan(
      (sum: NDArray, w: NDArray) => [sum.add(np.matmul(x, np.abs(w))), sum],
      np.zeros([20, 50]),
      ws,
    ) as NDArray[];
  agree('slices of a scan', (x, ws) => sums(x!, ws!), [x, stack]);
  const donated = jit((x: NDArray, w: NDArray) => np.matmul(x, w.mul(2)), { donate: [1] });
  t.ok(sameBits(donated(x, w.mul(1)), np.matmul(x, w.mul(2))), 'donated');
  t.end();
});

t.test('products over axes that do not step evenly', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const [b, i, j, k, l, n] of [
      [2, 3, 4, 5, 6, 7],
      [1, 5, 3, 9, 11, 4],
      [3, 1, 8, 2, 33, 1],
      [2, 7, 1, 40, 5, 8],
      [4, 2, 6, 1, 17, 13],
      [2, 3, 4, 0, 6, 7],
      [2, 16, 9, 140, 3, 16],
    ] as const) {
      const of = quarters(dtype);
      const [x, y] = [of(b * i * k, j * l).reshape([b, i, k, j, l]), of(k * n, l).reshape([k, n, l])];
      const [u, v] = [of(i * k, l * n).reshape([i, k, l, n]), of(b * j, k * l).reshape([b, j, k, l])];
      const text = `${dtype} ${[b, i, j, k, l, n]}`;
      for (const [what, f, args] of [
        ['first', (x: NDArray, y: NDArray) => np.einsum('bikjl,knl->bijn', x, y), [x, y]],
        [
          'first, with an end',
          (x: NDArray, y: NDArray) => np.maximum(np.einsum('bikjl,knl->bijn', x, y).add(1), 0),
          [x, y],
        ],
        ['second', (x: NDArray, y: NDArray) => np.einsum('knl,bikjl->nbij', y, x), [x, y]],
        ['both', (v: NDArray, u: NDArray) => np.einsum('bjkl,ikln->bjin', v, u), [v, u]],
        ['a batch', (x: NDArray, v: NDArray) => np.einsum('bikjl,bjkl->bij', x, v), [x, v]],
        ['reversed', (x: NDArray, y: NDArray) => np.einsum('bikjl,knl->bijn', x, np.flip(y, { axis: 2 })), [x, y]],
        [
          'turned',
          (x: NDArray, y: NDArray) => np.einsum('bkijl,knl->bijn', np.transpose(x, [0, 2, 1, 3, 4]), y),
          [x, y],
        ],
      ] as const)
        t.ok(sameBits(jit(f as any)(...args) as NDArray, f(...args)), `${text}: ${what}`);
    }
  t.end();
});

t.test('sums have the same bits whatever k is divided into', (t) => {
  for (const dtype of ['float32', 'float64'] as const)
    for (const [m, k, n] of [
      [7, 1100, 10],
      [20, 600, 3],
      [100, 1000, 17],
      [30, 700, 33],
      [16, 900, 10],
    ] as const) {
      const of = (...shape: [number, number]): NDArray =>
        np
          .sin(
            np
              .arange(shape[0] * shape[1])
              .mul(0.37)
              .astype(dtype),
          )
          .reshape(shape);
      const [x, y] = [of(k, m), of(k, n)];
      const text = `${dtype}, [${m},${k}]·[${k},${n}]`;
      const columns = (x: NDArray, y: NDArray): NDArray => np.matmul(x.T, y);
      t.ok(sameBits(jit(columns)(x, y), columns(x, y)), `${text}, of columns`);
      const rows = x.T.mul(1);
      t.ok(sameBits(jit(np.matmul)(rows, y), np.matmul(rows, y)), text);
    }
  t.end();
});

t.test('a second operand that is computed has no place of its own', (t) => {
  const f = jit((x: NDArray, w: NDArray) => np.matmul(x, w.mul(2)));
  const bytes = (text: string): number => Number(/peak of temporaries: (\d+)/.exec(text)![1]);
  const args = [np.ones([8, 2048]), np.ones([2048, 2048])] as const;
  t.ok(bytes(String(f.lower(...args))) < 2 ** 21);
  t.end();
});

t.test('deep products with something behind them', (t) => {
  const f = (x: NDArray, w: NDArray, y: NDArray): NDArray => np.maximum(np.matmul(x, w.T).add(y), 0);
  for (const dtype of ['float32', 'float64'] as const)
    for (const k of [0, 512, 513, 516, 600, 1100]) {
      const of = quarters(dtype);
      const args = [of(16, k), of(9, k), of(16, 9)] as const;
      t.same(jit(f)(...args).data(), f(...args).data(), `${dtype}, sums of ${k} products`);
    }
  t.end();
});

t.test('programs of products of matrices', (t) => {
  let state = 5;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const seen = new Set<string>();
  t.teardown(() => {
    blocksFrom();
    panelsFrom();
  });
  for (let i = 0; i < 90; i++) {
    const seed = state;
    const program = new MatrixProgram(random);
    const { sizes, batch, dtype, before, second, after } = program;
    const args = program.arguments();
    // As if the cache were small, with every other program.
    blocksFrom(i % 2 > 0 ? 4096 : undefined);
    panelsFrom(i % 3 > 0 ? 1 : undefined);
    const bound = dtype === 'float64' ? 1e-12 : 2e-5;
    const text = `${dtype} [${batch}] ${sizes}: ${before} · ${second}, ${after}`;
    const check = (what: string, f: (...args: NDArray[]) => NDArray[]): void => {
      const compiled = jit(f as any) as typeof f & { lower: (...args: NDArray[]) => unknown };
      const off = worst(f(...args), compiled(...args));
      if (!(off < bound)) t.fail(`state ${seed}, ${what}: off by ${off}: ${text}`);
      for (const [note] of String(compiled.lower(...args)).matchAll(
        /(rows of )?a product, then|, then rows of a product|into panels of a product/g,
      ))
        seen.add(note);
    };
    check('run', program.run);
    if (i % 5 === 0 && program.isFloating) check('gradient', program.gradient);
    if (i % 3 === 0 && batch.length > 0) check('mapped', program.mapped);
  }
  t.same([...seen].sort(), [
    ', then rows of a product',
    'a product, then',
    'into panels of a product',
    'rows of a product, then',
  ]);
  t.end();
});

t.test('products of an array with itself, over other axes of each', (t) => {
  const before: Record<string, (x: NDArray) => NDArray> = {
    given: (x) => x,
    computed: (x) => np.round(x.mul(1.25)),
    stored: (x) => np.cumsum(x, { axis: 0 }),
    'one number': (x) => np.broadcastTo(np.sum(x), x.shape),
  };
  const choices = [[0], [1], [2], [0, 1], [1, 2], [0, 2], [1, 0], [2, 0]];
  const wrong: string[] = [];
  for (const n of [4, 9])
    for (const lhsContract of choices)
      for (const rhsContract of choices) {
        if (lhsContract.length !== rhsContract.length) continue;
        const x = np
          .arange(n ** 3)
          .mul(7)
          .add(3)
          .mod(11)
          .sub(5)
          .reshape([n, n, n])
          .astype('float64');
        for (const [name, prepare] of Object.entries(before)) {
          const f = (x: NDArray): NDArray => {
            const y = prepare(x);
            // Nothing else reads y, whose memory the product may not have while it reads it.
            return np.cumsum(lax.dotGeneral(y, y, { lhsContract, rhsContract }).mul(2), { axis: 0 });
          };
          if (!np.arrayEqual(jit(f)(x), f(x))) wrong.push(`${name}, ${n}: ${lhsContract} and ${rhsContract}`);
        }
      }
  t.same(wrong, []);
  t.end();
});
