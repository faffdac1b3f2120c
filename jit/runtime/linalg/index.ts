import type { Func } from '../../code.ts';
import { floatCodes } from './blocks.ts';
import { choleskyFunctions } from './cholesky.ts';
import { luFunctions } from './lu.ts';
import { qrFunctions } from './qr.ts';
import { triangularFunctions } from './triangular.ts';

/** Factorisations and substitution, over stacks of matrices. */
export const linalgFunctions = (): Func[] =>
  floatCodes.flatMap((code) => [
    ...triangularFunctions(code),
    ...luFunctions(code),
    ...choleskyFunctions(code),
    ...qrFunctions(code),
  ]);
