"""What JAXopt finds on the diabetes data, frozen as JSON: run with the oracle's python; writes test/fixtures/solvers.json."""

import csv
import json
import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import jaxopt
import numpy as np

jax.config.update("jax_enable_x64", True)
root = pathlib.Path(__file__).resolve().parents[2]

with open(root / "examples/data/diabetes.csv") as file:
    rows = np.array([[float(x) for x in row] for row in list(csv.reader(file))[1:]])
standard = (rows - rows.mean(0)) / rows.std(0)
train = np.arange(len(rows)) % 3 != 1


def problem(dtype):
    X = jnp.asarray(standard[train, :-1], dtype)
    y = jnp.asarray(standard[train, -1], dtype)
    Xv = jnp.asarray(standard[~train, :-1], dtype)
    yv = jnp.asarray(standard[~train, -1], dtype)

    def ridge(w, l2reg):
        residual = X @ w - y
        return 0.5 * jnp.mean(residual**2) + 0.5 * l2reg * jnp.sum(w**2)

    def validation(w):
        return jnp.mean((Xv @ w - yv) ** 2)

    return ridge, validation


def run(dtype, **options):
    ridge, validation = problem(dtype)
    solver = jaxopt.GradientDescent(fun=ridge, **options)
    w0 = jnp.zeros(10, dtype)
    l2reg = jnp.asarray(0.05, dtype)
    params, state = solver.run(w0, l2reg)
    solution = lambda l2reg: solver.run(w0, l2reg).params
    return {
        "params": np.asarray(params, np.float64).tolist(),
        "iterNum": int(state.iter_num),
        "error": float(state.error),
        "jacobian": np.asarray(jax.jacrev(solution)(l2reg), np.float64).tolist(),
        "hypergradient": float(jax.grad(lambda l: validation(solution(l)))(l2reg)),
    }


linear = {"implicit_diff_solve": jaxopt.linear_solve.solve_lu}
out = {
    "tight": run("float64", maxiter=5000, tol=1e-13, stepsize=0.2, acceleration=False, **linear),
    "default": run("float64"),
    "backtracking": run("float64", maxiter=2000, tol=1e-8, acceleration=False, **linear),
    "accelerated": run("float64", maxiter=2000, tol=1e-5, **linear),
    "unrolled": run("float64", maxiter=100, tol=1e-3, stepsize=0.2, implicit_diff=False),
    "float32": run("float32", maxiter=2000, tol=1e-5, stepsize=0.2, **linear),
}
path = root / "test/fixtures/solvers.json"
path.write_text(json.dumps(out) + "\n")
