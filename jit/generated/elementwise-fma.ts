/** Stands in for what `npm run build` writes over it: the bytes of the prebuilt module for this target in base64. */
export const base64: string = '';
