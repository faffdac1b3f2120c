/** Identifies the library's code. Set by the build; undefined in code that was not built for release, which changes. */
declare const buildId: string;

/** The part of a file's name that says which build of the library wrote it; undefined where nothing is kept. */
export const builtAs = (): string | undefined => (typeof buildId === 'undefined' ? undefined : buildId);
