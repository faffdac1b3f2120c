/** What tests of quadratic programs have in common: an example, derivatives by differences. */
import { type NDArray, np, solvers } from 'cotangent';
import { fixture } from './fixture.ts';
import { type Assertions, f64 } from './near.ts';

export const wanted: any = fixture('quadratic-programs');
export const f32 = (values: unknown): NDArray => np.array(values as number, { dtype: 'float32' });
const parts = ['Q', 'c', 'A', 'b', 'G', 'h'] as const;
/** Matrices and vectors of a program among `wanted`. */
export const partsOf = (program: any): Record<(typeof parts)[number], NDArray> =>
  Object.fromEntries(parts.map((name) => [name, f64(program[name])])) as Record<(typeof parts)[number], NDArray>;
export const named = (state: { status: NDArray }): string => solvers.statusName(state.status).split(':')[0]!;
export const small = (t: Assertions, value: NDArray, bound: number, name: string): void => {
  const size = np.max(np.abs(value)).item() as number;
  t.ok(size <= bound, `${name}: ${size} is at most ${bound}`);
};

// ½ xᵀQx + cᵀx with x₁ + x₂ = 1 and x ≥ 0: the example of JAXopt's documentation.
export const Q: NDArray = f64([
  [4, 1],
  [1, 2],
]);
export const c: NDArray = f64([1, 1]);
export const A: NDArray = f64([[1, 1]]);
export const b: NDArray = f64([1]);
export const G: NDArray = f64([
  [-1, 0],
  [0, -1],
]);
export const h: NDArray = f64([0, 0]);

/** f′(x)·d by differences. */
export function slope(f: (x: NDArray) => NDArray, x: NDArray, d: NDArray, eps = 1e-6): NDArray {
  return f(x.add(d.mul(eps)))
    .sub(f(x.sub(d.mul(eps))))
    .div(2 * eps);
}
export const wave = (x: NDArray): NDArray => np.cos(np.arange(x.size).astype('float64').mul(1.7)).reshape(x.shape);
