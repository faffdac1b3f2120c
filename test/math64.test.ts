/** Functions of jit/math on float64: hard points with values from mpmath, special values, independence of the lanes. */
import t from 'tap';
import { functions } from '../bench/accuracy/functions.ts';
import { preciseError, runner, ulpOf } from '../bench/accuracy/measure.ts';
import { hostMath, mathArity, mathNames } from '../jit/math/index.ts';
import { vectorCode } from '../jit/math/vectors.ts';
import { target } from '../jit/target.ts';
import { allPrimitives } from '../src/lax/primitives.ts';
import { fixture } from './lib/fixture.ts';

const points64: Record<string, string[]> = fixture('math64');

const word = new DataView(new ArrayBuffer(8));
function fromBits(hex: string): number {
  word.setBigUint64(0, BigInt(`0x${hex}`));
  return word.getFloat64(0);
}

/** Operands, the nearest double, and what it lacks in ulp. */
function points(name: string): { x: number; y: number; nearest: number; rest: number }[] {
  return points64[name]!.map((line) => {
    const fields = line.split(' ');
    const [x, y, nearest] = (fields.length === 3 ? [fields[0]!, '0', fields[1]!] : fields.slice(0, 3)).map(fromBits);
    return { x: x!, y: y!, nearest: nearest!, rest: Number(fields.at(-1)) / 1000 };
  });
}

const engine = target();
const targets = engine.fma ? [engine, { ...engine, fma: false }] : [engine];
const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => Array.from(a).every((x, i) => Object.is(x, b[i]));

t.test('within 2 ulp of exact values at hard points, in any lane and alone', (t) => {
  t.same(Object.keys(points64).sort(), [...mathNames].sort(), 'every function has points');
  for (const f of functions) {
    const all = points(f.name);
    const x = Float64Array.from(all, (p) => p.x);
    const y = Float64Array.from(all, (p) => p.y);
    for (const to of targets) {
      t.ok(vectorCode(f.name, 'f64x2', to), `${f.name} has code of its own`);
      const { vectors, elements } = runner(f.name, 'float64', to);
      const results = vectors(x, y);
      const wrong = all.flatMap((p, i) => {
        const scale = f.scale?.(p.x) ?? 0;
        const unit = ulpOf(Math.max(Math.abs(p.nearest), scale), 'float64');
        const rest = (p.rest * ulpOf(p.nearest, 'float64')) / unit;
        const got = results[i]!;
        const error = Object.is(got, p.nearest) ? Math.abs(rest) : Math.abs((got - p.nearest) / unit - rest);
        return error <= f.bounds.float64 ? [] : [`${f.name}(${p.x}, ${p.y}) = ${got}, not ${p.nearest}: ${error} ulp`];
      });
      t.same(wrong, [], `${f.name}, ${to.fma ? 'fused' : 'plain'}: ${all.length} points`);
      t.ok(same(elements(x, y), results), `${f.name}: alone as in vectors`);
      const shifted = vectors(Float64Array.of(1e300, ...x), Float64Array.of(-3, ...y)).subarray(1);
      t.ok(same(shifted, results), `${f.name}: the same beside other lanes`);
    }
  }
  t.end();
});

const recordNames: Readonly<Record<string, string>> = { erfInv: 'erf_inv', floorDivide: 'floor_divide' };

t.test('the reference semantics are as accurate, and what records declare is what is measured', (t) => {
  const primitives = new Map(allPrimitives().map((p) => [p.name, p]));
  for (const f of functions) {
    const wrong = points(f.name).flatMap((p) => {
      const got = hostMath[f.name]!(p.x, p.y);
      const unit = ulpOf(Math.max(Math.abs(p.nearest), f.scale?.(p.x) ?? 0), 'float64');
      const rest = (p.rest * ulpOf(p.nearest, 'float64')) / unit;
      const error = Object.is(got, p.nearest) ? Math.abs(rest) : Math.abs((got - p.nearest) / unit - rest);
      return error <= f.bounds.float64 ? [] : [`${f.name}(${p.x}, ${p.y}) = ${got}, not ${p.nearest}: ${error} ulp`];
    });
    t.same(wrong, [], `${f.name} in JavaScript`);
    const { accuracy } = primitives.get(recordNames[f.name] ?? f.name)!;
    const declared = accuracy.kind === 'ulp' ? accuracy : { float32: 0, float64: 0, terms: undefined };
    t.same({ float32: declared.float32, float64: declared.float64 }, f.bounds, `${f.name}: declared`);
    for (const x of [-0.5, -3.3, -20, 0.1, 7])
      t.equal(declared.terms?.(x) ?? 0, f.scale?.(x) ?? 0, `${f.name}: the terms at ${x}`);
  }
  // Points at which these were off by more than 2 ulp of their terms.
  for (const [name, x, exact] of [
    ['digamma', -1.7076235534976452, -1.5993311488789943],
    ['tanh', 0.19776092635746245, 0.19522252640891055],
  ] as const) {
    const error = Math.abs(hostMath[name]!(x, 0) - exact) / ulpOf(exact, 'float64');
    t.ok(error <= 2, `${name}(${x}): ${error} ulp`);
  }
  t.end();
});

t.test('special values are exact', (t) => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const specials = [0, 1, 2, 3, 0.5, 2 ** 52, 2 ** 53 + 2, 2 ** 60, 1e308, 2 ** -1074, inf];
  const all = [...specials, ...specials.map((x) => -x), nan];
  const exact = (x: number): boolean => !Number.isFinite(x) || x === 0 || Math.abs(x) === 1;
  for (const { name, scale } of functions) {
    const pairs =
      mathArity(name) === 2 ? all.flatMap((x) => all.map((y) => [x, y] as const)) : all.map((x) => [x, 0] as const);
    const x = Float64Array.from(pairs, (p) => p[0]);
    const y = Float64Array.from(pairs, (p) => p[1]);
    for (const to of targets) {
      const results = runner(name, 'float64', to).vectors(x, y);
      const wrong = pairs.flatMap(([a, b], i) => {
        const want = hostMath[name]!(a, b);
        const got = results[i]!;
        const ok = exact(want)
          ? Object.is(got, want)
          : Math.abs(got - want) <= 3 * ulpOf(Math.max(Math.abs(want), scale?.(a) ?? 0), 'float64');
        return ok ? [] : [`${name}(${a}, ${b}) = ${got}, not ${want}`];
      });
      t.same(wrong, [], name);
    }
  }
  t.end();
});

t.test('remainders are those of the host, of quotients of any size', (t) => {
  const bits = new DataView(new ArrayBuffer(8));
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const any = (): number => {
    bits.setUint32(0, random());
    bits.setUint32(4, random());
    return bits.getFloat64(0);
  };
  const plain = (): number => ((random() / 2 ** 32) * 2 - 1) * 10 ** (random() % 9);
  const ends = [
    0,
    2 ** -1074,
    2 ** -1060,
    2 ** -1022,
    1,
    3,
    2 ** 1000,
    Number.MAX_VALUE,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ];
  const pairs = [
    ...ends.flatMap((x) =>
      ends.flatMap((y) => [
        [x, y],
        [-x, y],
      ]),
    ),
  ];
  for (let i = 0; i < 2000; i++) pairs.push([plain(), plain()], [any(), plain()], [any(), any()], [plain(), plain()]);
  const x = Float64Array.from(pairs, (p) => p[0]!);
  const y = Float64Array.from(pairs, (p) => p[1]!);
  for (const to of targets) {
    const got = runner('rem', 'float64', to).vectors(x, y);
    const wrong = pairs.flatMap(([a, b], i) =>
      Object.is(got[i], a! % b!) ? [] : [`${a} % ${b} = ${got[i]}, not ${a! % b!}`],
    );
    t.same(wrong, []);
  }
  t.end();
});

t.test('the references that npm run ulp measures against agree with mpmath', (t) => {
  for (const f of functions) {
    const wrong = points(f.name).flatMap(({ x, y, nearest, rest }) => {
      // The ulp of a power of 2 is twice that of what is just below it.
      if (Math.abs(nearest) === Number.POSITIVE_INFINITY || Number.isInteger(Math.log2(Math.abs(nearest)))) return [];
      const error = preciseError(nearest, f.precise(x, y));
      const unit = f.scale?.(x) ? 1e-2 * Math.max(1, f.scale(x) / Math.abs(nearest)) : 1e-3;
      return Math.abs(error - Math.abs(rest)) <= unit ? [] : [`${f.name}(${x}, ${y}): ${error} for ${rest}`];
    });
    t.same(wrong, [], f.name);
  }
  t.end();
});
