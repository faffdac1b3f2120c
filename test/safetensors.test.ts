/** Safetensors files are those of the reference implementation, byte for byte: one made by test/oracle/optimizers.py. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { CotangentError } from '../src/core/errors.ts';
import { jit, type NDArray, np, optimizers as o, safetensors, tree } from '../src/index.ts';

t.test('safetensors', (t) => {
  const bytes = readFileSync(new URL('../../test/fixtures/weights.safetensors', import.meta.url));
  const arrays = {
    layers: [
      {
        w: np.arange(6).astype('float32').div(4).reshape(2, 3),
        b: np.array([1e-300, -2.5, Number.POSITIVE_INFINITY], { dtype: 'float64' }),
      },
    ],
    step: np.array(7, { dtype: 'int32' }),
    key: np.array([1, 2 ** 32 - 1], { dtype: 'uint32' }),
    mask: np.array([[true], [false], [true]]),
    empty: np.zeros([0, 4]),
  };
  const metadata = { format: 'np', note: 'déjà vu' };
  t.same(safetensors.loadMetadata(bytes), metadata);
  const saved = safetensors.save(arrays, { metadata: safetensors.loadMetadata(bytes) });
  t.same(Buffer.from(saved), bytes, 'the bytes of the reference implementation');
  t.equal(new DataView(saved.buffer).getUint32(0, true) % 8, 0);

  const record = safetensors.load(saved);
  t.same(Object.keys(record).sort(), ['empty', 'key', 'layers.0.b', 'layers.0.w', 'mask', 'step']);
  t.same(safetensors.load(safetensors.save(record)), record, 'a flat record');
  const again = safetensors.loadTree<typeof arrays>(saved);
  t.equal(tree.structure(again).key, tree.structure(arrays).key);
  for (const [i, leaf] of (tree.leaves(arrays) as NDArray[]).entries()) {
    const back = tree.leaves(again)[i] as NDArray;
    t.same([back.dtype, back.shape, back.tolist()], [leaf.dtype, leaf.shape, leaf.tolist()]);
  }
  t.same(tree.structure(safetensors.loadTree(saved, arrays)).key, tree.structure(arrays).key);
  const state = o.adam(0.1).init(arrays.layers);
  t.equal(tree.structure(safetensors.loadTree(safetensors.save(state), state)).key, tree.structure(state).key);
  t.same(Object.keys(safetensors.load(safetensors.save({}))), []);
  t.match(
    Buffer.from(safetensors.save([1, 2], { metadata: { a: 'b' } })).toString(),
    /\{"__metadata__":\{"a":"b"\},"0":/,
  );
  t.same(safetensors.unflattenNames({ 'a.1': 1, 'a.0': 2, 'b.x': 3 }), { a: [2, 1], b: { x: 3 } });
  t.same(safetensors.load(bytes), record, "Node's Buffer");
  // Bytes anywhere in a larger buffer.
  const shifted = new Uint8Array(saved.length + 3);
  shifted.set(saved, 3);
  t.same(safetensors.load(shifted.subarray(3))['layers.0.b']!.tolist(), arrays.layers[0]!.b.tolist());
  t.end();
});

/** A file of one header and `size` bytes of data. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

t.test('other dtypes are widened', (t) => {
  const read = (dtype: string, data: ArrayBufferView): NDArray => {
    const bytes = new Uint8Array(data.buffer);
    const n = (data as any).length;
    return safetensors.load(file({ x: { dtype, shape: [n], data_offsets: [0, bytes.length] } }, bytes)).x!;
  };
  const halves = [0, 0x8000, 0x3c00, 0xc500, 1, 0x3ff, 0x400, 0x7bff, 0x7c00, 0xfc00];
  t.same(read('F16', Uint16Array.from(halves)).tolist(), [
    0,
    -0,
    1,
    -5,
    2 ** -24,
    1023 * 2 ** -24,
    2 ** -14,
    65504,
    Infinity,
    -Infinity,
  ]);
  t.same(read('BF16', Uint16Array.from([0x3f80, 0xc040, 0x7f80])).tolist(), [1, -3, Infinity]);
  t.same(read('I8', Int8Array.from([-1, 127])).tolist(), [-1, 127]);
  t.same(read('U8', Uint8Array.from([255, 1])).tolist(), [255, 1]);
  t.same(read('I16', Int16Array.from([-32768])).tolist(), [-32768]);
  t.same(read('U16', Uint16Array.from([65535])).tolist(), [65535]);
  t.same(read('BOOL', Uint8Array.from([2, 0])).tolist(), [true, false]);
  t.end();
});

/** Park & Miller's generator: numbers below n. */
function numbers(seed: number): (n: number) => number {
  return (n) => (seed = (seed * 48271) % 2147483647) % n;
}

t.test('damaged files are read or refused, with a reason', (t) => {
  const whole = safetensors.save({ a: np.ones([3]), b: [np.zeros([2, 2]), true] }, { metadata: { x: 'y' } });
  const next = numbers(1);
  let refused = 0;
  const wrong: unknown[] = [];
  for (let i = 0; i < 2000; i++) {
    const damaged = whole.slice();
    for (let j = 0; j <= next(3); j++) damaged[next(next(2) ? 20 : damaged.length)] = next(256);
    try {
      safetensors.loadTree(next(4) ? damaged : damaged.subarray(0, next(damaged.length)));
    } catch (error) {
      if (error instanceof CotangentError) refused++;
      else wrong.push(error);
    }
  }
  t.same(wrong, []);
  t.ok(refused > 1500, `${refused} are refused`);
  t.end();
});

t.test('malformed files', (t) => {
  const x = (entry: object): object => ({ x: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...entry } });
  const four = new Uint8Array(4);
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(7), /it has 7 bytes, fewer than the 8/],
    [new Uint8Array(8).fill(255), /its header would have 18446744073709551615 bytes\./],
    [file('{}').subarray(0, 9), /its header would have 2 bytes, but 1 follow/],
    [file('{"x":'), /its header is not JSON/],
    [file('[]'), /its header is not a JSON object/],
    [file({ x: 1 }), /`x` has no dtype/],
    [file(x({ dtype: 'I64' }), four), /`x` has dtype I64, which no array has/],
    [file(x({ dtype: 'toString' }), four), /`x` has dtype toString/],
    [file(x({ shape: [-1] }), four), /`x` has shape \[-1\]/],
    [file(x({ shape: 1 }), four), /`x` has shape 1/],
    [file(x({ shape: [2] }), four), /`x` is F32\[2\] of 8 bytes, but has 4/],
    [file(x({ data_offsets: [0] }), four), /`x` has data_offsets \[0\]/],
    [
      file(x({ data_offsets: [4, 8] }), new Uint8Array(8)),
      /`x` begins at byte 4 of the data, but the tensor before it ends at 0/,
    ],
    [
      file({ ...x({}), y: (x({}) as any).x }, four),
      /`y` begins at byte 0 of the data, but the tensor before it ends at 4/,
    ],
    [file(x({}), new Uint8Array(5)), /its tensors have 4 bytes, but it has 5 bytes of data/],
    [file(x({})), /its tensors have 4 bytes, but it has 0 bytes of data/],
    [file({ __metadata__: { a: 1 } }), /`__metadata__` is not an object of strings/],
  ];
  for (const [bytes, pattern] of cases) {
    t.throws(() => safetensors.load(bytes), { message: pattern });
    t.throws(() => safetensors.load(bytes), { message: /^load: not a safetensors file: / });
  }
  const like = { w: np.zeros([2]) };
  const saved = safetensors.save(like);
  const wants =
    (other: object): (() => unknown) =>
    () =>
      safetensors.loadTree(saved, other);
  t.throws(wants({ w: np.zeros([3]) }), { message: /^loadTree: `w` is f32\[2\] in the file, but f32\[3\] in `like`/ });
  t.throws(wants({ w: np.zeros([2], { dtype: 'float64' }) }), { message: /but f64\[2\] in `like`/ });
  t.throws(wants({ w: np.zeros([2]), b: 1 }), { message: /^loadTree: the file has no array named `b`/ });
  t.throws(wants({}), { message: /^loadTree: `like` has no array named `w`/ });
  t.throws(() => safetensors.load('weights' as any), { message: /hint: read the file first/ });
  t.throws(() => safetensors.save(np.zeros([2])), { message: /^save: a single array has no name/ });
  t.throws(() => safetensors.save({ 'a.b': 1, a: { b: 2 } }), { message: /two arrays of the tree are named `a\.b`/ });
  t.throws(() => safetensors.save({ __metadata__: 1 }), { message: /the name `__metadata__` is not for arrays/ });
  t.throws(() => safetensors.save({ x: 1 }, { metadata: { epoch: 1 as any } }), { message: /`epoch` is a number/ });
  t.throws(() => safetensors.unflattenNames({ a: 1, 'a.b': 2 }), { message: /^unflattenNames: `a\.b`/ });
  const saving = jit((w: any) => {
    safetensors.save({ w });
    return w;
  });
  t.throws(() => saving(np.ones([2])), {
    message: /^save: the value of `w`, Traced<f32\[2\]>, is not known while it is traced/,
  });
  t.end();
});
