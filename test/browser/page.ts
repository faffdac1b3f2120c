/** What test/browser.test.ts runs in a browser: the report goes back to its server. */
import { debug, grad, init, jit, lax, np, random, vmap } from 'cotangent';

type Report = Record<string, unknown>;

const x = np.array([1, 2, 3]);
const f = (v: typeof x) => np.sum(np.sin(v).mul(v));
const newton = (v: typeof x) => lax.foriLoop(0, 20, (_, c) => c.sub(c.mul(c).sub(v).div(c.mul(2))), v);
const message = (g: () => unknown): string => {
  try {
    return String(g());
  } catch (error) {
    return String((error as Error).message);
  }
};

/** How many modules `g` makes. */
function modules(g: () => unknown): number {
  const { Module } = WebAssembly;
  let made = 0;
  WebAssembly.Module = new Proxy(Module, {
    construct(target, args) {
      made++;
      return new target(...(args as [BufferSource]));
    },
  });
  g();
  WebAssembly.Module = Module;
  return made;
}

function results(): Report {
  const printed: string[] = [];
  debug.callback((v) => printed.push(String(v)), x);
  return {
    value: f(x).item(),
    grad: grad(f)(x).tolist(),
    jit: jit((v: typeof x) => grad(f)(v))(x).tolist(),
    roots: jit((v: typeof x) => vmap(newton)(v))(x).tolist(),
    matmul: np
      .matmul(np.ones([40, 30]), np.ones([30, 20]))
      .sum()
      .item(),
    random: random.normal(random.key(0), [3]).tolist(),
    float64: jit((v: typeof x) => np.exp(v))(np.array([1, 2], { dtype: 'float64' })).tolist(),
    printed,
  };
}

async function main(): Promise<Report> {
  const cubes = jit((v: typeof x) => lax.foriLoop(0, 3, (_, c) => c.mul(v), v));
  const early = modules(() => cubes(x));
  const before = results();
  const start = performance.now();
  await init();
  const milliseconds = performance.now() - start;
  const after = results();
  const late = modules(() => cubes(x));
  const lint = message(() => jit((v: typeof x) => (v.sum().gt(0) ? v : v.neg()))(x));
  const time = performance.now();
  const sum = jit((v: typeof x) => lax.foriLoop(0, 1_000_000, (i, c) => c.add(i), v))(
    np.array(0, { dtype: 'float64' }),
  );
  return { before, after, modules: [early, late], lint, milliseconds, sum: sum.item(), loop: performance.now() - time };
}

const report = await main().catch((error: Error) => ({ error: `${error.message}\n${error.stack}` }));
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
