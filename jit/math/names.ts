/**
 * Functions without an instruction of their own. Each exists on float32 and float64, on rank-0 values and on vectors,
 * and gives the same bits on all lanes and alone: a rank-0 value is one lane of a vector. What has no vector code goes
 * through the float64 function of the host, lane by lane.
 */
export type MathType = 'f32' | 'f64' | 'f32x4' | 'f64x2';
export type VectorShape = 'f32x4' | 'f64x2';

const binary: ReadonlySet<string> = new Set(['pow', 'atan2', 'hypot', 'rem', 'floorDivide', 'scalb']);

export const mathArity = (fn: string): 1 | 2 => (binary.has(fn) ? 2 : 1);
export const mathName = (fn: string, type: MathType): string => `${fn}_${type}`;
