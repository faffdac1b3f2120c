/** Two operations of our own: log cosh, element by element, and the diagonal of a matrix, a view that moves nothing. */
import { pathToFileURL } from 'node:url';
import { grad, hessian, jacrev, jit, type NDArray, np, vmap } from 'cotangent';
import {
  bind1,
  definePrimitive,
  defineUnary,
  exact,
  type Primitive,
  ShapeError,
  shapedArray,
  type UnaryOp,
  ulp,
  type Value,
} from 'cotangent/primitives';

/** log cosh x = |x| + log(1 + e^(−2|x|)) − log 2, which neither overflows for large |x| nor cancels near 0. */
export const logCosh: UnaryOp = defineUnary('example.log_cosh', {
  domain: 'floating',
  run: (x) => Math.abs(x) + Math.log1p(Math.exp(-2 * Math.abs(x))) - Math.LN2,
  accuracy: ulp(4),
  jvp: (dx, x) => dx.mul(np.tanh(x)),
  lower: (b, x) => {
    const size = b.unary('abs', x);
    const tail = b.call('log1p', b.call('exp', b.mul(b.const(-2, x.dtype), size)));
    return b.sub(b.add(size, tail), b.const(Math.LN2, x.dtype));
  },
  interval: [1, 8],
});

/** The diagonals of square matrices: the last two axes become one. Linear, so that it has a transpose as well. */
export const diagonalP: Primitive = definePrimitive({
  name: 'example.diagonal',
  type: ([x]) => {
    const [n, m] = x!.shape.slice(-2);
    if (n === undefined || n !== m) throw new ShapeError(`diagonal: expected square matrices, but got ${x}.`);
    return [shapedArray(x!.shape.slice(0, -1), x!.dtype, x!.weakType)];
  },
  run: ([x]) => {
    const n = x!.aval.shape.at(-1)!;
    return [x!.data.filter((_, i) => Math.floor(i / n) % n === i % n)];
  },
  accuracy: exact,
  jvp: ([x], [dx]) => [[diagonal(x!)], [diagonal(dx as Value)]],
  transpose: ([ct], [x]) => {
    const { shape, dtype } = x!.aval;
    const columns = np.expandDims(ct as Value, -1);
    return [np.where(np.eye(shape.at(-1)!).gt(0), np.broadcastTo(columns, shape), np.zeros(shape, { dtype }))];
  },
  batch: (_size, [x], batched) => ({ outs: [diagonal(x!)], batched }),
  lower: {
    kind: 'view',
    view: (_params, { shape }) => {
      const n = shape.at(-1)!;
      const leading = shape.slice(0, -2).map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
      return { offset: 0, strides: [...leading, n + 1] };
    },
  },
  samples: () => [
    { inputs: [{ shape: [3, 3], dtype: 'float32' }] },
    { inputs: [{ shape: [2, 4, 4], dtype: 'float64' }] },
    { inputs: [{ shape: [2, 2], dtype: 'int32' }] },
  ],
});
export const diagonal = (x: NDArray): NDArray => bind1(diagonalP, [x]);

export interface Report {
  readonly value: number;
  readonly slope: number;
  readonly curvature: number;
  readonly traces: readonly number[];
  /** The WebAssembly of a compiled gradient, as text. */
  readonly code: string;
}

export function main(log: (text: string) => void = console.log): Report {
  const x = np.array(0.5, { dtype: 'float64' });
  const value = logCosh(x).item();
  const slope = grad(logCosh)(x).item();
  const curvature = jit(hessian(logCosh))(x).item();
  log(`log cosh 0.5 = ${value}, with derivatives ${slope} and ${curvature}`);
  log(`at 1000 it is ${logCosh(1000)}, where log(cosh(x)) is ${np.log(np.cosh(1000))}`);

  const matrices = np.reshape(np.arange(18), [2, 3, 3]).astype('float64');
  const trace = (a: NDArray): NDArray => diagonal(a).sum();
  const traces: number[] = jit(vmap(trace))(matrices).tolist();
  log(`traces ${traces}, and the gradient of one is the identity:\n${grad(trace)(np.zeros([3, 3]))}`);

  const robust = (w: NDArray): NDArray => logCosh(w.mul(3)).sum();
  const { code } = jit(grad(robust)).lower(np.zeros([100]));
  log(`${code.split('\n').length} lines of WebAssembly compute the gradient of a robust loss of 100 residuals`);
  log(`its Hessian has the diagonal ${diagonal(jit(jacrev(grad(robust)))(np.array([-1, 0, 1])))}`);
  return { value, slope, curvature, traces, code };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
