import { mathCode } from '../math/index.ts';
import type { CodeModule, Target } from '../wasm/code.ts';
import { argFoldFunctions } from './arg-fold.ts';
import { arrangeFunctions } from './arrange.ts';
import { bitFunctions } from './bits.ts';
import { bucketOrderFunctions } from './bucket-order.ts';
import { checksumFunctions } from './checksum.ts';
import { columnSortFunctions } from './column-sort.ts';
import { countFunctions } from './count.ts';
import { cumulativeFunctions } from './cumulative.ts';
import { cumulativeLogSumExpFunctions, logSumExpMath } from './cumulative-logsumexp.ts';
import { distinctFunctions } from './distinct.ts';
import { fftFunctions } from './fft/index.ts';
import { foldFunctions } from './folds.ts';
import { elements, gemmFunctions } from './gemm.ts';
import { rowFunctions } from './gemm-rows.ts';
import { integerProductFunctions } from './integer-product.ts';
import { linalgFunctions } from './linalg/index.ts';
import { movementFunctions } from './movement.ts';
import { partitionFunctions } from './partition.ts';
import { randomKeyFunctions } from './random-keys.ts';
import { rearrangeFunctions } from './rearrange.ts';
import { searchFunctions } from './search.ts';
import { selectFunctions } from './select.ts';
import { shuffleFunctions } from './shuffle.ts';
import { sortFunctions } from './sort.ts';
import { spacedFunctions } from './spaced.ts';
import { truePlacesFunctions } from './true-places.ts';
import { windowFunctions } from './windows.ts';

/**
 * The runtime module: the functions that eager operations and compiled programs share. It is the same for every
 * program, so the engine optimises it once per process.
 */
export const runtimeModule = (target: Target): CodeModule => ({
  imports: [],
  functions: [
    ...mathCode(logSumExpMath, target).functions,
    ...movementFunctions(),
    ...gemmFunctions(target),
    ...integerProductFunctions(),
    ...elements.flatMap(rowFunctions),
    ...foldFunctions(target),
    ...argFoldFunctions(),
    ...sortFunctions(),
    ...arrangeFunctions(),
    ...columnSortFunctions(),
    ...bucketOrderFunctions(),
    ...randomKeyFunctions(),
    ...shuffleFunctions(),
    ...selectFunctions(),
    ...partitionFunctions(),
    ...searchFunctions(),
    ...countFunctions(),
    ...bitFunctions(),
    ...distinctFunctions(),
    ...truePlacesFunctions(),
    ...rearrangeFunctions(),
    ...cumulativeFunctions(),
    ...cumulativeLogSumExpFunctions(),
    ...linalgFunctions(),
    ...fftFunctions(target),
    ...windowFunctions(),
    ...spacedFunctions(),
    ...checksumFunctions(),
  ],
});
