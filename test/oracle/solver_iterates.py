"""What JAXopt's solvers, projections and proximity operators do, frozen as JSON: writes test/fixtures/solver-iterates.json."""

import json
import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import jaxopt
import numpy as np
from jaxopt import projection, prox

jax.config.update("jax_enable_x64", True)
root = pathlib.Path(__file__).resolve().parents[2]
numbers = lambda x: np.asarray(x, np.float64).tolist()


def rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


rng = np.random.RandomState(0)
X = rng.randn(20, 4)
labels = (X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.5 * rng.randn(20) > 0).astype(float)


def logistic(w, l2reg):
    margins = X @ w
    return jnp.mean(jnp.logaddexp(0, margins) - labels * margins) + 0.5 * l2reg * jnp.sum(w**2)


def summary(params, state, *fields):
    out = {"params": numbers(params), "iterNum": int(state.iter_num), "error": float(state.error)}
    for ours, theirs in fields:
        out[ours] = numbers(getattr(state, theirs))
    return out


out = {"data": {"X": numbers(X), "labels": numbers(labels)}}

# Fixed points: T(x) = M x + b with a spectral radius above 1, and a nonlinear T.
M = np.array([[0.2, -1.3, 0.1], [1.2, 0.3, 0.0], [0.0, 0.4, -1.1]])
b = np.array([1.0, -0.5, 2.0])
linear = lambda x, s: s * jnp.asarray(M) @ x + b
cosine = lambda x, s: jnp.cos(s * x + jnp.arange(3.0))
ones = jnp.ones(3)
anderson = {}
for name, fun, options in [
    ("linear", linear, {"tol": 1e-10, "ridge": 1e-12}),
    ("few", linear, {"maxiter": 4}),
    ("one past the start", linear, {"maxiter": 7, "tol": 0.0}),
    ("beta", linear, {"beta": 0.5, "history_size": 4, "maxiter": 12, "tol": 0.0}),
    ("mixing", cosine, {"mixing_frequency": 3, "history_size": 3, "maxiter": 14, "tol": 0.0, "ridge": 1e-3}),
    ("cosine", cosine, {"history_size": 2}),
]:
    solver = jaxopt.AndersonAcceleration(fixed_point_fun=fun, implicit_diff_solve=jaxopt.linear_solve.solve_lu, **options)
    params, state = solver.run(ones, 1.0)
    anderson[name] = summary(params, state)
    anderson[name]["derivative"] = numbers(jax.jacrev(lambda s: solver.run(ones, s).params)(1.0))
out["anderson"] = anderson

fixed = {}
for name, options in [("default", {}), ("short", {"maxiter": 5}), ("tight", {"tol": 1e-12, "maxiter": 1000})]:
    solver = jaxopt.FixedPointIteration(fixed_point_fun=lambda x, s: 0.5 * jnp.cos(s * x) + 0.1, **options)
    fixed[name] = summary(*solver.run(ones, 1.0))
out["fixedPoint"] = fixed

bisection = {}
for name, lower, upper, options in [
    ("default", 0.0, 2.0, {}),
    ("falling", -3.0, 0.0, {"tol": 1e-10, "maxiter": 60}),
    ("short", 0.0, 2.0, {"maxiter": 3}),
]:
    fun = lambda x, a: (x**3 + x - a) if lower >= 0 else (a - x**3 - 4.0)
    solver = jaxopt.Bisection(optimality_fun=fun, lower=lower, upper=upper, **options)
    params, state = solver.run(None, 1.5)
    bisection[name] = summary(params, state, ("low", "low"), ("high", "high"))
    bisection[name]["derivative"] = float(jax.grad(lambda a: solver.run(None, a).params)(1.5))
out["bisection"] = bisection

# Minimisers, after a given number of steps and at the end.
start = jnp.array([-1.2, 1.0, 0.5, 2.0])
fields = (("value", "value"), ("stepsize", "stepsize"))
runs = {}
for kind, cls, cases in [
    (
        "BFGS",
        jaxopt.BFGS,
        {
            "rosenbrock 8": (rosenbrock, {"maxiter": 8, "tol": 0.0}),
            "rosenbrock": (rosenbrock, {"tol": 1e-6}),
            "max": (rosenbrock, {"maxiter": 8, "tol": 0.0, "linesearch_init": "max"}),
            "backtracking": (rosenbrock, {"maxiter": 8, "tol": 0.0, "linesearch": "backtracking", "linesearch_init": "current"}),
            "constant": (rosenbrock, {"maxiter": 8, "tol": 0.0, "stepsize": 1e-3}),
        },
    ),
    (
        "LBFGS",
        jaxopt.LBFGS,
        {
            "rosenbrock 8": (rosenbrock, {"maxiter": 8, "tol": 0.0}),
            "short history": (rosenbrock, {"maxiter": 12, "tol": 0.0, "history_size": 3}),
            "rosenbrock": (rosenbrock, {"tol": 1e-6}),
            "no gamma": (rosenbrock, {"maxiter": 8, "tol": 0.0, "use_gamma": False}),
            "no history": (rosenbrock, {"maxiter": 8, "tol": 0.0, "history_size": 0, "use_gamma": False}),
            "backtracking": (rosenbrock, {"maxiter": 8, "tol": 0.0, "linesearch": "backtracking"}),
            "long steps": (rosenbrock, {"maxiter": 8, "tol": 0.0, "max_stepsize": 50.0, "increase_factor": 4.0}),
            "constant": (rosenbrock, {"maxiter": 8, "tol": 0.0, "stepsize": 1e-3}),
            "logistic": (logistic, {"tol": 1e-9}),
        },
    ),
    (
        "NonlinearCG",
        jaxopt.NonlinearCG,
        {
            "polak-ribiere": (rosenbrock, {"maxiter": 8, "tol": 0.0}),
            "fletcher-reeves": (rosenbrock, {"maxiter": 8, "tol": 0.0, "method": "fletcher-reeves"}),
            "hestenes-stiefel": (rosenbrock, {"maxiter": 8, "tol": 0.0, "method": "hestenes-stiefel"}),
        },
    ),
]:
    runs[kind] = {}
    for name, (fun, options) in cases.items():
        args = (0.1,) if fun is logistic else ()
        solver = cls(fun=fun, implicit_diff_solve=jaxopt.linear_solve.solve_lu, **options)
        params, state = solver.run(start, *args)
        runs[kind][name] = summary(params, state, *fields)
        if args:
            runs[kind][name]["derivative"] = numbers(jax.jacrev(lambda l: solver.run(start, l).params)(0.1))
out["minimisers"] = runs

# Line searches along the negative gradient and along another direction.
searches = {}
direction = jnp.array([1.0, -0.3, 0.2, -1.0])
for name, cls, options, init, d in [
    ("zoom", jaxopt.ZoomLineSearch, {}, 1.0, None),
    ("zoom, small start", jaxopt.ZoomLineSearch, {"c2": 0.1}, 1e-6, None),
    ("zoom, bounded", jaxopt.ZoomLineSearch, {"max_stepsize": 1e-4}, 1.0, None),
    ("zoom, few steps", jaxopt.ZoomLineSearch, {"maxiter": 3, "c2": 0.01}, 1.0, None),
    ("zoom, direction", jaxopt.ZoomLineSearch, {"maxiter": 20, "c2": 0.5}, 1.0, direction),
    ("zoom, ascent", jaxopt.ZoomLineSearch, {"maxiter": 6}, 1.0, -direction),
    ("armijo", jaxopt.BacktrackingLineSearch, {"condition": "armijo"}, 1.0, None),
    ("goldstein", jaxopt.BacktrackingLineSearch, {"condition": "goldstein", "c1": 0.2}, 1.0, None),
    ("wolfe", jaxopt.BacktrackingLineSearch, {"condition": "wolfe"}, 1.0, None),
    ("strong-wolfe", jaxopt.BacktrackingLineSearch, {"decrease_factor": 0.5}, 3.0, direction),
    ("fails", jaxopt.BacktrackingLineSearch, {"maxiter": 4}, 1.0, None),
]:
    search = cls(fun=rosenbrock, **options)
    stepsize, state = search.run(init, start, descent_direction=d)
    searches[name] = {
        "stepsize": float(stepsize),
        "params": numbers(state.params),
        "value": float(state.value),
        "grad": numbers(state.grad),
        "failed": bool(state.failed),
        "iterNum": int(state.iter_num),
    }
out["lineSearches"] = searches

# Nonlinear least squares: enzyme kinetics, Rosenbrock's residuals, a sum of exponentials.
enzyme_x = jnp.array([0.038, 0.194, 0.425, 0.626, 1.253, 2.5, 3.74])
enzyme_y = jnp.array([0.05, 0.127, 0.094, 0.2122, 0.2729, 0.2665, 0.3317])
enzyme = lambda p: enzyme_y - p[0] * enzyme_x / (p[1] + enzyme_x)
banana = lambda p: np.sqrt(2) * jnp.array([10 * (p[1] - p[0] ** 2), 1 - p[0]])
times = jnp.arange(20) * 0.1
double = lambda p: p[2] * jnp.exp(p[0] * times) + p[3] * jnp.exp(p[1] * times) - (4 * jnp.exp(-4 * times) + 4 * jnp.exp(-5 * times))
squares = {}
for name, cls, fun, p0, options in [
    ("GN enzyme", jaxopt.GaussNewton, enzyme, [0.9, 0.2], {}),
    ("GN enzyme 3", jaxopt.GaussNewton, enzyme, [0.9, 0.2], {"maxiter": 3}),
    ("LM banana", jaxopt.LevenbergMarquardt, banana, [-1.2, 1.0], {"tol": 1e-6}),
    ("LM banana 5", jaxopt.LevenbergMarquardt, banana, [-1.2, 1.0], {"maxiter": 5, "materialize_jac": True, "solver": "cholesky"}),
    ("LM geodesic", jaxopt.LevenbergMarquardt, banana, [-1.2, 1.0], {"maxiter": 5, "materialize_jac": True, "solver": "qr", "geodesic": True}),
    ("LM operators", jaxopt.LevenbergMarquardt, banana, [-1.2, 1.0], {"maxiter": 5, "solver": "lu", "damping_parameter": 1e-2}),
    ("LM double", jaxopt.LevenbergMarquardt, double, [-1.0, -2.0, 1.0, -1.0], {"maxiter": 12, "materialize_jac": True, "solver": "lu", "tol": 0.0, "damping_parameter": 1e-3}),
]:
    solver = cls(residual_fun=fun, **options)
    params, state = solver.run(jnp.array(p0))
    squares[name] = summary(params, state, ("value", "value"))
out["leastSquares"] = squares

# Projections and proximity operators: values, and vector–Jacobian products with 1, 2, 3, …
sample = jnp.array([0.5, -1.2, 2.0, 0.1, -0.3])
a, A = jnp.array([1.0, -2.0, 0.5, 1.5, 1.0]), jnp.array([[1.0, 0, 2, 0, 1], [0, 1.0, -1, 1, 0]])
weights = jnp.arange(1.0, 6.0)
operators = {
    "nonNegative": (lambda x, h: projection.projection_non_negative(x), 0.0),
    "box": (lambda x, h: projection.projection_box(x, (-h, h)), 0.4),
    "hypercube": (projection.projection_hypercube, 0.8),
    "simplex": (projection.projection_simplex, 1.3),
    "l1Sphere": (projection.projection_l1_sphere, 1.3),
    "l1Ball": (projection.projection_l1_ball, 1.3),
    "l1Ball, inside": (projection.projection_l1_ball, 13.0),
    "l2Sphere": (projection.projection_l2_sphere, 1.3),
    "l2Ball": (projection.projection_l2_ball, 1.3),
    "l2Ball, inside": (projection.projection_l2_ball, 13.0),
    "linfBall": (projection.projection_linf_ball, 0.7),
    "hyperplane": (lambda x, h: projection.projection_hyperplane(x, (a, h)), 0.7),
    "halfspace": (lambda x, h: projection.projection_halfspace(x, (a, h)), 0.7),
    "halfspace, inside": (lambda x, h: projection.projection_halfspace(x, (a, h)), 70.0),
    "affineSet": (lambda x, h: projection.projection_affine_set(x, (A, jnp.array([1.0, 2.0]) * h)), 0.7),
    "boxSection": (lambda x, h: projection.projection_box_section(x, (-jnp.ones(5), jnp.ones(5), jnp.abs(a), h)), 0.7),
    "lasso": (lambda x, h: prox.prox_lasso(x, h, 0.7), 0.5),
    "nonNegativeLasso": (lambda x, h: prox.prox_non_negative_lasso(x, h, 0.7), 0.5),
    "elasticNet": (lambda x, h: prox.prox_elastic_net(x, (h, 2.0), 0.7), 0.5),
    "groupLasso": (lambda x, h: prox.prox_group_lasso(x, h, 0.7), 0.5),
    "groupLasso, zero": (lambda x, h: prox.prox_group_lasso(x, h, 0.7), 50.0),
    "ridge": (lambda x, h: prox.prox_ridge(x, h, 0.7), 0.5),
    "nonNegativeRidge": (lambda x, h: prox.prox_non_negative_ridge(x, h, 0.7), 0.5),
}
found = {}
for name, (f, h) in operators.items():
    value, pull = jax.vjp(f, sample, h)
    in_x, in_h = pull(weights)
    found[name] = {"h": h, "value": numbers(value), "inX": numbers(in_x), "inH": float(in_h)}
out["operators"] = found

# Least squares on a simplex and in a ball, with derivatives in the size of the set.
target = jnp.asarray(X @ np.array([0.3, 0.5, 0.0, 0.2]) + 0.1 * rng.randn(20))
out["data"]["target"] = numbers(target)
quadratic = lambda w: 0.5 * jnp.mean((X @ w - target) ** 2)
projected = {}
for name, f, h in [("simplex", projection.projection_simplex, 0.8), ("l2Ball", projection.projection_l2_ball, 0.3), ("nonNegative", lambda x, _: projection.projection_non_negative(x), 1.0)]:
    solver = jaxopt.ProjectedGradient(fun=quadratic, projection=f, stepsize=0.3, tol=1e-12, maxiter=5000)
    params, state = solver.run(jnp.ones(4) / 4, h)
    optimality = lambda w, h: f(w - jax.grad(quadratic)(w), h) - w
    J = jax.jacobian(optimality)(params, h)
    derivative = -jnp.linalg.solve(J, jax.jacobian(optimality, argnums=1)(params, h))
    projected[name] = {"params": numbers(params), "h": h, "derivative": numbers(derivative)}
out["projected"] = projected

(root / "test/fixtures/solver-iterates.json").write_text(json.dumps(out) + "\n")
