/** Every first-order primitive, found by looking through the modules that define them. */
import type { Primitive } from '../src/core/primitive.ts';
import * as argreduce from '../src/lax/argreduce.ts';
import * as arithmetic from '../src/lax/arithmetic.ts';
import * as compare from '../src/lax/compare.ts';
import * as concatenate from '../src/lax/concatenate.ts';
import * as convert from '../src/lax/convert.ts';
import * as creation from '../src/lax/creation.ts';
import * as cumulative from '../src/lax/cumulative.ts';
import * as dot from '../src/lax/dot.ts';
import * as dynamicSlice from '../src/lax/dynamic-slice.ts';
import * as folds from '../src/lax/folds.ts';
import * as gather from '../src/lax/gather.ts';
import * as cholesky from '../src/lax/linalg/cholesky.ts';
import * as lu from '../src/lax/linalg/lu.ts';
import * as qr from '../src/lax/linalg/qr.ts';
import * as triangularSolve from '../src/lax/linalg/triangular-solve.ts';
import * as logic from '../src/lax/logic.ts';
import * as minmax from '../src/lax/minmax.ts';
import * as movement from '../src/lax/movement.ts';
import * as pad from '../src/lax/pad.ts';
import * as permute from '../src/lax/permute.ts';
import * as power from '../src/lax/power.ts';
import * as reductions from '../src/lax/reductions.ts';
import * as rounding from '../src/lax/rounding.ts';
import * as scatter from '../src/lax/scatter.ts';
import * as slicing from '../src/lax/slicing.ts';
import * as sort from '../src/lax/sort.ts';
import * as special from '../src/lax/special.ts';
import * as stopGradient from '../src/lax/stop-gradient.ts';
import * as threefry from '../src/lax/threefry.ts';
import * as transcendental from '../src/lax/transcendental.ts';

const modules: readonly Record<string, unknown>[] = [
  argreduce,
  arithmetic,
  compare,
  concatenate,
  convert,
  creation,
  cumulative,
  dot,
  dynamicSlice,
  folds,
  gather,
  cholesky,
  lu,
  qr,
  triangularSolve,
  logic,
  minmax,
  movement,
  pad,
  permute,
  power,
  reductions,
  rounding,
  scatter,
  slicing,
  sort,
  special,
  stopGradient,
  threefry,
  transcendental,
];

export function allPrimitives(): Primitive[] {
  const found = new Map<string, Primitive>();
  for (const module of modules)
    for (const value of Object.values(module) as any[]) {
      const record: Primitive | undefined = value?.primitive ?? (value?.batch && value?.run ? value : undefined);
      if (record) found.set(record.name, record);
    }
  return [...found.values()];
}
