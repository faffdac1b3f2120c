/** Linear solves, roots and fixed points, whose equations capture what is in scope. */
import { toleranceOf } from './error-iterative-solve.ts';
import type { Generator, Production } from './generator.ts';
import { positive, regular } from './products.ts';
import { sizeOf, type Variable } from './program.ts';

function makeLinearSolve(g: Generator): Variable[] {
  const n = g.random.integer(1, 3);
  const iterative = g.random.chance(0.5);
  const name = g.random.choose(
    iterative ? ['solveCg', 'solveNormalCg', 'solveGmres', 'solveBicgstab'] : ['solveLu', 'solveCholesky', 'solveInv'],
  );
  const a = name === 'solveCholesky' || name === 'solveCg' ? positive(g, n) : regular(g, n);
  const b = g.floatOf([n], a.dtype);
  const reach = Math.max(Math.abs(b.low), Math.abs(b.high)) * n;
  const out = { ...b, low: -reach, high: reach };
  const options = iterative ? `, { tol: ${toleranceOf(b.dtype)} }` : '';
  if (!iterative && g.random.chance(0.3)) {
    // Without a matrix: diagonally dominant by construction.
    const c = g.within(g.floatOf([n], b.dtype), -0.8, 0.8);
    const js = `linearSolve.solveLu((x) => lax.add(lax.mul(x, 2), lax.mul($1, lax.reverse(x, [0]))), $0)`;
    const py = `solve_operator(lambda x: 2 * x + $1 * x[::-1], $0)`;
    return [g.emit('linearSolve', js, py, [b, c], out)];
  }
  const matvec = '(x) => lax.dotGeneral($0, x, { lhsContract: [1], rhsContract: [0] })';
  return [
    g.emit(
      'linearSolve',
      `linearSolve.${name}(${matvec}, $1${options})`,
      'solve_operator(lambda x: jnp.dot($0, x), $1)',
      [a, b],
      out,
    ),
  ];
}

const vector = (g: Generator): Variable => {
  const x = g.float((v) => v.dtype === g.dtype && v.shape.length <= 1 && sizeOf(v.shape) <= 3 && sizeOf(v.shape) > 0);
  return x.shape.length <= 1 && sizeOf(x.shape) <= 3 ? x : g.shaped(x, [2]);
};

/** x = T(x, a), where T halves distances: forty steps leave nothing of the initial guess. */
function makeFixedPoint(g: Generator): Variable[] {
  const a = vector(g);
  const c = g.within(g.floatOf(a.shape, a.dtype), -1, 1);
  const mixed = a.shape.length && g.random.chance(0.5);
  const [js, py] = g.random.choose([
    ['lax.add(lax.mul(y, 0.5), lax.mul(lax.sin(lax.add(X, $1)), 0.4))', '0.5 * y + 0.4 * jnp.sin(X + $1)'],
    ['lax.add(y, lax.mul(lax.mul(lax.tanh(X), $1), 0.35))', 'y + 0.35 * (jnp.tanh(X) * $1)'],
    ['lax.mul(lax.cos(lax.add(lax.mul(X, 0.5), y)), 0.75)', '0.75 * jnp.cos(0.5 * X + y)'],
  ] as const);
  const inJs = js.replaceAll('X', mixed ? 'lax.reverse(x, [0])' : 'x');
  const inPy = py.replaceAll('X', mixed ? 'x[::-1]' : 'x');
  const reach = Math.max(Math.abs(a.low), Math.abs(a.high)) + 1;
  const text = `((T) => customFixedPoint(T)((x0, y) => lax.foriLoop(0, 40, (_, x) => T(x, y), x0))(lax.mul($0, 0), $0))((x, y) => ${inJs})`;
  return [
    g.emit('fixedPoint', text, `fixed_point(lambda x, y: ${inPy}, 0 * $0, $0)`, [a, c], {
      ...a,
      low: -reach,
      high: reach,
    }),
  ];
}

/** x³ + (1 + c²)·x = a by Newton's method. */
function makeRoot(g: Generator): Variable[] {
  const a = g.within(vector(g), -2, 2);
  const c = g.within(g.floatOf(a.shape, a.dtype), -1, 1);
  const equation = 'lax.sub(lax.add(lax.integerPow(x, 3), lax.mul(lax.add(lax.square($1), 1), x)), y)';
  const slope = 'lax.add(lax.mul(lax.square(x), 3), lax.add(lax.square($1), 1))';
  const js = `((F) => customRoot(F)((x0, y) => lax.foriLoop(0, 8, (_, x) => lax.sub(x, lax.div(F(x, y), ${slope})), x0))(lax.mul($0, 0.5), $0))((x, y) => ${equation})`;
  const py =
    'root(lambda x, y: lax.integer_pow(x, 3) + ($1 * $1 + 1) * x - y, lambda x: 3 * (x * x) + ($1 * $1 + 1), 0.5 * $0, $0)';
  return [g.emit('root', js, py, [a, c], { ...a, low: -2, high: 2 })];
}

/** x + 0.3 tanh(c·reversed x) = y, or its like without the reversal; the derivative of a solution may be asked for anywhere. */
function makeRootRule(g: Generator): Variable[] {
  const x = vector(g);
  const [y, c, along] = [0, 1, 2].map(() => g.within(g.floatOf(x.shape, x.dtype), -1, 1)) as [
    Variable,
    Variable,
    Variable,
  ];
  const mixed = x.shape.length > 0 && g.random.chance(0.5);
  const js = `(x, y) => lax.sub(lax.add(x, lax.mul(lax.tanh(lax.mul($2, ${mixed ? 'lax.reverse(x, [0])' : 'x'})), 0.3)), lax.mul(y, lax.cos(x)))`;
  const py = `lambda x, y: x + 0.3 * jnp.tanh($2 * ${mixed ? 'x[::-1]' : 'x'}) - y * jnp.cos(x)`;
  const options = g.random.chance(0.5) ? '' : ', { solve: linearSolve.solveLu }';
  const at = g.within(x, -0.5, 0.5);
  const forward = g.random.chance(0.5);
  return [
    g.emit(
      forward ? 'rootJvp' : 'rootVjp',
      forward ? `rootJvp(${js}, $0, [$1], [$3]${options})` : `rootVjp(${js}, $0, [$1], $3${options})[0]`,
      `${forward ? 'root_jvp' : 'root_vjp'}(${py}, $0, $1, $3)`,
      [at, y, c, along],
      { ...at, low: -64, high: 64 },
    ),
  ];
}

export const implicit: readonly Production[] = [
  { name: 'linearSolve', weight: 2, make: makeLinearSolve },
  { name: 'fixedPoint', weight: 1, make: makeFixedPoint },
  { name: 'root', weight: 1.5, make: makeRoot },
  { name: 'rootRule', weight: 1, make: makeRootRule },
];
