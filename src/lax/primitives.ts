/**
 * Every first-order primitive, found by looking through the modules that define them. The build makes the runtime's
 * elementwise functions from the records, and the tests go through them; nothing else imports this.
 */
import type { Primitive } from '../core/primitive.ts';
import * as argreduce from './argreduce.ts';
import * as arithmetic from './arithmetic.ts';
import * as bits from './bits.ts';
import * as compare from './compare.ts';
import * as concatenate from './concatenate.ts';
import * as constants from './constant.ts';
import * as conv from './conv.ts';
import * as convPatches from './conv-patches.ts';
import * as convert from './convert.ts';
import * as count from './count.ts';
import * as creation from './creation.ts';
import * as cumulative from './cumulative.ts';
import * as dot from './dot.ts';
import * as dynamicSlice from './dynamic-slice.ts';
import * as fft from './fft.ts';
import * as folds from './folds.ts';
import * as gather from './gather.ts';
import * as cholesky from './linalg/cholesky.ts';
import * as lu from './linalg/lu.ts';
import * as qr from './linalg/qr.ts';
import * as triangularSolve from './linalg/triangular-solve.ts';
import * as logic from './logic.ts';
import * as minmax from './minmax.ts';
import * as movement from './movement.ts';
import * as pad from './pad.ts';
import * as partition from './partition.ts';
import * as permute from './permute.ts';
import * as power from './power.ts';
import * as reduceWindow from './reduce-window.ts';
import * as reductions from './reductions.ts';
import * as rounding from './rounding.ts';
import * as scale from './scale.ts';
import * as scatter from './scatter.ts';
import * as search from './search.ts';
import * as shuffle from './shuffle.ts';
import * as slicing from './slicing.ts';
import * as sort from './sort.ts';
import * as special from './special.ts';
import * as stopGradient from './stop-gradient.ts';
import * as threefry from './threefry.ts';
import * as transcendental from './transcendental.ts';
import * as truePlaces from './true-places.ts';

const modules: readonly Record<string, unknown>[] = [
  argreduce,
  arithmetic,
  bits,
  compare,
  concatenate,
  conv,
  convPatches,
  convert,
  constants,
  count,
  creation,
  cumulative,
  dot,
  dynamicSlice,
  fft,
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
  partition,
  permute,
  power,
  reduceWindow,
  reductions,
  rounding,
  scale,
  scatter,
  search,
  shuffle,
  slicing,
  sort,
  special,
  stopGradient,
  threefry,
  transcendental,
  truePlaces,
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
