/** What `eigh` and `svd` have in common with their reference semantics, and the memory that they need. */

/** Of a matrix with elements about 1: squares below are not told from 0, since they would lose digits. */
export const negligibleSquare = 1e-280;
/** Off-diagonal elements that are dropped whatever stands beside them. */
export const negligible = 1e-140;

/** Columns of a matrix that become tridiagonal together, and the size from which they do. */
export const tridiagonalBlock = 16;
export const blockedFrom = 64;

/** Sweeps of rotations that are written down before they are carried out. */
export const keptSweeps = 8;
/** Bytes in front of the rotations of a sweep. */
export const chainHeader = 16;
/** Floats of memory for the sweeps over n rows. */
export const chainFloats = (n: number): number => keptSweeps * (2 * n + chainHeader / 8);
