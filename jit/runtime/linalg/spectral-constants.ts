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

/** What balancing makes of a row and a column must be less than this share of their lengths; and the largest factor of either. */
export const balanceGain = 0.95;
export const balanceLimit: number = 2 ** 500;
/** Elements beside the diagonal of a Hessenberg matrix that are dropped whatever stands beside them; pivots are no smaller. */
export const dropped = 1e-290;
/** Pivots of eigenvectors are no smaller than this share of the eigenvalue. */
export const leastPivot: number = Number.EPSILON;
/** Elements of an eigenvector beyond which it is scaled. */
export const vectorLimit: number = 2 ** 300;
/** Squares from this share of the largest on count as the largest, so that rounding does not choose. */
export const nearLargest: number = 1 - 2 ** -20;
/** Sweeps of QR for a row, beyond which the iteration has failed; and after how many without an eigenvalue shifts are strange. */
export const patientSweeps = 30;
export const strangeSweeps = 10;

/** Bytes of a reflection of three rows, and steps down the diagonal after which what is far from it follows. */
export const reflectionBytes = 40;
export const windowSteps = 32;
/** Vectors that are multiplied with a basis together: the triangle that they are of is cut by so many rows. */
export const productRows = 32;
