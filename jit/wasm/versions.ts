/** Part of every key of what is kept: each changes whenever the same code module would become other bytes. */
export const assemblerVersion = 1;
export const emitterVersion = 3;

/** The version that package.json pins: its operation numbers and C signatures change between versions. */
export const binaryenVersion = '132.0.0';
