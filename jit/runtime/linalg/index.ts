import type { Func } from '../../wasm/code.ts';
import { bidiagonalFunctions } from './bidiagonal.ts';
import { bidiagonalQr } from './bidiagonal-qr.ts';
import { floatCodes } from './blocks.ts';
import { choleskyFunctions } from './cholesky.ts';
import { divideSingularFunctions } from './divide-singular.ts';
import { eighFunctions, symmetricFunctions } from './eigh.ts';
import { generalEigenFunctions, generalFunctions } from './general-eigen.ts';
import { luFunctions } from './lu.ts';
import { planeFunctions } from './plane.ts';
import { qrFunctions } from './qr.ts';
import { svdFunctions } from './svd.ts';
import { triangularFunctions } from './triangular.ts';
import { triangularRootFunctions } from './triangular-root.ts';

/** Factorisations and substitution, over stacks of matrices. */
export const linalgFunctions = (): Func[] => [
  ...planeFunctions(),
  ...symmetricFunctions(),
  ...bidiagonalFunctions(),
  ...bidiagonalQr(),
  ...divideSingularFunctions(),
  ...generalFunctions(),
  ...floatCodes.flatMap((code) => [
    ...triangularFunctions(code),
    ...luFunctions(code),
    ...choleskyFunctions(code),
    ...qrFunctions(code),
    ...eighFunctions(code),
    ...svdFunctions(code),
    ...generalEigenFunctions(code),
    ...triangularRootFunctions(code),
  ]),
];
