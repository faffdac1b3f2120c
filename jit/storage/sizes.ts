/** How many elements or bytes decide where an array's storage is. */

/** Arrays up to this size stay with JavaScript: they ride along in the frame of a call. */
export const smallBytes = 64;
/**
 * Floating arrays of up to so many elements that JavaScript's own operations have made are its own arrays of numbers: V8 makes a
 * typed array of more than 64 bytes outside of its heap, in ten times the time.
 */
export const mostFew = 32;
/** Room for so many. */
export const spareBytes: number = 8 * mostFew;
/** Bytes of equal elements that are not written before they are read: whether more fit should be said where they are made. */
export const largestUnwritten: number = 2 ** 30;
