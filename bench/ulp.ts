/**
 * Measures the vector functions of jit/math against references in higher precision, and fails if one is less accurate
 * than it should be: `npm run ulp -- [--count=1e7] [--exhaustive] [--float64] [function …]`.
 */
import { hostMath } from '../jit/math/index.ts';
import { vectorCode } from '../jit/math/vectors.ts';
import { target } from '../jit/target.ts';
import { functions } from './accuracy/functions.ts';
import { measure, type Precision } from './accuracy/measure.ts';

const options = process.argv.slice(2);
const names = options.filter((o) => !o.startsWith('--'));
const count = options.includes('--exhaustive')
  ? 2 ** 32
  : Number(options.find((o) => o.startsWith('--count='))?.slice(8) ?? 1e7);
const precisions: Precision[] = options.includes('--float64')
  ? ['float64']
  : options.includes('--float32')
    ? ['float32']
    : ['float32', 'float64'];
for (const name of names) if (!hostMath[name]) throw new Error(`jit/math has no function ${name}`);

let failed = false;
const engine = target();
for (const precision of precisions) {
  for (const f of functions) {
    if (names.length > 0 && !names.includes(f.name)) continue;
    for (const fma of engine.fma ? [true, false] : [false]) {
      const to = { ...engine, fma };
      const shape = precision === 'float32' ? 'f32x4' : 'f64x2';
      if (!vectorCode(f.name, shape, to)) continue;
      const start = performance.now();
      const { error, at, got, exact, points } = measure(f, precision, to, count);
      const bound = f.bounds[precision];
      const wrong = !(error <= bound);
      failed ||= wrong;
      const place = `${f.name}(${at.join(', ')}) = ${got}, not ${exact}`;
      const line = [precision, f.name.padEnd(9), fma ? 'fma  ' : 'plain', `${error.toFixed(3)} ulp`, `of ${bound}`];
      console.log(
        `${line.join('  ')}  ${points} points in ${((performance.now() - start) / 1000).toFixed(1)} s  ${place}${wrong ? '  WRONG' : ''}`,
      );
    }
  }
}
process.exitCode = failed ? 1 : 0;
