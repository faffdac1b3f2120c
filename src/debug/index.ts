/** Looking into functions while they run, under any transformation. */
export { callback } from './callback.ts';
export { print } from './print.ts';
