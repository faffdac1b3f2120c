/** Numbers and dtypes by name. */
export const pi: number = Math.PI;
export const e: number = Math.E;
export const inf: number = Number.POSITIVE_INFINITY;
export const nan: number = Number.NaN;
export const eulerGamma = 0.5772156649015329;
/** A new axis in `x.slice(…)`. */
export const newaxis = null;

export const float32 = 'float32' as const;
export const float64 = 'float64' as const;
export const int32 = 'int32' as const;
export const uint32 = 'uint32' as const;
export const bool = 'bool' as const;
