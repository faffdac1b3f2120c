"""Quasi-Newton methods, root finders and line searches: what JAXopt, SciPy and a plain reading of Hager and Zhang's paper do,
frozen as JSON: writes test/fixtures/quasi-newton.json."""

import json
import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import jaxopt
import numpy as np
import scipy.optimize

jax.config.update("jax_enable_x64", True)
root = pathlib.Path(__file__).resolve().parents[2]
numbers = lambda x: np.asarray(x, np.float64).tolist()


def rosenbrock(x, np=jnp):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def himmelblau(p, np=jnp):
    x, y = p
    return (x**2 + y - 11.0) ** 2 + (x + y**2 - 7.0) ** 2


def matyas(p, np=jnp):
    x, y = p
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def eggholder(p, np=jnp):
    x, y = p
    return -(y + 47) * np.sin(np.sqrt(np.abs(x / 2 + y + 47))) - x * np.sin(np.sqrt(np.abs(x - (y + 47))))


def zakharov(x, np=jnp):
    i = 0.5 * np.arange(1, x.shape[0] + 1)
    s = np.sum(i * x)
    return np.sum(x**2) + s**2 + s**4


def summary(params, state, *fields):
    out = {"params": numbers(params), "iterNum": int(state.iter_num), "error": float(state.error)}
    for ours, theirs in fields:
        out[ours] = numbers(getattr(state, theirs))
    return out


rng = np.random.RandomState(0)
X = rng.randn(20, 4)
target = X @ np.array([0.3, 0.5, 0.0, -0.2]) + 0.1 * rng.randn(20)
labels = (X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.5 * rng.randn(20) > 0).astype(float)
out = {"data": {"X": numbers(X), "target": numbers(target), "labels": numbers(labels)}}
start = jnp.array([-1.2, 1.0, 0.5, 2.0])
infinite = float("inf")

# L-BFGS-B: JAXopt's steps, as long as none is cut off at a bound and the history is not full.
steps = {}
fields = (("value", "value"), ("stepsize", "stepsize"), ("theta", "theta"))
for name, x0, bounds, options in [
    ("no bounds", start, None, {"maxiter": 8}),
    ("theta", start, None, {"maxiter": 6, "theta": 3.0}),
    ("no gamma", start, None, {"maxiter": 6, "use_gamma": False}),
    ("constant", start, (jnp.full(4, -9.0), jnp.full(4, 9.0)), {"maxiter": 6, "stepsize": 1e-2}),
    ("at a bound", start, (jnp.array([-1.5, -2.0, 0.4, -infinite]), jnp.array([0.0, 2.0, 0.6, infinite])), {"maxiter": 2}),
]:
    solver = jaxopt.LBFGSB(fun=rosenbrock, tol=0.0, **options)
    steps[name] = summary(*solver.run(x0, bounds), *fields)
out["lbfgsb"] = steps

# Minima in boxes, by SciPy.
minima = {}
for name, fun, x0, lower, upper in [
    ("rosenbrock, inside", rosenbrock, [0.8, 1.2], [-1.0, -2.0], [2.0, 2.0]),
    ("rosenbrock, corner", rosenbrock, [2.0, 0.0], [1.5, -2.0], [3.0, 0.5]),
    ("rosenbrock, edge", rosenbrock, [2.0, 0.5], [0.0, -1.0], [3.0, 1.0]),
    ("rosenbrock, 10", rosenbrock, [-1.2] * 10, [-2.0] * 10, [0.9] * 10),
    ("himmelblau", himmelblau, [1.0, 1.0], [0.0, 0.0], [2.5, 4.0]),
    ("matyas", matyas, [6.0, 6.0], [2.0, -10.0], [10.0, 10.0]),
    ("eggholder", eggholder, [100.0, 100.0], [60.0, 50.0], [300.0, 300.0]),
    ("zakharov", zakharov, [600.0, 700.0, 200.0, 100.0, 90.0, 1e4], [-5.0, 3.0, -5.0, -5.0, 1.0, -5.0], [1e5] * 6),
]:
    found = scipy.optimize.minimize(
        lambda x: fun(x, np),
        np.array(x0),
        jac=lambda x: np.asarray(jax.grad(fun)(jnp.asarray(x))),
        bounds=list(zip(lower, upper)),
        method="L-BFGS-B",
        options={"ftol": 0.0, "gtol": 1e-10, "maxiter": 1000},
    )
    minima[name] = {"x0": x0, "lower": lower, "upper": upper, "params": numbers(found.x), "value": float(found.fun)}
out["boxes"] = minima

# Minima without bounds, by SciPy.
free = {}
for name, fun, x0 in [
    ("rosenbrock", rosenbrock, [0.0, 0.0]),
    ("himmelblau", himmelblau, [1.0, 1.0]),
    ("himmelblau, far", himmelblau, [92.0, 0.001]),
    ("matyas", matyas, [6.0, 6.0]),
    ("eggholder", eggholder, [100.0, 100.0]),
    ("zakharov", zakharov, [600.0, 700.0, 200.0, 100.0, 90.0, 1e4]),
]:
    found = scipy.optimize.minimize(
        lambda x: fun(x, np), np.array(x0), jac=lambda x: np.asarray(jax.grad(fun)(jnp.asarray(x))), method="BFGS", options={"gtol": 1e-9}
    )
    free[name] = {"x0": x0, "params": numbers(found.x), "value": float(found.fun)}
out["free"] = free


# The line search of Hager and Zhang, as their paper has it, left at the first step that is good.
class Good(Exception):
    pass


def hager_zhang(phi, c, delta=0.1, sigma=0.9, epsilon=1e-6, rho=5.0, gamma=0.66):
    f0, g0 = phi(0.0)
    limit = f0 + epsilon * abs(f0)
    tried = []
    known = {0.0: (f0, g0)}

    def at(s):
        if s in known:
            return known[s]
        f, g = known[s] = phi(s)
        tried.append(s)
        wolfe = f - f0 <= delta * s * g0 and g >= sigma * g0
        approximate = (2 * delta - 1) * g0 >= g >= sigma * g0 and f <= limit
        if wolfe or approximate:
            raise Good
        return f, g

    def contract(a, b):
        while True:
            d = 0.5 * (a + b)
            f, g = at(d)
            if g >= 0:
                return a, d
            if f <= limit:
                a = d
            else:
                b = d

    def update(a, b, c):
        if not a < c < b:
            return a, b
        f, g = at(c)
        if g >= 0:
            return a, c
        if f <= limit:
            return c, b
        return contract(a, c)

    def secant(a, b):
        (_, ga), (_, gb) = at(a), at(b)
        return (a * gb - b * ga) / (gb - ga)

    def bracket(c):
        # The last step before, rather than 0, where an interval is contracted: f falls there from at most about f(0), too.
        previous = 0.0
        while True:
            f, g = at(c)
            if g >= 0:
                return previous, c
            if f > limit:
                return contract(previous, c)
            previous, c = c, rho * c

    def secant2(a, b):
        c = secant(a, b)
        A, B = update(a, b, c)
        if c == B:
            return update(A, B, secant(b, B))
        if c == A:
            return update(A, B, secant(a, A))
        return A, B

    try:
        a, b = bracket(c)
        while True:
            A, B = secant2(a, b)
            if B - A > gamma * (b - a):
                A, B = update(A, B, 0.5 * (A + B))
            a, b = A, B
    except Good:
        return tried


def yanai(b1, b2):
    share = lambda b: np.sqrt(1 + b**2) - b
    return lambda a: share(b1) * jnp.sqrt((1 - a) ** 2 + b2**2) + share(b2) * jnp.sqrt(a**2 + b1**2)


scalar_functions = {
    "moré 1": lambda a: -a / (a**2 + 2.0),
    "moré 2": lambda a: (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4,
    "yanai 1": yanai(1e-3, 1e-3),
    "yanai 2": yanai(1e-2, 1e-3),
    "quartic": lambda a: (a - 3.0) ** 4 - 5 * a,
    "cosine": lambda a: jnp.cos(3 * a) - 0.1 * a,
}
searches = {}
for name, f in scalar_functions.items():
    both = jax.jit(jax.value_and_grad(f))
    phi = lambda s: tuple(map(float, both(jnp.float64(s))))
    for init in (1e-3, 0.1, 1.0, 10.0):
        for c1, c2 in ((0.1, 0.9), (1e-3, 1e-2)):
            tried = hager_zhang(phi, init, delta=c1, sigma=c2)
            searches[f"{name}, {init}, {c1}, {c2}"] = {"tried": tried}
out["hagerZhang"] = searches

# Roots by Broyden's method.
system = lambda x, s: jnp.array([s * (x[0] + x[1] - 3.0), x[0] ** 2 + x[1] ** 2 - 9.0])
cosine = lambda x, s: jnp.cos(s * x) - x
affine = lambda x, s: s * jnp.asarray(X[:4]) @ x * 0.3 + 1.0 - x
roots = {}
fields = (("value", "value"), ("stepsize", "stepsize"))
for name, fun, x0, options in [
    ("cosine", cosine, [0.5, 3.0, -1.0], {"tol": 1e-9}),
    ("cosine 4", cosine, [0.5, 3.0, -1.0], {"maxiter": 4, "tol": 0.0}),
    ("system", system, [1.0, 5.0], {"tol": 1e-9}),
    ("armijo", system, [1.0, 5.0], {"maxiter": 6, "tol": 0.0, "condition": "armijo", "decrease_factor": 0.5}),
    ("history", system, [1.0, 5.0], {"maxiter": 9, "tol": 0.0, "history_size": 4}),
    ("constant", affine, [1.0, 0.0, 0.0, 1.0], {"maxiter": 6, "tol": 0.0, "stepsize": 1.0}),
    ("gamma", affine, [1.0, 0.0, 0.0, 1.0], {"maxiter": 4, "tol": 0.0, "gamma": 0.5, "max_stepsize": 2.0}),
    ("affine", affine, [1.0, 0.0, 0.0, 1.0], {"tol": 1e-9}),
]:
    solver = jaxopt.Broyden(fun=fun, implicit_diff_solve=jaxopt.linear_solve.solve_lu, **options)
    params, state = solver.run(jnp.array(x0), 1.0)
    roots[name] = summary(params, state, *fields)
    roots[name]["derivative"] = numbers(jax.jacrev(lambda s: solver.run(jnp.array(x0), s).params)(1.0))
out["broyden"] = roots

# Anderson acceleration of proximal gradient descent and of gradient descent.
lasso = lambda w: 0.5 * jnp.mean((X @ w - target) ** 2)
logistic = lambda w: jnp.mean(jnp.logaddexp(0, X @ w) - labels * (X @ w)) + 0.05 * jnp.sum(w**2)
wrapped = {}
for name, inner, options, args in [
    ("lasso", jaxopt.ProximalGradient(fun=lasso, prox=jaxopt.prox.prox_lasso, acceleration=False, stepsize=0.3, tol=1e-9), {"history_size": 4}, (0.05,)),
    ("lasso, search", jaxopt.ProximalGradient(fun=lasso, prox=jaxopt.prox.prox_lasso, acceleration=False, tol=0.0, maxiter=9), {"history_size": 3}, (0.05,)),
    ("often", jaxopt.GradientDescent(fun=logistic, acceleration=False, stepsize=1.0, tol=0.0, maxiter=12), {"mixing_frequency": 1, "ridge": 1e-3}, ()),
    ("beta", jaxopt.GradientDescent(fun=logistic, acceleration=False, stepsize=1.0, tol=0.0, maxiter=8), {"history_size": 2, "beta": 0.5}, ()),
]:
    solver = jaxopt.AndersonWrapper(inner, **options)
    wrapped[name] = summary(*solver.run(jnp.zeros(4), *args))
out["wrapped"] = wrapped

# The simplex of Nelder and Mead, by SciPy, whose maxiter is one more than the steps that it takes.
simplexes = {}
for name, fun, x0, options in [
    ("few", rosenbrock, [-1.2, 1.0, 0.5, 2.0], {"maxiter": 13}),
    ("shrinks", lambda x, np=np: np.cos(9 * x[0]) + np.sin(13 * x[1]) + 0.1 * np.sum(x**2), [0.9, 0.0], {"maxiter": 26}),
    ("rosenbrock", rosenbrock, [-1.2, 1.0], {}),
    ("adaptive", rosenbrock, [-1.2, 1.0, 0.5, 2.0], {"adaptive": True}),
    ("eggholder", eggholder, [100.0, 100.0], {}),
]:
    found = scipy.optimize.minimize(lambda x: fun(x, np), np.array(x0), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4, **options})
    simplexes[name] = {"x0": x0, "params": numbers(found.x), "value": float(found.fun), "iterNum": int(found.nit), "evaluations": int(found.nfev)}
out["nelderMead"] = simplexes

# Nonlinear least squares with bounds, by SciPy.
times = np.arange(20) * 0.1
curve = lambda p: p[0] * np.exp(p[1] * times) + p[2]
data = curve([2.0, -1.5, 0.5]) + 0.05 * np.cos(7 * times)
banana = lambda p: np.array([10 * (p[1] - p[0] ** 2), 1 - p[0]])
fits = {}
for name, fun, x0, lower, upper in [
    ("banana", banana, [-1.2, 1.0], [-2.0, -1.0], [0.7, 2.0]),
    ("banana, edge", banana, [-1.2, 1.7], [-2.0, 1.5], [2.0, 2.0]),
    ("curve, inside", lambda p: curve(p) - data, [1.0, -1.0, 0.0], [0.0, -5.0, -1.0], [5.0, 0.0, 1.0]),
    ("curve, edge", lambda p: curve(p) - data, [1.0, -1.0, 0.0], [0.0, -1.2, -1.0], [5.0, 0.0, 0.3]),
]:
    found = scipy.optimize.least_squares(fun, x0, bounds=(lower, upper), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    fits[name] = {"x0": x0, "lower": lower, "upper": upper, "params": numbers(found.x), "value": float(found.cost)}
out["fits"] = {"times": numbers(times), "data": numbers(data), "cases": fits}

(root / "test/fixtures/quasi-newton.json").write_text(json.dumps(out) + "\n")
