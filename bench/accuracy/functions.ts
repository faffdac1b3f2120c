/** What each function of jit/math is measured against, where, and the error it may have. */
import { hostMath } from '../../jit/math/index.ts';
import { type Precise, precise } from './precise.ts';

export type Reference = (x: number, y: number) => number;
export type PreciseReference = (x: number, y: number) => Precise;

export interface MeasuredFunction {
  readonly name: string;
  /** In double precision, at most 2 ulp wrong: enough to measure float32. */
  readonly reference: Reference;
  /** What float64 is measured against. */
  readonly precise: PreciseReference;
  /** Largest errors allowed, in ulp of the exact result. */
  readonly bounds: { readonly float32: number; readonly float64: number };
  /** Every float near these is measured. */
  readonly thresholds: readonly number[];
  /** Intervals of operands that random points are drawn from, besides all patterns: one for each operand. */
  readonly intervals: readonly (readonly (readonly [number, number])[])[];
  /** Where terms cancel: the size of the terms, whose ulp counts if it is larger than the result's. */
  readonly scale?: (x: number) => number;
}

type Options = Partial<Omit<MeasuredFunction, 'name'>>;

const measured = (name: string, options: Options = {}): MeasuredFunction => ({
  name,
  reference: hostMath[name]!,
  precise: precise[name]!,
  bounds: name === 'rem' ? { float32: 0, float64: 0 } : { float32: 1.5, float64: 2 },
  thresholds: [],
  intervals: [],
  ...options,
});

const pi = Math.PI;
const multiples = (x: number, ...ks: number[]): number[] => ks.flatMap((k) => [k * x, -k * x]);

/** The zeros of lgamma below 0 and of digamma come from cancelling terms of about this size. */
const reflected = (x: number): number => (x < 0 ? Math.abs(Math.log(Math.abs(x))) + 1 : 0);

export const functions: readonly MeasuredFunction[] = [
  measured('exp', {
    thresholds: [88.72283, -87.33655, -103.97208, 709.782712893384, -745.1332191019411],
    intervals: [[[-104, 89]], [[-746, 710]]],
  }),
  measured('exp2', {
    thresholds: [128, -126, -150, 1024, -1022, -1075],
    intervals: [[[-2, 2]], [[-151, 129]], [[-1076, 1025]]],
  }),
  measured('expm1', {
    thresholds: [88.72283, -17.5, Math.LN2 / 2, -Math.LN2 / 2, 709.782712893384],
    intervals: [[[-2, 2]], [[-20, 89]], [[-40, 710]]],
  }),
  measured('log', { thresholds: [Math.SQRT1_2, Math.SQRT2], intervals: [[[0.5, 2]]] }),
  measured('log1p', { thresholds: [-1, Math.SQRT1_2 - 1, Math.SQRT2 - 1], intervals: [[[-1, 2]]] }),
  measured('log2', { thresholds: [Math.SQRT1_2, Math.SQRT2], intervals: [[[0.5, 2]]] }),
  measured('sin', {
    thresholds: multiples(pi / 4, 1, 2, 3, 4, 1000),
    intervals: [[[-10, 10]], [[-1e5, 1e5]], [[-1e9, 1e9]]],
  }),
  measured('cos', {
    thresholds: multiples(pi / 4, 1, 2, 3, 4, 1000),
    intervals: [[[-10, 10]], [[-1e5, 1e5]], [[-1e9, 1e9]]],
  }),
  measured('tan', {
    thresholds: multiples(pi / 4, 1, 2, 3, 4, 1000),
    intervals: [[[-10, 10]], [[-1e5, 1e5]], [[-1e9, 1e9]]],
  }),
  measured('asin', { intervals: [[[-1, 1]]] }),
  measured('acos', { intervals: [[[-1, 1]]] }),
  measured('atan', { intervals: [[[-4, 4]]] }),
  measured('atan2', {
    intervals: [
      [
        [-4, 4],
        [-4, 4],
      ],
    ],
  }),
  measured('sinh', { thresholds: [89.41599, 710.4758600739439], intervals: [[[-90, 90]], [[-2, 2]], [[-711, 711]]] }),
  measured('cosh', { thresholds: [89.41599, 710.4758600739439], intervals: [[[-90, 90]], [[-2, 2]], [[-711, 711]]] }),
  measured('tanh', { thresholds: [9.010913], intervals: [[[-10, 10]], [[-1, 1]], [[-20, 20]]] }),
  measured('asinh', { intervals: [[[-4, 4]], [[-1e9, 1e9]]] }),
  measured('acosh', { intervals: [[[1, 1.1]], [[1, 4]], [[1, 1e9]]] }),
  measured('atanh', { intervals: [[[-1, 1]], [[-0.2, 0.2]]] }),
  measured('cbrt', { intervals: [[[-8, 8]]] }),
  measured('logistic', {
    thresholds: [-87.33655, -103.97208, 17],
    intervals: [[[-20, 20]], [[-104, 20]], [[-746, 40]]],
  }),
  measured('erf', { thresholds: [3.919206], intervals: [[[-4, 4]], [[-7, 7]]] }),
  measured('erfc', { thresholds: [10.05, 9.19], intervals: [[[-4, 10.1]], [[-7, 28]]] }),
  measured('erfInv', { intervals: [[[-1, 1]], [[0.99, 1]]] }),
  measured('lgamma', {
    thresholds: [1, 2, 4.0850034e36],
    intervals: [[[0, 10]], [[-10, 0]], [[-200, 200]]],
    scale: reflected,
  }),
  measured('digamma', { thresholds: [1.4616321], intervals: [[[0, 10]], [[-10, 0]], [[-200, 200]]], scale: reflected }),
  measured('pow', {
    intervals: [
      [
        [0.5, 2],
        [-150, 150],
      ],
      [
        [0, 10],
        [-40, 40],
      ],
      [
        [0.99, 1.01],
        [-9000, 9000],
      ],
      [
        [-4, 4],
        [-5, 5],
      ],
      [
        [0, 20],
        [-300, 300],
      ],
    ],
  }),
  measured('floorDivide', {
    intervals: [
      [
        [-100, 100],
        [-10, 10],
      ],
    ],
  }),
  measured('hypot', {
    intervals: [
      [
        [-4, 4],
        [-4, 4],
      ],
      [
        [-1e-20, 1e-20],
        [-1e-20, 1e-20],
      ],
    ],
  }),
  measured('rem', {
    intervals: [
      [
        [-100, 100],
        [-10, 10],
      ],
    ],
  }),
];
