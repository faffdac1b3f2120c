/** Transformations as maps from functions of an array to functions of an array, so that any two can be composed. */
import {
  checkpoint,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  type NDArray,
  np,
  vjp,
  vmap,
} from '../../src/index.ts';

export type Fn = (x: NDArray) => NDArray;

export interface Transformation {
  readonly name: string;
  readonly apply: (f: Fn) => Fn;
  /** Runs something backwards. */
  readonly reverse?: boolean;
  /** Applies to linear functions only. */
  readonly linear?: boolean;
  /** Its result is a linear function where `f` is one. */
  readonly keepsLinear?: boolean;
}

/** A direction of the shape of x, with no symmetry in it. */
const direction = (x: NDArray): NDArray =>
  np.cos(np.arange(x.size).mul(1.3).add(0.4)).astype('float64').reshape(x.shape);

/** The scalar function ⟨direction, f⟩. */
const weighted =
  (f: Fn): Fn =>
  (x) => {
    const y = f(x);
    return y.mul(direction(y)).sum();
  };

/** Lanes that take other branches, other numbers of steps, and converge elsewhere. */
const lanes = (x: NDArray): NDArray => np.stack([x, x.mul(1.7)]);

export const transformations: readonly Transformation[] = [
  { name: 'jit', keepsLinear: true, apply: (f) => jit(f) as Fn },
  { name: 'vmap', keepsLinear: true, apply: (f) => (x) => vmap(f)(lanes(x)) as NDArray },
  { name: 'jvp', apply: (f) => (x) => jvp(f, [x], [direction(x)])[1] as NDArray },
  { name: 'linearize', apply: (f) => (x) => linearize(f, [x])[1](direction(x)) as NDArray },
  {
    name: 'vjp',
    reverse: true,
    apply: (f) => (x) => {
      const [y, pullback] = vjp(f, [x]) as [NDArray, (ct: NDArray) => [NDArray]];
      return pullback(direction(y))[0];
    },
  },
  { name: 'grad', reverse: true, apply: (f) => grad(weighted(f)) as Fn },
  { name: 'jacfwd', apply: (f) => jacfwd(f) as Fn },
  { name: 'jacrev', reverse: true, apply: (f) => jacrev(f) as Fn },
  { name: 'hessian', reverse: true, apply: (f) => hessian(weighted(f)) as Fn },
  { name: 'checkpoint', keepsLinear: true, apply: (f) => checkpoint(f) as Fn },
  {
    name: 'linearTranspose',
    reverse: true,
    linear: true,
    keepsLinear: true,
    apply: (f) => (x) => {
      const y = f(x);
      return (linearTranspose(f, x)(direction(y).mul(x.sum())) as [NDArray])[0];
    },
  },
];
