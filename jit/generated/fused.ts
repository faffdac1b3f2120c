/** Stands in for what `npm run build` writes over it: by target, the bytes of the prebuilt module in base64. */
export const generated: Readonly<Record<string, string>> = {};
