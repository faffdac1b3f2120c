import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { lowerHot } from '../jit/caches/hot.ts';
import { Recent } from '../jit/caches/recent.ts';
import { assembled, compileStats, moduleKey } from '../jit/compile.ts';
import { type Executable, load, setCallbackHandler } from '../jit/execute.ts';
import type { CallbackSite, Program, Slot } from '../jit/program.ts';
import { Cell } from '../jit/storage/cell.ts';
import { heap, heapStats, setHeapBudget } from '../jit/storage/heap.ts';
import {
  call,
  type Func,
  FunctionBuilder,
  f32c,
  type ImportedFunc,
  i32c,
  load as loadAt,
  op,
} from '../jit/wasm/code.ts';
import type { DType } from '../src/core/dtype.ts';

// A folder of this test's own, shared with the processes that it starts.
const folder = mkdtempSync(join(tmpdir(), 'cotangent-test-'));
process.env.COTANGENT_CACHE_DIR ??= folder;
t.teardown(() => rmSync(folder, { recursive: true }));

const slot = (offset: number, dtype: DType, ...shape: number[]): Slot => ({ offset, dtype, shape });

const program = (
  main: Func,
  inputs: Slot[],
  outputs: Slot[],
  frameBytes: number,
  callbacks: CallbackSite[] = [],
  imports: ImportedFunc[] = [],
): Program => {
  const wasm = assembled({ imports, functions: [main] });
  return {
    wasm,
    module: moduleKey(wasm),
    importsFrom: imports.map(({ module }) => module),
    inputs,
    outputs,
    callbacks,
    frameBytes,
    peakBytes: 0,
  };
};

/** y = x·s + 1 for n floats, and the last y. */
function scaled(n: number, frameBytes = 16): Executable {
  const f = new FunctionBuilder('main', ['i32'], 'i32');
  const frame = f.param(0);
  const [x, y] = [f.var(loadAt('i32.load', frame, 0)), f.var(loadAt('i32.load', frame, 8))];
  const value = f.local('f32');
  f.for(0, n, (i) => {
    const at = f.var(op('i32.shl', i, i32c(2)));
    const product = op('f32.mul', loadAt('f32.load', op('i32.add', x, at)), loadAt('f32.load', frame, 4));
    f.set(value, op('f32.add', product, f32c(1)));
    f.store('f32.store', op('i32.add', y, at), value);
  });
  f.store('f32.store', frame, value, 12);
  f.return(i32c(0));
  const inputs = [slot(0, 'float32', n), slot(4, 'float32')];
  return load(program(f.build(true), inputs, [slot(8, 'float32', n), slot(12, 'float32')], frameBytes));
}

/** x + y for n floats. */
function sum(n: number): Executable {
  const f = new FunctionBuilder('main', ['i32'], 'i32');
  const frame = f.param(0);
  const [x, y, z] = [0, 4, 8].map((offset) => f.var(loadAt('i32.load', frame, offset)));
  f.for(0, n, (i) => {
    const at = f.var(op('i32.shl', i, i32c(2)));
    const [a, b] = [x!, y!].map((p) => loadAt('f32.load', op('i32.add', p, at)));
    f.store('f32.store', op('i32.add', z!, at), op('f32.add', a!, b!));
  });
  f.return(i32c(0));
  const inputs = [slot(0, 'float32', n), slot(4, 'float32', n)];
  return load(program(f.build(true), inputs, [slot(8, 'float32', n)], 12));
}

const floats = (n: number, value = 1): Cell => Cell.fromHost('float32', new Float32Array(n).fill(value));
const number = (x: number): Cell => Cell.fromNumber('float32', x);

// What the test of the disk cache runs in processes of their own.
if (process.argv[2] === 'child') {
  const value = scaled(37)
    .run([floats(37, 3), number(2)])[0]!
    .first();
  const { compiled, diskHits } = compileStats();
  // Binaryen's thread keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  if (process.argv[3] === 'hot') await lowerHot();
  clearInterval(alive);
  process.stdout.write(`\n${JSON.stringify({ compiled, diskHits, value })}\n`);
  process.exit(0);
}

t.test('arrays of any size go in and out', async (t) => {
  for (const n of [0, 1, 4, 16, 17, 100, 8192, 8193, 100_000, 1_000_000]) {
    const run = scaled(n);
    const [y, last] = run.run([floats(n, 3), number(2)]);
    t.ok(y!.peek().length === n && y!.peek().every((v) => v === 7), `${n} elements`);
    t.equal(last!.first(), n > 0 ? 7 : 0);
    const [z] = run.run([y!, number(-1)]);
    t.ok(z!.copyOut().every((v) => v === -6));
  }
});

t.test('a cache forgets what was used longest ago', async (t) => {
  const recent = new Recent<string, number>(2);
  recent.set('a', 1);
  recent.set('b', 2);
  t.equal(recent.get('a'), 1);
  recent.set('c', 3);
  t.same(
    ['a', 'b', 'c'].map((key) => recent.get(key)),
    [1, undefined, 3],
  );
  recent.set('a', 4);
  t.same(
    ['a', 'c'].map((key) => recent.get(key)),
    [4, 3],
    'replacing forgets nothing',
  );
});

t.test('scalars of every dtype', async (t) => {
  const f = new FunctionBuilder('main', ['i32'], 'i32');
  const frame = f.param(0);
  f.copy(op('i32.add', frame, i32c(24)), frame, i32c(24));
  f.return(i32c(0));
  const slots = (at: number): Slot[] => [
    slot(at, 'float64'),
    slot(at + 8, 'float32'),
    slot(at + 12, 'int32'),
    slot(at + 16, 'uint32'),
    slot(at + 20, 'bool'),
  ];
  const copy = load(program(f.build(true), slots(0), slots(24), 48));
  const values = [0.1, 0.5, -7, 4294967295, 1];
  const results = copy.run(values.map((x, i) => Cell.fromNumber(slots(0)[i]!.dtype, x)));
  t.same(
    results.map((c) => c.first()),
    values,
  );
  t.same(
    results.map((c) => c.dtype),
    slots(0).map((s) => s.dtype),
  );
  t.same(
    results.map((c) => c.peek()[0]),
    values,
    'also as typed arrays',
  );
  t.throws(() => copy.run([]), /takes 5 inputs, not 0/);
  t.throws(() => copy.run(results.toReversed()), /input 0 is bool\[1\], not float64\[1\]/);
});

const callbackImport: ImportedFunc = {
  name: 'callback',
  module: 'host',
  base: 'callback',
  params: ['i32', 'i32'],
  result: 'i32',
};

/** Calls back with x, an array, and i, a scalar, for i = 0, 1, 2; y[0] = how often. */
function calling(): Executable {
  const f = new FunctionBuilder('main', ['i32'], 'i32');
  const frame = f.param(0);
  f.for(0, 3, (i) => {
    f.store('i32.store', frame, loadAt('i32.load', frame, 0), 16);
    f.store('i32.store', frame, i, 20);
    f.if(call('callback', 'i32', i32c(0), op('i32.add', frame, i32c(16))), () => f.return(i32c(1)));
    f.store('i32.store', frame, op('i32.add', i, i32c(1)), 8);
  });
  f.return(i32c(0));
  const site = { id: 0, arguments: [slot(0, 'float32', 100), slot(4, 'int32')], results: [] };
  const [inputs, outputs] = [[slot(0, 'float32', 100)], [slot(8, 'int32')]];
  return load(program(f.build(true), inputs, outputs, 24, [site], [callbackImport]));
}

t.test('callbacks may call any program', async (t) => {
  const outer = calling();
  const inner = scaled(100);
  const big = scaled(100, 3_000_000);
  const seen: number[] = [];
  const { top, depth } = heap().frames;
  const nest = (level: number): number =>
    outer
      .run([floats(100, level)], {
        callbacks: [
          ([x, i]) => {
            seen.push(x!.first(), i!.first());
            const [y] = inner.run([x!, number(10)]);
            // A frame larger than what is left of the stack, and growth of the memory, while the outer one waits.
            const [z] = big.run([y!, number(1)]);
            if (z!.peek()[99] !== level * 10 + 2) throw new Error('wrong');
            if (level < 3) nest(level + 1);
          },
        ],
      })[0]!
      .first();
  t.equal(nest(1), 3);
  t.equal(seen.length, 2 * (3 + 9 + 27));
  t.equal(heap().frames.top, top);
  t.equal(heap().frames.depth, depth);
  t.equal(heap().pinned.length, 0);
});

t.test('an exception in a callback ends the run', async (t) => {
  const outer = calling();
  let calls = 0;
  const { top } = heap().frames;
  const callbacks = [
    (): void => {
      if (++calls === 2) throw new TypeError('enough');
    },
  ];
  t.throws(() => outer.run([floats(100)], { callbacks }), new TypeError('enough'));
  t.equal(calls, 2);
  t.equal(heap().frames.top, top);
  t.equal(heap().pinned.length, 0);
  t.throws(() => outer.run([floats(100)]), /no callback handler/);
  setCallbackHandler((executable, id) => {
    t.equal(executable, outer);
    t.equal(id, 0);
  });
  t.equal(outer.run([floats(100)])[0]!.first(), 3);
  setCallbackHandler(undefined);
});

t.test('large arrays begin at places of their pages that differ', async (t) => {
  const before = heapStats().usedBytes;
  const cells = Array.from({ length: 8 }, () => Cell.inHeap('float32', 2 ** 18));
  const places = cells.map(({ segment, offset }) => (segment!.address + offset) % 65536);
  t.equal(new Set(places).size, 8);
  t.ok(places.every((place) => place % 4096 === 0));
  for (const cell of cells) cell.dispose();
  t.ok(heapStats().usedBytes <= before);
});

t.test('a full heap spills and nothing is lost', async (t) => {
  const before = heap().budgetPages;
  setHeapBudget(heapStats().usedBytes + 512 * 1024);
  t.teardown(() => (heap().budgetPages = before));
  const spilled = heapStats().spilledSegments;
  const runs = [20, 100, 3000, 20_000, 90_000].map((n) => scaled(n));
  const kept: { cell: Cell; value: number }[] = [];
  let state = 1;
  const random = (n: number): number => {
    state = (state * 48271) % 2147483647;
    return state % n;
  };
  for (let i = 0; i < 3000; i++) {
    const run = runs[random(20) < 19 ? random(3) : random(5)]!;
    const n = run.program.inputs[0]!.shape[0]!;
    const old = kept.filter(({ cell }) => cell.length === n);
    const from = old.length > 0 && random(2) ? old[random(old.length)]! : { cell: floats(n, i), value: i };
    const [y] = run.run([from.cell, number(0.5)]);
    const entry = { cell: y!, value: Math.fround(Math.fround(from.value * 0.5) + 1) };
    if (kept.length < 300) kept.push(entry);
    else {
      const place = random(300);
      if (random(3) === 0 && kept[place] !== from) kept[place]!.cell.dispose();
      kept[place] = entry;
    }
  }
  t.ok(heapStats().spilledSegments > spilled + 100, `${heapStats().spilledSegments} segments`);
  t.ok(kept.every(({ cell, value }) => cell.peek().every((v) => v === value)));
});

t.test('a large frame and arguments that come back push no argument out', async (t) => {
  const n = 250_000;
  const large = scaled(n, 8 * n);
  const before = heap().budgetPages;
  t.teardown(() => (heap().budgetPages = before));
  const [x] = scaled(n).run([floats(n), number(1)]);
  // Whatever is not pinned leaves when room is needed.
  setHeapBudget(1);
  const { segment } = x!;
  const [y] = large.run([x!, number(2)]);
  t.ok(x!.segment === segment && segment!.address > 0, 'the frame and the result go beyond the budget');
  t.equal(y!.at(n - 1), 5);
  const [z] = sum(n).run([floats(n, 7), x!]);
  t.ok(x!.segment === segment && segment!.address > 0 && y!.segment!.address < 0, 'others have left');
  t.equal(z!.at(n - 1), 9);
});

t.test('large arrays that have left the memory are read as a whole, in part, and by programs', async (t) => {
  const before = heap().budgetPages;
  setHeapBudget(heapStats().usedBytes + 2 ** 20);
  t.teardown(() => (heap().budgetPages = before));
  const n = 9_000_001;
  const value = (i: number): number => (i * 7919) % 1_000_003;
  const leave = (): Cell => {
    const cell = Cell.inHeap('float32', n);
    const view = cell.peek();
    for (let i = 0; i < n; i++) view[i] = value(i);
    const spilled = heapStats().spilledSegments;
    Cell.inHeap('float32', n).dispose();
    t.equal(heapStats().spilledSegments, spilled + 1);
    return cell;
  };
  const right = (data: ArrayLike<number>): boolean => {
    for (let i = 0; i < n; i++) if (data[i] !== value(i)) return false;
    return data.length === n;
  };
  const copied = leave();
  // 2²² elements are a part.
  for (const i of [0, 2 ** 22 - 1, 2 ** 22, 2 ** 23, n - 1]) t.equal(copied.at(i), value(i));
  t.ok(right(copied.copyOut()));
  t.ok(right(copied.peek()) && right(copied.peek()));
  t.equal(copied.at(2 ** 22), value(2 ** 22), 'in one buffer');
  t.ok(right(copied.copyOut()) && right(copied.toHost()));
  copied.dispose();
  const used = leave();
  const address = heap().pin(used);
  t.ok(right(heap().f32.subarray(address / 4, address / 4 + n)));
  heap().unpin(0);
  used.dispose();
  t.ok(right(leave().toHost()));
});

t.test('arrays that are disposed of after they were copied out make room', (t) => {
  const before = heap().budgetPages;
  t.teardown(() => (heap().budgetPages = before));
  setHeapBudget(heapStats().usedBytes + 2 ** 20);
  const { spilledSegments } = heapStats();
  for (let i = 0; i < 50; i++) {
    // Together more than there is room for.
    const both = [0, 1].map(() => Cell.inHeap('float64', 100_000));
    for (const cell of both) cell.dispose();
  }
  t.ok(heapStats().spilledSegments - spilledSegments < 20, 'a few times, and then no more');
  t.end();
});

t.test('results nobody keeps do not fill the memory', async (t) => {
  const before = heap().budgetPages;
  setHeapBudget(heapStats().usedBytes + 4 * 2 ** 20);
  t.teardown(() => (heap().budgetPages = before));
  const run = scaled(256);
  let x = floats(256);
  for (let i = 0; i < 2000; i++) x = run.run([x, number(0.5)])[0]!;
  const start = heapStats().memoryBytes;
  for (let i = 0; i < 100_000; i++) x = run.run([x, number(0.5)])[0]!;
  t.equal(heapStats().memoryBytes, start, 'a hundred megabytes went through');
  t.ok(process.memoryUsage().arrayBuffers < 400 * 2 ** 20);
  t.equal(x.peek()[255], 2);
});

t.test('donated and disposed arrays are free at once', async (t) => {
  setHeapBudget(2 ** 28);
  const n = 300_000;
  const run = scaled(n);
  let [x] = run.run([floats(n), number(0.5)]);
  const used = heapStats().usedBytes;
  for (let i = 0; i < 50; i++) {
    const old = x!;
    [x] = run.run([old, number(0.5)], { donate: [true, false] });
    t.ok(old.disposed);
  }
  t.equal(heapStats().usedBytes, used);
  t.equal(x!.peek()[0], 2);
  x!.dispose();
  t.ok(heapStats().usedBytes < used);
  t.throws(() => x!.peek(), /disposed/);
});

const script = fileURLToPath(import.meta.url);
const child = (...args: string[]): { compiled: number; diskHits: number; value: number } => {
  const { stdout, stderr } = spawnSync(process.execPath, [script, 'child', ...args], {
    env: { ...process.env, TAP: '1', COTANGENT_VALIDATE: '' },
  });
  const line = String(stdout)
    .split('\n')
    .find((l) => l.startsWith('{'));
  if (!line) throw new Error(String(stderr) || String(stdout));
  return JSON.parse(line);
};

/** An empty folder of a test's own, for it and the processes that it starts. */
function ownFolder(t: Test): string {
  const own = mkdtempSync(join(tmpdir(), 'cotangent-test-'));
  process.env.COTANGENT_CACHE_DIR = own;
  t.teardown(() => rmSync(own, { recursive: true }));
  return own;
}

const modulesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name !== 'pruned')
    .map((name) => join(folder, name));

t.test('what is hot is lowered again by binaryen, for the next process', async (t) => {
  const own = ownFolder(t);
  t.same(child(), { compiled: 1, diskHits: 0, value: 7 });
  const [file] = modulesIn(own) as [string];
  const assembled = readFileSync(file);
  rmSync(file);
  t.same(child('hot'), { compiled: 1, diskHits: 0, value: 7 });
  const lowered = readFileSync(file);
  t.notOk(lowered.equals(assembled));
  t.same(child('hot'), { compiled: 0, diskHits: 1, value: 7 }, 'the value is the same');
  t.ok(readFileSync(file).equals(lowered), 'and once is enough');
});

t.test('the second process compiles nothing', async (t) => {
  const own = ownFolder(t);
  t.same(child(), { compiled: 1, diskHits: 0, value: 7 });
  t.same(child(), { compiled: 0, diskHits: 1, value: 7 });
  const files = modulesIn(own);
  t.equal(files.length, 1);
  const [file] = files as [string];
  const whole = readFileSync(file);
  const damaged = Buffer.from(whole);
  damaged[whole.length - 10]! ^= 1;
  writeFileSync(file, damaged);
  t.same(child(), { compiled: 1, diskHits: 0, value: 7 }, 'a flipped bit is noticed');
  truncateSync(file, 20);
  t.same(child(), { compiled: 1, diskHits: 0, value: 7 }, 'so is a file cut short');
  t.same(readFileSync(file), whole, 'and repaired');
});
