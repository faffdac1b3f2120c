import type { Func, Target } from '../../wasm/code.ts';
import { floatCodes } from '../linalg/blocks.ts';
import { axisFunctions } from './axes.ts';
import { lineFunctions } from './lines.ts';
import { passFunctions } from './passes.ts';
import { realFunctions } from './real.ts';

/** Fourier transforms along an axis. */
export const fftFunctions = (target: Target): Func[] =>
  floatCodes.flatMap((code) => [
    ...passFunctions(code, target),
    ...lineFunctions(code, target),
    ...realFunctions(code, target),
    ...axisFunctions(code),
  ]);
