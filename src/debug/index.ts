/** Looking into functions while they run, under any transformation. */
export { callback } from './callback.ts';
export { type NansOptions, nans } from './nans.ts';
export { print } from './print.ts';
export { type ProgressOptions, progress } from './progress.ts';
export { ProgressLine, type ProgressLineOptions } from './progress-line.ts';
