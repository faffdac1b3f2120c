/** Reflections that are carried out together. */
export const qrBlock = 32;
/** Sums of squares of float64 beyond which digits are lost. */
export const smallSquare: number = 2 ** -960;
export const largeSquare: number = 2 ** 960;
