/** Stands in for what `npm run build` writes over it: modules that an engine validates if it has the feature. */
export const probes: { readonly simd: readonly number[]; readonly relaxed: readonly number[] } = {
  simd: [],
  relaxed: [],
};
