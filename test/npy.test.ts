/** Files of NumPy's: what it writes is read, and the other way round. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { checksumTerms } from '../jit/runtime/checksum.ts';
import { jit, type NDArray, np, npy, random } from '../src/index.ts';
import { crc32, crc32ByTables } from '../src/npy/crc32.ts';
import { failing } from '../src/npy/format.ts';
import { inflate } from '../src/npy/inflate.ts';

interface Fixture {
  cases: Record<string, { file: string; values: unknown }>;
  refused: Record<string, string>;
  archives: Record<'stored' | 'compressed', string>;
  contents: Record<string, unknown>;
}
const fixture: Fixture = JSON.parse(readFileSync(new URL('../../test/fixtures/npy.json', import.meta.url), 'utf8'));
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'base64');
const fail = failing('load', 'an npy');

t.test('arrays that NumPy wrote', (t) => {
  const dtypes: Record<string, string> = { f8: 'float64', u4: 'uint32', u8: 'uint32', bool: 'bool', scalar: 'float64' };
  for (const [name, { file, values }] of Object.entries(fixture.cases)) {
    const x = npy.load(bytesOf(file));
    t.same(x.tolist(), values, name);
    const code = name.split(' ').at(-1)!;
    const isInteger = /^[iu][1248]$/.test(code);
    if (/^[iuf][1248]$/.test(code) || dtypes[name])
      t.equal(x.dtype, dtypes[code] ?? dtypes[name] ?? (isInteger ? 'int32' : 'float32'), name);
  }
  const shifted = new Uint8Array(200);
  const whole = bytesOf(fixture.cases['little f8']!.file);
  shifted.set(whole, 3);
  t.same(npy.load(shifted.subarray(3, 3 + whole.length)).tolist(), fixture.cases['little f8']!.values, 'not aligned');
  t.same(npy.load(Uint8Array.from(whole).buffer).tolist(), fixture.cases['little f8']!.values, 'an ArrayBuffer');
  t.end();
});

t.test('arrays that are written', (t) => {
  const key = random.key(3);
  const arrays: NDArray[] = [
    random.normal(key, [3, 4]),
    random.normal(key, [5], { dtype: 'float64' }),
    random.randint(key, [2, 1, 3], -9, 9),
    random.bits(key, [4]),
    np.array([true, false]),
    np.array(2),
    np.zeros([0, 3]),
    random.normal(key, [7, 5]).T,
  ];
  for (const x of arrays) {
    const file = npy.save(x);
    t.equal(file.length % x.data().BYTES_PER_ELEMENT, 0);
    const again = npy.load(file);
    t.equal(String(again.aval), String(x.aval));
    t.same(again.tolist(), x.tolist());
  }
  // Byte for byte what NumPy writes.
  for (const name of ['little f8', 'little f4', 'little i4', 'little u4', 'bool', 'scalar', 'empty']) {
    const bytes = bytesOf(fixture.cases[name]!.file);
    t.same(Buffer.from(npy.save(npy.load(bytes))), bytes, name);
  }
  t.throws(() => jit((x: NDArray) => x.mul(npy.save(x).length))(np.ones([2])), {
    message: /^save: the value of its argument, .*, is not known while it is traced\./,
  });
  t.end();
});

t.test('archives', (t) => {
  for (const name of ['stored', 'compressed'] as const) {
    const found = npy.loadz(bytesOf(fixture.archives[name]));
    t.same(Object.fromEntries(Object.entries(found).map(([key, x]) => [key, x.tolist()])), fixture.contents, name);
  }
  const written = npy.savez({ a: np.arange(3), 'b.c': np.ones([2, 2]), é: true });
  t.same(Object.keys(npy.loadz(written)), ['a', 'b.c', 'é']);
  t.same(npy.loadz(written)['b.c']!.tolist(), [
    [1, 1],
    [1, 1],
  ]);
  t.same(Object.keys(npy.loadz(npy.savez([1, np.zeros([2])]))), ['arr_0', 'arr_1']);
  t.same(npy.loadz(npy.savez({})), {});
  t.throws(() => npy.savez(np.ones([2]) as never), { message: /^savez: expected an object or a list of arrays/ });
  t.end();
});

t.test('compressed data', (t) => {
  const text = Buffer.from('so much depends upon a red wheel barrow glazed with rain water '.repeat(40));
  const noise = Buffer.from(random.bits(random.key(0), [5000]).data().buffer);
  const skewed = noise.map((byte) => Math.clz32(byte | (byte << 9)));
  for (const data of [text, noise, skewed, Buffer.alloc(0), Buffer.alloc(70000), Buffer.concat([noise, text, skewed])])
    for (const options of [{ level: 0 }, { level: 1 }, { level: 9 }, { strategy: 4 }, { strategy: 2 }])
      t.ok(Buffer.from(inflate(deflateRawSync(data, options), data.length, fail)).equals(data));
  const packed = deflateRawSync(text);
  let refused = 0;
  for (let i = 0; i < packed.length; i++)
    for (const bit of [1, 8, 64]) {
      const damaged = Uint8Array.from(packed);
      damaged[i]! ^= bit;
      try {
        if (crc32(inflate(damaged, text.length, fail)) !== crc32(text)) refused++;
      } catch (error) {
        t.match((error as Error).message, /^load: not an npy file that can be read: its compressed data /);
        refused++;
      }
    }
  t.ok(refused > 2 * packed.length);
  for (const length of [0, 1, packed.length >> 1, packed.length - 1])
    t.throws(() => inflate(packed.subarray(0, length), text.length, fail), { message: /its compressed data/ });
  t.throws(() => inflate(packed, text.length + 1, fail), { message: /give 2520 bytes instead of 2521/ });
  t.throws(() => inflate(packed, text.length - 1, fail), { message: /give more than 2519 bytes/ });
  // Of 123456789, in every catalogue of checksums.
  t.equal(crc32ByTables(Buffer.from('123456789')), 0xcbf43926);
  const long = Uint8Array.from({ length: 1027 }, (_, i) => (i * 73) ^ (i >> 3));
  for (const from of [0, 1, 2, 3]) t.equal(crc32(long.subarray(from)), crc32ByTables(long.subarray(from)));
  t.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
  t.equal(
    crc32(Buffer.from('.123456789123456789123456789').subarray(1)),
    crc32(Buffer.from('123456789123456789123456789')),
  );
  // Not even nothing may be read from between two words.
  for (const [from, to] of [
    [1, 1],
    [1, 2],
    [2, 3],
  ] as const)
    t.equal(crc32ByTables(long.subarray(from, to)), crc32ByTables(long.slice(from, to)));
  t.equal(crc32ByTables(long.subarray(500), crc32ByTables(long.subarray(0, 500))), crc32ByTables(long));
  t.end();
});

t.test('checksums of many bytes', (t) => {
  // A multiple of the polynomial, whose terms they are folded by: powers of x leave remainders that cancel.
  const powers = [1];
  while (powers.length <= checksumTerms[0]) {
    const last = powers.at(-1)!;
    powers.push(((last << 1) ^ (last < 0 ? 0x04c11db7 : 0)) | 0);
  }
  t.equal(
    checksumTerms.reduce<number>((sum, term) => sum ^ powers[term]!, 0),
    0,
  );
  const bytes = Uint8Array.from({ length: 2 ** 18 + 100 }, (_, i) => Math.imul(i + 7, 0x9e3779b1) >>> 13);
  for (const length of [2 ** 14, 2 ** 14 + 15, 2 ** 14 + 4801, 2 ** 17 + 4800, bytes.length])
    for (const [from, before] of [
      [0, 0],
      [3, 0xcbf43926],
    ] as const) {
      const part = bytes.subarray(from, length);
      t.equal(crc32(part, before), crc32ByTables(part, before), `${length} bytes from ${from} on`);
    }
  const x = np.array(Float64Array.from({ length: 40_000 }, (_, i) => Math.sin(i)));
  const archive = npy.savez({ few: np.array([1, 2]), x });
  t.same(npy.loadz(archive).x!.data(), x.data());
  const changed = archive.slice();
  changed[changed.length - 1000]! ^= 1;
  t.throws(() => npy.loadz(changed), {
    message: /^loadz: not an npz file that can be read: `x\.npy` does not have the checksum that it should have\.$/m,
  });
  // Elements are taken as they are where one asks for it.
  const { x: y } = npy.loadz(changed, { verify: false });
  t.equal(y!.data().filter((v, i) => v !== x.item(i)).length, 1);
  t.throws(() => npy.loadz(changed, { verify: 0 as never }), {
    message: /^loadz: `verify` must be true or false, but it is 0\.$/m,
  });
  t.throws(() => npy.loadz(changed, { check: false } as never), {
    message: /^loadz: there is no option `check`; the only one is `verify`\.$/m,
  });
  t.end();
});

t.test('files that are refused', (t) => {
  const said: Record<string, RegExp> = {
    complex: /no array has elements of type '<c16'\.$/m,
    text: /no array has elements of type '<U1'\.$/m,
    records: /its elements are records\.$/m,
    large: /element 1 of its '<i8' is 1099511627776, which has more than 32 bits\.$/m,
    'large unsigned': /element 0 of its '<u8' is 9223372036854775808, which has more than 32 bits\.$/m,
    dates: /no array has elements of type '<M8\[D\]'\.$/m,
  };
  for (const [name, file] of Object.entries(fixture.refused))
    t.throws(() => npy.load(bytesOf(file)), { message: said[name]! }, name);
  const whole = npy.save(np.ones([3]));
  const header = (dictionary: string): Uint8Array => {
    const text = `\x93NUMPY\x01\x00${String.fromCharCode(dictionary.length)}\x00${dictionary}`;
    return Uint8Array.from(text, (c) => c.charCodeAt(0));
  };
  const damaged: [Uint8Array, RegExp][] = [
    [whole.subarray(0, 9), /it does not begin with \\x93NUMPY and a version\.$/m],
    [whole.map((byte, i) => (i === 6 ? 4 : byte)), /its version is 4\.0\.$/m],
    [whole.subarray(0, 60), /its header would have 118 bytes, but 50 follow\.$/m],
    [whole.subarray(0, -1), /its <f4\[3\] would have 12 bytes, but 11 follow\.$/m],
    [header('[]'), /its header is no dictionary\.$/m],
    [header("{'descr': '<f4', 'fortran_order': False}"), /its header has no `shape`\.$/m],
    [header("{'descr': '<f4', 'shape': (1,)}"), /its header has no `fortran_order`\.$/m],
    [header("{'fortran_order': False, 'shape': (1,)}"), /its header has no `descr`\.$/m],
    [
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999,), }\n"),
      /its header has no `shape`\.$/m,
    ],
    [header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"), /no array has elements of type '\|O'\.$/m],
  ];
  for (const [bytes, message] of damaged) t.throws(() => npy.load(bytes), { message });
  t.throws(() => npy.load('x.npy' as never), { message: /hint: read the file first: `load\(readFileSync\(path\)\)`/ });

  const archive = npy.savez({ a: np.ones([3]) });
  t.throws(() => npy.loadz(archive.map((byte, i) => (i === 165 ? byte ^ 1 : byte))), {
    message: /^loadz: not an npz file that can be read: `a\.npy` does not have the checksum that it should have\.$/m,
  });
  t.throws(() => npy.loadz(archive.subarray(0, 100)), { message: /it is no archive: it has no directory\.$/m });
  t.throws(() => npy.loadz(whole), { message: /it is no archive/ });
  // Whatever is damaged is said, or changes nothing: never another error.
  for (let i = 0; i < archive.length; i++)
    for (const bit of [1, 128])
      try {
        npy.loadz(archive.map((byte, k) => (k === i ? byte ^ bit : byte)));
      } catch (error) {
        t.match((error as Error).message, /^loadz: not an npz file that can be read: /);
      }
  t.end();
});

/** Python, if there is one with NumPy. */
const python = process.env.COTANGENT_PYTHON;
t.test('NumPy reads what is written', { skip: python ? false : 'no COTANGENT_PYTHON' }, (t) => {
  const file = npy.savez({ x: np.arange(6).reshape(2, 3), y: np.array([true]) });
  const code =
    'import sys, io, numpy as np; f = np.load(io.BytesIO(sys.stdin.buffer.read())); print(f["x"].tolist(), f["y"].tolist(), f["x"].dtype)';
  const out = execFileSync(python!, ['-c', code], { input: file }).toString();
  t.equal(out.trim(), '[[0, 1, 2], [3, 4, 5]] [True] int32');
  t.end();
});
