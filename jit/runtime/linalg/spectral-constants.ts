/** What `eigh` and `svd` have in common with their reference semantics, and the memory that they need. */

/** Of a matrix with elements about 1: squares below are not told from 0, since they would lose digits. */
export const negligibleSquare = 1e-280;
/** Off-diagonal elements that are dropped whatever stands beside them. */
export const negligible = 1e-140;

/** Where squares of the sides of a rotation may vanish. */
export const tinyLength = 1e-140;
/** Steps of QR for one singular value, beyond which rounding errors count as negligible: two or three are usual. */
export const patientSteps = 20;

/** Columns of a matrix that become tridiagonal or bidiagonal together, and reflections that are multiplied together. */
export const panelBlock = 16;
export const reflectionBlock = 16;
/** Rows of a triangle that are updated together: tiles of a product begin at multiples of 4. */
export const triangleRows = 20;
/** Columns or reflections from which they are. */
export const blockedFrom = 64;
/** Floats of memory for blocks of matrices of up to n rows and columns, without room for products. */
export const blockFloats = (n: number): number =>
  n < blockedFrom ? 0 : 4 * n * panelBlock + 2 * reflectionBlock ** 2 + 8;

/** Eigenvalues that divide and conquer leaves to rotations. */
export const leafSize = 32;
/** Eigenvalues from which matrices are divided. */
export const dividedFrom = 40;
/** Floats of memory for divide and conquer with so many bases, without room for products. */
export const mergeFloats = (n: number, bases: 1 | 2): number => (bases + 1) * n * n + 8 * n + 8;
/** What merges drop, in units of the largest number of both parts, as LAPACK's dlaed2; and what couples parts that are merged. */
export const negligibleShare: number = 4 * Number.EPSILON;
export const negligibleCoupling = 1e-120;

/** Sweeps of rotations that are written down before they are carried out. */
export const keptSweeps = 8;
/** Bytes in front of the rotations of a sweep. */
export const chainHeader = 16;
/** Floats of memory for the sweeps over n rows. */
export const chainFloats = (n: number): number => keptSweeps * (2 * n + chainHeader / 8);
