import {
  customRoot,
  grad,
  hessian,
  jacobian,
  jit,
  jvp,
  lax,
  linearSolve,
  type NDArray,
  np,
  solvers,
  valueAndGrad,
  vjp,
  vmap,
} from 'cotangent';

const f = jit((v: NDArray) => v.mul(2));
const a: NDArray = f(np.ones([3]));
const b: NDArray = f(3);
const g: NDArray = jacobian((v: NDArray): NDArray => v.mul(2))(a);
const h: NDArray = grad((v: NDArray): NDArray => v.sum())(a);
const [l, gg] = jit(valueAndGrad((v: NDArray): NDArray => v.sum()))(a);
const l1: NDArray = l;
const g1: NDArray = gg;
const p = grad((p: { w: NDArray; b: NDArray[] }, x: NDArray): NDArray => p.w.sum().add(x.sum()))({ w: a, b: [a] }, 3);
const w: NDArray = p.w,
  pb: NDArray[] = p.b;
const two = grad((x: NDArray, y: NDArray): NDArray => x.mul(y), { argnums: [0, 1] })(1, 2);
const t0: NDArray = two[0],
  t1: NDArray = two[1];
const v: NDArray = vmap((x: NDArray) => x.mul(2))(a);
const vg: NDArray = jit(vmap(grad((x: NDArray) => x.mul(2))))(a);
const s: NDArray = linearSolve.solveCg((x: NDArray) => x.mul(2), a);
const q: NDArray = lax.foriLoop(0, 5, (i, c) => c.add(i), a);
const [c2, ys] = lax.scan((c, x) => [c.add(x), c], a, a);
const c3: NDArray = c2;
const y3: NDArray = ys;
const wl: NDArray = lax.whileLoop(
  (x) => x.lt(3),
  (x) => x.add(1),
  a,
);
const cc: NDArray = lax.cond(
  true,
  (x: NDArray) => x,
  (x: NDArray) => x.mul(2),
  a,
);
const root = customRoot((y: NDArray, t: NDArray) => y.mul(y).sub(t))((y0: NDArray, t: NDArray) =>
  np.sqrt(t).add(y0.mul(0)),
);
const r: NDArray = root(1, 2);
const rg: NDArray = grad((t: NDArray) => root(1, t))(2);
const H: NDArray = hessian((x: NDArray) => x.mul(x).sum())(a);
const [y, dy] = jvp((x: NDArray) => x.mul(2), [a], [a]);
const yy: NDArray = y,
  dyy: NDArray = dy;
const [o, pull] = vjp((x: NDArray) => x.mul(2), [a]);
const oo: NDArray = o;
const [xx] = pull(oo);
const xxx: NDArray = xx;
const gd = new solvers.GradientDescent({ fun: (w: NDArray, l: NDArray) => w.mul(w).sum().mul(l) });
const { params, state } = gd.run(a, 3);
const ppp: NDArray = params;
const jl = jit((n: number, x: NDArray) => x.mul(n), { static: ['n'] })(3, a);
console.log(l1, g1, w, pb, t0, t1, v, vg, s, q, c3, y3, wl, cc, r, rg, H, yy, dyy, xxx, ppp, state.error, jl, b, g, h);
const aux = valueAndGrad((x: NDArray): [NDArray, { k: NDArray }] => [x.sum(), { k: x }], { hasAux: true })(a);
const k: NDArray = aux[0][1].k;
const kg: NDArray = aux[1];
console.log(k, kg);
