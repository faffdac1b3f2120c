/** What TypeScript infers: each annotation below is a test that the type check runs. */
import {
  customRoot,
  grad,
  hessian,
  jacfwd,
  jacobian,
  jit,
  jvp,
  lax,
  linearSolve,
  type NDArray,
  np,
  solvers,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from 'cotangent';
import t from 'tap';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

interface Params {
  w: NDArray;
  b: NDArray[];
}

t.test('types survive transformations', (t) => {
  const a = np.ones([3]);
  const double: NDArray = jit((v: NDArray) => v.mul(2))(a);
  const ofNumber: NDArray = jit((v: NDArray) => v.mul(2))(3);
  const gradient: NDArray = grad((v: NDArray): NDArray => v.sum())(a);
  const [loss, slope]: [NDArray, NDArray] = jit(valueAndGrad((v: NDArray): NDArray => v.sum()))(a);
  const trees: Params = grad((p: Params, x: NDArray): NDArray => p.w.sum().add(p.b[0]!.sum()).add(x))(
    { w: a, b: [a] },
    3,
  );
  const both: readonly [NDArray, NDArray] = grad((x: NDArray, y: NDArray): NDArray => x.mul(y), { argnums: [0, 1] })(
    1,
    2,
  );
  const [value, aux] = valueAndGrad((x: NDArray): [NDArray, { k: NDArray }] => [x.sum(), { k: x }], { hasAux: true })(
    a,
  )[0];
  const kept: NDArray = aux.k;
  const matrix: NDArray = hessian((x: NDArray) => x.mul(x).sum())(a);
  const rows: NDArray = jacobian((v: NDArray): NDArray => v.mul(2))(a);
  // An array, and not `any`, which every annotation accepts.
  const columns = jacfwd((v: NDArray): NDArray => v.mul(2))(a);
  const exactly: Same<typeof columns, NDArray> = true;
  const blocks: { sum: Params; all: Params } = jacobian((p: Params) => ({ sum: p.w.sum(), all: p.w }))({ w: a, b: [] });
  const seconds: readonly [readonly [NDArray, NDArray], readonly [NDArray, NDArray]] = hessian(
    (x: NDArray, y: NDArray): NDArray => x.mul(y),
    { argnums: [0, 1] },
  )(1, 2);
  const [slopes, extra]: [NDArray, NDArray] = jacfwd((x: NDArray): [NDArray, NDArray] => [x.mul(2), x], {
    hasAux: true,
  })(a);
  const lanes: NDArray = jit(vmap(grad((x: NDArray) => x.mul(2))))(a);
  const [y, dy]: [NDArray, NDArray] = jvp((x: NDArray) => x.mul(2), [a], [a]);
  const [out, pull] = vjp((x: NDArray) => x.mul(2), [a]);
  const [back]: [NDArray] = pull(out);
  const counted: NDArray = lax.foriLoop(0, 5, (i, c) => c.add(i), a);
  const [carry, ys]: [NDArray, NDArray] = lax.scan((c, x) => [c.add(x), c], a, a);
  const looped: NDArray = lax.whileLoop(
    (x) => x.sum().lt(30),
    (x) => x.add(1),
    a,
  );
  const chosen: NDArray = lax.cond(
    true,
    (x: NDArray) => x,
    (x: NDArray) => x.mul(2),
    a,
  );
  const solved: NDArray = linearSolve.solveCg((x: NDArray) => x.mul(2), a);
  const root = customRoot((y: NDArray, t: NDArray) => y.mul(y).sub(t))((_y: NDArray, t: NDArray) => np.sqrt(t));
  const ofRoot: NDArray = grad((t: NDArray) => root(1, t))(4);
  const { params } = new solvers.GradientDescent({ fun: (w: NDArray, l: NDArray) => w.mul(w).sum().mul(l) }).run(a, 3);
  const minimum: NDArray = params;
  const withStatic: NDArray = jit((n: number, x: NDArray) => x.mul(n), { static: ['n'] })(3, a);
  const mapped: Params = tree.map((x) => x.mul(2), { w: a, b: [a] });
  const number: number = a.sum().item();
  const flag: boolean = a.sum().gt(0).item<boolean>();

  t.strictSame([double, ofNumber, gradient, matrix, rows].map((x) => x.tolist()).slice(0, 3), [
    [2, 2, 2],
    6,
    [1, 1, 1],
  ]);
  t.strictSame([loss.item(), slope.tolist(), value.item(), kept.tolist()], [3, [1, 1, 1], 3, [1, 1, 1]]);
  t.strictSame(
    [trees.w.tolist(), trees.b[0]!.tolist()],
    [
      [1, 1, 1],
      [1, 1, 1],
    ],
  );
  t.ok(exactly);
  t.strictSame(
    [columns, slopes].map((x) => x.tolist()),
    [rows.tolist(), rows.tolist()],
  );
  t.strictSame([blocks.sum.w.tolist(), blocks.all.w.shape, extra.shape], [[1, 1, 1], [3, 3], [3]]);
  t.strictSame(
    seconds.map((row) => row.map((x) => x.item())),
    [
      [0, 1],
      [1, 0],
    ],
  );
  t.strictSame([...both.map((x) => x.item()), ofRoot.item(), withStatic.tolist()], [2, 1, 0.25, [3, 3, 3]]);
  t.strictSame(
    [lanes, y, dy, back].map((x) => x.tolist()),
    [2, 2, 2, 4].map((c) => [c, c, c]),
  );
  t.strictSame([counted, carry, ys, looped, chosen].map((x) => x.tolist()).slice(1, 3), [
    [4, 4, 4],
    [
      [1, 1, 1],
      [2, 2, 2],
      [3, 3, 3],
    ],
  ]);
  t.strictSame(
    [solved.mul(4).round().tolist(), minimum.shape, mapped.w.tolist(), number, flag],
    [[2, 2, 2], [3], [2, 2, 2], 3, true],
  );
  t.end();
});
