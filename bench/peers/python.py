"""The same work in Python's libraries: `python bench/peers/python.py NumPy|JAX|PyTorch`, with numpy, jax, jaxopt and torch installed.

`--list` names the cases. Further arguments are those to run, or the beginnings of their names with … at the end.
"""

import importlib.metadata
import json
import os
import statistics
import sys
import time

os.environ["JAX_PLATFORMS"] = "cpu"
import numpy as np

lists = "--list" in sys.argv
wanted, *only = [argument for argument in sys.argv[1:] if argument != "--list"]


def numbers(count, seed=0, scale=1.0):
    x = np.sin((np.arange(count) + 1) * 12.9898 + seed * 78.233) * 43758.5453
    return ((x - np.floor(x) - 0.5) * scale).astype(np.float32)


def array(shape, seed=0, scale=1.0):
    return numbers(int(np.prod(shape)), seed, scale).reshape(shape)


def measure(library, cases):
    for name, prepare in cases.items():
        if only and not any(name == o or o.endswith("…") and name.startswith(o[:-1]) for o in only):
            continue
        if lists:
            print(json.dumps({"library": library, "name": name}), flush=True)
            continue
        try:
            start = time.perf_counter()
            run = prepare()
            values = np.asarray(run(), np.float64).ravel()
            first = time.perf_counter() - start
            deadline = time.perf_counter() + 0.3
            n = 0
            while n < 3 or (time.perf_counter() < deadline and n < 3000):
                run()
                n += 1
            start = time.perf_counter()
            run()
            batch = max(1, int(1e-3 / max(time.perf_counter() - start, 1e-7)))
            times = []
            deadline = time.perf_counter() + 0.6
            while len(times) < 8 or time.perf_counter() < deadline:
                start = time.perf_counter()
                for _ in range(batch):
                    run()
                times.append((time.perf_counter() - start) / batch)
            seconds = statistics.median(times)
            sample = values[:6].tolist() + [float(values.sum())]
            # A result is where NumPy reads it from: reading costs nothing.
            line = {"library": library, "name": name, "seconds": seconds, "computed": seconds, "first": first, "values": sample}
            print(json.dumps(line), flush=True)
        except Exception as error:  # A library that lacks something is a gap in the table, not the end of it.
            print(json.dumps({"library": library, "name": name, "error": str(error)[:200]}), flush=True)


million, square = array((1000, 1000), 0, 6), array((1024, 1024), 0, 6)


def numpy_cases():
    def newton():
        t = numbers(100000) + np.float32(1.5)

        def run():
            x = np.full_like(t, 0.7)
            for _ in range(8):
                x = x - (x * x * x + t * x - 1) / (x * x * 3 + t)
            return x

        return run

    cases = {f"matmul {n}": (lambda n=n: (lambda a=array((n, n)), b=array((n, n), 1): a @ b)) for n in (8, 16, 32, 64, 480, 1024)}
    cases |= {
        "x·tanh(2x+1), 10⁶": lambda: lambda: million * np.tanh(million * 2 + 1),
        "mean of all, 10⁶": lambda: lambda: million.mean(),
        "mean over axis 0, 10⁶": lambda: lambda: million.mean(0),
        "mean over axis 1, 10⁶": lambda: lambda: million.mean(1),
        "variance over axis 0, 10⁶": lambda: lambda: million.var(0),
        "Newton root, 10⁵ lanes": newton,
    }
    return cases


def jax_cases():
    import jax
    import jax.numpy as jnp
    import jaxopt
    from jax.experimental.ode import odeint
    from jaxopt._src.base import LinearOperator

    def call(f, *args):
        g = jax.jit(f)
        args = [jnp.asarray(a) for a in args]
        return lambda: np.asarray(g(*args))

    def ridge_loss(X, y):
        def loss(w, l2reg):
            r = X @ w - y
            return 0.5 * (jnp.mean(r * r) + l2reg * jnp.sum(w * w))

        return loss

    def solver(rows, columns):
        loss = ridge_loss(jnp.asarray(array((rows, columns))), jnp.asarray(array((rows,), 1)))
        return jaxopt.GradientDescent(
            fun=loss, maxiter=500, tol=-1, stepsize=0.5, acceleration=False, implicit_diff_solve=jaxopt.linear_solve.solve_cg
        )

    def hypergradient():
        gd = solver(100, 10)
        V, z = jnp.asarray(array((50, 10), 2)), jnp.asarray(array((50,), 3))
        return call(jax.grad(lambda l2reg: jnp.mean((V @ gd.run(jnp.zeros(10), l2reg).params - z) ** 2)), np.float32(0.1))

    def mlp():
        shapes = [(784, 256), (256, 128), (128, 10)]
        params = [{"w": jnp.asarray(array(s, i + 1, 0.1)), "b": jnp.zeros(s[1])} for i, s in enumerate(shapes)]
        x, y = jnp.asarray(array((128, 784), 4)), jax.nn.one_hot(jnp.arange(128) % 10, 10)

        def loss(params):
            h = x
            for i, layer in enumerate(params):
                h = h @ layer["w"] + layer["b"]
                h = jax.nn.relu(h) if i < 2 else h
            return -jnp.mean(jnp.sum(jax.nn.log_softmax(h) * y, -1))

        @jax.jit
        def step(params):
            value, gradient = jax.value_and_grad(loss)(params)
            return jax.tree.map(lambda p, g: p - 0.01 * g, params, gradient), value

        state = [params]
        second = np.asarray(step(step(params)[0])[1])
        first_call = [True]

        def run():
            if first_call:
                first_call.clear()
                return second
            state[0], value = step(state[0])
            return np.asarray(value)

        return run

    def newton():
        t = jnp.asarray(numbers(100000) + np.float32(1.5))
        f = lambda x, t: x * x * x + t * x - 1
        solve = jaxopt.implicit_diff.custom_root(f)(
            lambda x, t: jax.lax.fori_loop(0, 8, lambda _, x: x - f(x, t) / (x * x * 3 + t), x)
        )
        return call(jax.vmap(lambda t: solve(jnp.float32(0.7), t)), t)

    X, y = jnp.asarray(array((1000, 20))), jnp.asarray((numbers(1000, 1) > 0).astype(np.float32))
    A, b, t = jnp.asarray(array((200, 100), 2)), jnp.asarray(array((200,), 3)), jnp.asarray(numbers(200, 5, 4))

    def logistic(w):
        z = X @ w
        return jnp.mean(jax.nn.softplus(z) - y * z) + 5e-4 * jnp.sum(w * w)

    def squares(w, *_):
        return jnp.mean((A @ w - b) ** 2)

    def decay(p):
        return jnp.exp(t * p[0]) * p[1] + p[2]

    observed = decay(jnp.array([-0.7, 2.0, 0.3]))

    box = (jnp.full(20, -0.1), jnp.full(20, 0.15))
    D, e, M = jnp.asarray(array((1000, 100), 6)), jnp.asarray(array((1000,), 7)), array((100, 100), 8)
    Q, c = jnp.asarray(M.T @ M + np.eye(100, dtype=np.float32)), array((100,), 9)
    G, h = jnp.asarray(array((50, 100), 10)), jnp.full(50, 0.1)
    times = jnp.linspace(0.0, 10.0, 11)

    class SummedSquares(jaxopt.objective.CompositeLinearFunction):
        """Not divided by the number of samples: JAXopt's Lipschitz constants are those of the sum."""

        def subfun(self, predictions, data):
            return 0.5 * jnp.sum((predictions - data[1]) ** 2)

        def make_linop(self, data):
            return LinearOperator(data[0])

        def columnwise_lipschitz_const(self, data):
            return self.make_linop(data).column_l2_norms(squared=True)

        def b(self, data):
            return None

    summed_squares = SummedSquares()

    def swing(state, _, g):
        return {"angle": state["speed"], "speed": -g * jnp.sin(state["angle"])}

    def run(solver, init, *args):
        return call(lambda init: solver.run(init, *args).params, init)

    def layer_norm(x):
        c = x - x.mean(-1, keepdims=True)
        return c / jnp.sqrt((c * c).mean(-1, keepdims=True) + 1e-5)

    cases = {
        "ridge 100×10": lambda: call(lambda w: solver(100, 10).run(w, 0.1).params, np.zeros(10, np.float32)),
        "ridge 1000×100": lambda: call(lambda w: solver(1000, 100).run(w, 0.1).params, np.zeros(100, np.float32)),
        "hypergradient": hypergradient,
        "mlp step": mlp,
    }
    cases |= {f"matmul {n}": (lambda n=n: call(jnp.matmul, array((n, n)), array((n, n), 1))) for n in (8, 16, 32, 64, 480, 1024)}
    cases |= {
        "x·tanh(2x+1), 10⁶": lambda: call(lambda x: x * jnp.tanh(x * 2 + 1), million),
        "softmax 1024²": lambda: call(lambda x: jax.nn.softmax(x, -1), square),
        "layer norm 1024²": lambda: call(layer_norm, square),
        "logsumexp, 10⁶": lambda: call(jax.nn.logsumexp, million),
        "mean of all, 10⁶": lambda: call(jnp.mean, million),
        "mean over axis 0, 10⁶": lambda: call(lambda x: x.mean(0), million),
        "mean over axis 1, 10⁶": lambda: call(lambda x: x.mean(1), million),
        "variance over axis 0, 10⁶": lambda: call(lambda x: x.var(0), million),
        "call on 8 elements, read": lambda: call(lambda x: x * 2 + 1, array((8,))),
        "Newton root, 10⁵ lanes": newton,
        "LBFGS, 10 steps": lambda: run(jaxopt.LBFGS(fun=logistic, maxiter=10, tol=-1), np.zeros(20, np.float32)),
        "BFGS, 10 steps": lambda: run(jaxopt.BFGS(fun=logistic, maxiter=10, tol=-1), np.zeros(20, np.float32)),
        "nonlinear CG, 10 steps": lambda: run(jaxopt.NonlinearCG(fun=logistic, maxiter=10, tol=-1), np.zeros(20, np.float32)),
        "Levenberg–Marquardt, 10 steps": lambda: run(
            jaxopt.LevenbergMarquardt(residual_fun=lambda p: decay(p) - observed, maxiter=10, tol=-1, gtol=-1),
            np.array([-0.1, 1, 0], np.float32),
        ),
        "lasso, 200 steps": lambda: run(
            jaxopt.ProximalGradient(fun=squares, prox=jaxopt.prox.prox_lasso, maxiter=200, tol=-1, stepsize=0.5),
            np.zeros(100, np.float32),
            1e-2,
        ),
        "simplex, 200 steps": lambda: run(
            jaxopt.ProjectedGradient(
                fun=squares, projection=lambda p, _: jaxopt.projection.projection_simplex(p), maxiter=200, tol=-1, stepsize=0.5
            ),
            np.full(100, 0.01, np.float32),
        ),
        "LBFGSB, 30 steps": lambda: run(jaxopt.LBFGSB(fun=logistic, maxiter=30, tol=1e-6), np.zeros(20, np.float32), box),
        "lasso, 50 sweeps": lambda: run(
            jaxopt.BlockCoordinateDescent(summed_squares, jaxopt.prox.prox_lasso, maxiter=50, tol=-1),
            np.zeros(100, np.float32),
            1.0,
            (D, e),
        ),
        "OSQP, 100×50": lambda: call(
            lambda c: jaxopt.OSQP(tol=1e-4, eq_qp_solve="lu").run(None, (Q, c), None, (G, h)).params.primal, c
        ),
        "odeint, a pendulum": lambda: call(
            lambda angle: odeint(swing, {"angle": angle, "speed": jnp.float32(0)}, times, 9.81, rtol=1e-5, atol=1e-5)["angle"],
            np.float32(0.5),
        ),
    }
    return cases


def torch_cases():
    import torch

    def ridge(rows, columns):
        X, y = torch.from_numpy(array((rows, columns))), torch.from_numpy(array((rows,), 1))

        def run():
            w = torch.zeros(columns, requires_grad=True)
            for _ in range(500):
                r = X @ w - y
                loss = 0.5 * (torch.mean(r * r) + 0.1 * torch.sum(w * w))
                (g,) = torch.autograd.grad(loss, w)
                with torch.no_grad():
                    w -= 0.5 * g
            return w.detach().numpy()

        return run

    def mlp():
        shapes = [(784, 256), (256, 128), (128, 10)]
        params = [torch.from_numpy(array(s, i + 1, 0.1)) for i, s in enumerate(shapes)] + [torch.zeros(s[1]) for s in shapes]
        for p in params:
            p.requires_grad_()
        x = torch.from_numpy(array((128, 784), 4))
        labels = torch.arange(128) % 10

        def step():
            h = x
            for i in range(3):
                h = h @ params[i] + params[3 + i]
                h = torch.relu(h) if i < 2 else h
            loss = torch.nn.functional.cross_entropy(h, labels)
            gradient = torch.autograd.grad(loss, params)
            with torch.no_grad():
                for p, g in zip(params, gradient):
                    p -= 0.01 * g
            return loss.item()

        step()
        return step

    return {"ridge 100×10": lambda: ridge(100, 10), "ridge 1000×100": lambda: ridge(1000, 100), "mlp step": mlp}


for library, module, cases in (("NumPy", "numpy", numpy_cases), ("JAX", "jax", jax_cases), ("PyTorch", "torch", torch_cases)):
    if library != wanted:
        continue
    try:
        found = cases()
        print(json.dumps({"library": library, "name": "", "version": importlib.metadata.version(module)}), flush=True)
    except Exception as error:  # A library that is not there, or cannot be loaded, is no reason to go without the others.
        print(json.dumps({"library": library, "name": "", "error": str(error)[:200]}), flush=True)
    else:
        measure(library, found)
