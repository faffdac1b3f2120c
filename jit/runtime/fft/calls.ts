/** The call that transforms an array along an axis. */
import { byteSize, type DType, shortName } from '../../../src/core/dtype.ts';
import type { RuntimeArgument, RuntimeCalls } from '../../lower-rule.ts';
import {
  complexLength,
  isLong,
  type Layout,
  layouts,
  type Plan,
  planesBytes,
  planOf,
  type Scale,
  scales,
  standsAlone,
  workBytes,
} from './plan.ts';

export type FftKind = 'fft' | 'fftReal' | 'rfft' | 'irfft';

export interface FftCall {
  readonly kind: FftKind;
  /** Numbers of a whole line. */
  readonly n: number;
  readonly inverse: boolean;
  readonly scale: Scale;
}

/** Bytes of a line's real parts from which on it is quicker alone than several together, which must be turned round first. */
const aloneFrom = { f32: 256, f64: 1536 };
/** Columns that are longer are transformed alone: blocks of them would not stay in the second-level cache. */
const longestColumn = 8192;
/** Bytes of the numbers that lie together in lines that are transformed side by side. */
const rowBytes = 64;

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Even lengths have a transform of half the length; else real numbers are complex ones. */
export const isHalved = ({ kind, n }: Pick<FftCall, 'kind' | 'n'>): boolean => kind !== 'fft' && n % 2 === 0;

/** How many of `count` lines are taken together: groups of the same size that fill vectors. */
function together(count: number, lanes: number, bytes: number): number {
  const most = rowBytes / bytes;
  const groups = Math.ceil(count / most);
  const size = roundUp(Math.ceil(count / groups), lanes);
  return size > count ? Math.max(lanes, size - lanes) : size;
}

function layoutOf(plan: Plan, outer: number, inner: number, lanes: number, isReal: boolean): Layout {
  const isAlone = standsAlone(plan, lanes) && (!isReal || plan.n > lanes);
  if (inner === 1)
    return isAlone &&
      (isLong(plan) || plan.n * (16 / lanes) >= (lanes === 4 ? aloneFrom.f32 : aloneFrom.f64) || outer < lanes)
      ? 'rows'
      : 'turned';
  if (isLong(plan) || (isAlone && plan.n > longestColumn)) return 'long';
  return inner < lanes ? 'few' : 'columns';
}

/** Lines as the functions of the runtime take them. */
interface Lines {
  readonly kind: 'fft' | 'rfft' | 'irfft';
  readonly full?: boolean;
  readonly arrays: readonly RuntimeArgument[];
  readonly table: RuntimeArgument;
}

const input = (index: number): RuntimeArgument => ({ input: index });
const output = (index: number): RuntimeArgument => ({ output: index });

/** @param call a transform of an array of outer × n × inner numbers */
export function fftCalls(dtype: DType, outer: number, inner: number, call: FftCall): RuntimeCalls {
  const { kind, inverse } = call;
  if (outer * inner === 0) return { scratch: 0, calls: [] };
  if (kind === 'fft') {
    // Exchanging real and imaginary parts before and after makes an inverse transform.
    const [re, im] = inverse ? [1, 0] : [0, 1];
    const arrays = [input(re), input(im), output(re), output(im)];
    return linesCalls(dtype, outer, inner, call, { kind, arrays, table: input(2) });
  }
  if (!isHalved(call)) return oddCalls(dtype, outer, inner, call);
  const lines: Lines =
    kind === 'irfft'
      ? { kind, arrays: [input(0), input(1), output(0), output(0)], table: input(2) }
      : {
          kind: 'rfft',
          full: kind === 'fftReal',
          arrays: [input(0), input(0), output(0), output(1)],
          table: input(1),
        };
  return linesCalls(dtype, outer, inner, call, lines);
}

function linesCalls(dtype: DType, outer: number, inner: number, call: FftCall, lines: Lines): RuntimeCalls {
  const { n, inverse, scale } = call;
  const { kind, full = false, arrays, table } = lines;
  const bytes = byteSize(dtype);
  const lanes = 16 / bytes;
  const isReal = kind !== 'fft';
  const plan = planOf(complexLength(n, isReal), lanes);
  const layout = layoutOf(plan, outer, inner, lanes, isReal);
  const half = n / 2 + 1;
  const from = kind === 'irfft' ? half : n;
  const to = kind === 'rfft' && !full ? half : n;
  const isBlock = layout !== 'rows' && layout !== 'columns';
  const w =
    layout === 'rows' ? 1 : layout === 'few' ? lanes : together(layout === 'turned' ? outer : inner, lanes, bytes);
  const side = layout === 'long' ? 1 : w;
  const blocks = isBlock ? planesBytes(from * w * bytes) + planesBytes(to * w * bytes) : 0;
  const halves = isReal ? 2 * planesBytes(plan.n * side * bytes) : 0;
  const flags = [scales[scale], Number(inverse), Number(full), layouts[layout], w];
  const args = [outer, n, inner, from, to, ...arrays, ...flags, table, { scratch: 0 }];
  return {
    scratch: roundUp(blocks + halves + workBytes(plan, side, bytes), 64),
    calls: [{ name: `${kind}_${shortName(dtype)}`, args }],
  };
}

/** Real numbers of odd length as complex ones, with planes of what is not there in the scratch memory. */
function oddCalls(dtype: DType, outer: number, inner: number, call: FftCall): RuntimeCalls {
  const { kind, n } = call;
  const bytes = byteSize(dtype);
  const half = (n + 1) / 2;
  const size = outer * n * inner * bytes;
  const plan = (arrays: readonly RuntimeArgument[], table: number): RuntimeCalls => {
    const ordered = call.inverse ? [1, 0, 3, 2].map((i) => arrays[i]!) : arrays;
    return linesCalls(dtype, outer, inner, call, { kind: 'fft', arrays: ordered, table: input(table) });
  };
  const room = plan([input(0), input(0), input(0), input(0)], 0).scratch;
  const spare = (index: number): RuntimeArgument => ({ scratch: room + index * (roundUp(size, 64) + 64) });
  const used = (count: number): number => room + count * (roundUp(size, 64) + 64);
  if (kind === 'irfft') {
    const unfold = {
      name: `fft_unfold_${shortName(dtype)}`,
      args: [outer, n, inner, input(0), input(1), spare(0), spare(1)],
    };
    const { calls } = plan([spare(0), spare(1), output(0), spare(2)], 2);
    return { scratch: used(3), calls: [unfold, ...calls] };
  }
  const zero = { name: 'fill_1', args: [spare(0), size, 0] };
  if (kind === 'fftReal') {
    const { calls } = plan([input(0), spare(0), output(0), output(1)], 1);
    return { scratch: used(1), calls: [zero, ...calls] };
  }
  const { calls } = plan([input(0), spare(0), spare(1), spare(2)], 1);
  const halves = [0, 1].map((i) => ({
    name: `copy_${bytes}`,
    args: [outer, half * inner, output(i), half * inner, 1, spare(i + 1), n * inner, 1],
  }));
  return { scratch: used(3), calls: [zero, ...calls, ...halves] };
}
