"""Random programs through JAX: python fuzz.py --seed 1 --count 2000 [--freeze], after npm run build.

Node writes programs with stacks of transformations as JAX functions, this runs them, and node compares values and
derivatives with ours under the error bounds of both. With --freeze a sample goes to ../fixtures/fuzz.json.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import tempfile
import time

# Compiling is all the work: without LLVM's expensive passes.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)
repository = pathlib.Path(__file__).parent / ".." / ".."


def leaves(tree):
    return tuple(jax.tree.leaves(tree))


def argsort(x, axis):
    return lax.sort([x, lax.broadcasted_iota("int32", x.shape, axis)], dimension=axis, num_keys=1)[1]


def bounded_while(cond, body, init, steps):
    step = lambda carry, _: (lax.cond(cond(carry), body, lambda c: c, carry), None)
    return lax.scan(step, init, None, length=steps)[0]


def custom_jvp_of(h):
    c = jax.custom_jvp(h)
    c.defjvp(lambda x, dx: jax.jvp(h, x, dx))
    return c


def custom_vjp_of(h):
    c = jax.custom_vjp(h)
    c.defvjp(lambda *x: (h(*x), x), lambda x, ct: jax.vjp(h, *x)[1](ct))
    return c


def solve_operator(matvec, b):
    return jnp.linalg.solve(jax.jacobian(matvec)(jnp.zeros_like(b)), b)


def dense_solve(g, y):
    flat = lambda v: jnp.ravel(g(jnp.reshape(v, y.shape)))
    return jnp.reshape(jnp.linalg.solve(jax.jacobian(flat)(jnp.ravel(y)), jnp.ravel(y)), y.shape)


def fixed_point(T, x0, a):
    return lax.custom_root(
        lambda x: T(x, a) - x, x0, lambda f, x: lax.fori_loop(0, 40, lambda _, v: v + f(v), x), dense_solve
    )


def root(F, slope, x0, a):
    newton = lambda f, x: lax.fori_loop(0, 8, lambda _, v: v - f(v) / slope(v), x)
    return lax.custom_root(lambda x: F(x, a), x0, newton, dense_solve)


def root_jvp(F, x, y, t):
    flat = lambda v: jnp.ravel(F(jnp.reshape(v, x.shape), y))
    moved = jax.jvp(lambda v: F(x, v), (y,), (t,))[1]
    return -jnp.reshape(jnp.linalg.solve(jax.jacobian(flat)(jnp.ravel(x)), jnp.ravel(moved)), x.shape)


def root_vjp(F, x, y, ct):
    flat = lambda v: jnp.ravel(F(jnp.reshape(v, x.shape), y))
    u = jnp.linalg.solve(jax.jacobian(flat)(jnp.ravel(x)).T, jnp.ravel(ct))
    return -jax.vjp(lambda v: F(x, v), y)[1](jnp.reshape(u, x.shape))[0]


def merged(a, active, floats):
    a = list(a)
    for i, x in zip(active, floats):
        a[i] = x
    return a


def jvp_of(f, active, out):
    def run(*a):
        n = len(a) - len(active)
        main = lambda *floats: tuple(f(*merged(a[:n], active, floats)))
        y, dy = jax.jvp(main, [a[i] for i in active], list(a[n:]))
        return (*y, *[dy[i] for i in out])

    return run


def vjp_of(f, active, out, n):
    def run(*a):
        main = lambda *floats: (lambda y: (tuple(y[i] for i in out), tuple(y)))(f(*merged(a[:n], active, floats)))
        _, pull, y = jax.vjp(main, *[a[i] for i in active], has_aux=True)
        return (*y, *pull(tuple(a[n:])))

    return run


def grad_of(f, active, out, weights):
    def run(*a):
        def loss(*floats):
            y = f(*merged(a, active, floats))
            return sum(jnp.sum(y[i]) * w for i, w in zip(out, weights))

        value, g = jax.value_and_grad(loss, argnums=tuple(range(len(active))))(*[a[i] for i in active])
        return (value, *g)

    return run


def jacobian_of(jacobian, f, active, out):
    def run(*a):
        main = lambda *floats: tuple(f(*merged(a, active, floats))[i] for i in out)
        return leaves(jacobian(main, argnums=tuple(range(len(active))))(*[a[i] for i in active]))

    return run


def number(x):
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(x), x)


def thaw(x):
    data = [float(v) if isinstance(v, str) else v for v in x["data"]]
    return jnp.asarray(np.array(data, dtype=np.float64).astype(x["dtype"]).reshape(x["shape"]))


def freeze(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "dtype": str(x.dtype), "data": [number(v) for v in x.ravel().tolist()]}


def run(sample, jit):
    scope = dict(globals())
    exec(sample["python"], scope)
    f = scope["program"]
    for text in sample["stack"]:
        f = eval(text, scope, {"f": f}) if "lambda" not in text else eval(text, {**scope, "f": f})
    whole = lambda *a: tuple(f(*a))
    results = (jax.jit(whole) if jit else whole)(*[thaw(x) for x in sample["args"]])
    return [freeze(x) for x in results]


def node(*args):
    command = ["node", "--conditions=cotangent-unbundled", str(repository / "dist/test/fuzz/oracle.js"), *map(str, args)]
    subprocess.run(command, check=True, cwd=repository)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples, results, differing = [pathlib.Path(folder) / f"{name}.json" for name in ("samples", "results", "differing")]
        node("write", samples, options.seed, options.count)
        written = json.loads(samples.read_text())
        start, errors, answers = time.time(), collections.Counter(), {}
        for i, sample in enumerate(written):
            try:
                answers[sample["seed"]] = run(sample, jit=True)
            except Exception as error:
                errors[f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"] += 1
                if options.verbose:
                    print(sample["python"], sample["stack"], repr(error)[:400])
            if i % 200 == 199:
                print(f"{i + 1} programs, {(i + 1) / (time.time() - start):.0f} a second", flush=True)
                jax.clear_caches()
        print(f"{len(answers)} programs run by JAX; it refused {sum(errors.values())}:")
        for message, n in errors.most_common(12):
            print(f"  {n} × {message}")
        results.write_text(json.dumps(answers))
        node("compare", samples, results, differing)
        # XLA compiles some updates in place although they read what they overwrite: operation by operation they are right.
        again = set(json.loads(differing.read_text()))
        for sample in written:
            if sample["seed"] in again:
                answers[sample["seed"]] = run(sample, jit=False)
        results.write_text(json.dumps(answers))
        print(f"{len(again)} of them once more without jit:")
        node("compare", samples, results, differing, "test/fixtures/fuzz.json" if options.freeze else "")


main()
