/** Reflections that are carried out together. */
export const qrBlock = 32;
