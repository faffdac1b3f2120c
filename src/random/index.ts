/** Random numbers as pure functions of keys; the same as JAX's for the same key. */
export * from './continuous.ts';
export * from './discrete.ts';
export { bits, foldIn, key, split } from './keys.ts';
