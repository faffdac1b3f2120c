import type { CodeModule, Target } from '../code.ts';
import { argFoldFunctions } from './arg-fold.ts';
import { cumulativeFunctions } from './cumulative.ts';
import { foldFunctions } from './folds.ts';
import { gemmFunctions } from './gemm.ts';
import { linalgFunctions } from './linalg/index.ts';
import { movementFunctions } from './movement.ts';
import { searchFunctions } from './search.ts';
import { sortFunctions } from './sort.ts';
import { windowFunctions } from './windows.ts';

/**
 * The runtime module: the functions that eager operations and compiled programs share. It is the same for every
 * program, so the engine optimises it once per process.
 */
export const runtimeModule = (target: Target): CodeModule => ({
  imports: [],
  functions: [
    ...movementFunctions(),
    ...gemmFunctions(target),
    ...foldFunctions(target),
    ...argFoldFunctions(),
    ...sortFunctions(),
    ...searchFunctions(),
    ...cumulativeFunctions(),
    ...linalgFunctions(),
    ...windowFunctions(),
  ],
});
