"""Quadratic programs with their solutions by JAXopt, SciPy and scikit-learn: writes test/fixtures/quadratic-programs.json."""

import json
import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import jaxopt
import numpy as np
import scipy.optimize
from jaxopt import projection
from sklearn import datasets, linear_model, preprocessing, svm

jax.config.update("jax_enable_x64", True)
root = pathlib.Path(__file__).resolve().parents[2]
numbers = lambda x: np.asarray(x, np.float64).round(15).tolist()
out = {}


def random_program(seed, n, m, p):
    rng = np.random.RandomState(seed)
    M = rng.randn(n, n)
    x = rng.randn(n)
    A, G = rng.randn(m, n), rng.randn(p, n)
    return M @ M.T / n + 0.1 * np.eye(n), rng.randn(n), A, A @ x, G, G @ x + rng.rand(p)


def derivatives(Q, A, G, dual_ineq):
    """dx/dc, dx/db and dx/dh with the active constraints as equations."""
    active = dual_ineq > 1e-6
    C = np.vstack([A, G[active]])
    n, k = len(Q), len(C)
    inverse = np.linalg.inv(np.block([[Q, C.T], [C, np.zeros((k, k))]]))[:n]
    by_h = np.zeros((n, len(G)))
    by_h[:, active] = inverse[:, n + len(A) :]
    return -inverse[:, :n], inverse[:, n : n + len(A)], by_h


# By JAXopt's OSQP; the derivatives in closed form.
programs = []
for seed, n, m, p in [(0, 10, 3, 5), (1, 16, 2, 4), (2, 6, 0, 9), (3, 5, 2, 0)]:
    Q, c, A, b, G, h = random_program(seed, n, m, p)
    eq = (A, b) if m else None
    ineq = (G, h) if p else None
    solver = jaxopt.OSQP(tol=1e-11, maxiter=100000, eq_qp_solve="lu")
    params, state = solver.run(params_obj=(Q, c), params_eq=eq, params_ineq=ineq)
    assert state.status == jaxopt.BoxOSQP.SOLVED
    dual = params.dual_ineq if p else np.zeros(0)
    jacobians = dict(zip(["c", "b", "h"], map(numbers, derivatives(Q, A, G, np.asarray(dual)))))
    data = dict(zip(["Q", "c", "A", "b", "G", "h"], map(numbers, [Q, c, A, b, G, h])))
    solution = {"primal": numbers(params.primal), "dualEq": numbers(params.dual_eq) if m else None, "dualIneq": numbers(dual)}
    programs.append({**data, **solution, "jacobians": jacobians, "rows": [m, p]})
out["programs"] = programs

# Coordinate descent: iterates and Jacobian.
rng = np.random.RandomState(4)
M = rng.randn(5, 5)
Q, c = M @ M.T, rng.randn(5)
l, u = -0.3 * np.ones(5), 0.4 * np.ones(5)
iterates = []
for maxiter in [1, 3, 500]:
    solver = jaxopt.BoxCDQP(maxiter=maxiter, tol=1e-12)
    params, state = solver.run(np.zeros(5), params_obj=(Q, c), params_ineq=(l, u))
    iterates.append({"maxiter": maxiter, "params": numbers(params), "error": float(state.error), "iterNum": int(state.iter_num)})
solver = jaxopt.BoxCDQP(tol=1e-12, implicit_diff_solve=jaxopt.linear_solve.solve_lu)
jacobian = jax.jacrev(lambda c: solver.run(np.zeros(5), params_obj=(Q, c), params_ineq=(l, u)).params)(c)
out["coordinateDescent"] = {"Q": numbers(Q), "c": numbers(c), "iterates": iterates, "jacobian": numbers(jacobian)}

# A support vector machine with a kernel: the dual, against SVC.
X, y = datasets.make_classification(n_samples=50, n_features=8, n_informative=5, n_classes=2, random_state=0)
X, y = X.round(4), 2 * y - 1
fitted = svm.SVC(kernel="rbf", C=10.0, gamma=0.1, tol=1e-10).fit(X, y)
beta = np.zeros(50)
beta[fitted.support_] = fitted.dual_coef_[0]
out["kernelSvm"] = {"X": numbers(X), "y": numbers(y), "C": 10, "gamma": 0.1, "beta": numbers(beta)}

# A multiclass support vector machine, against LinearSVC.
X, y = datasets.make_classification(n_samples=20, n_features=5, n_informative=3, n_classes=3, random_state=0)
X = preprocessing.Normalizer().fit_transform(X).round(6)
Y = preprocessing.LabelBinarizer().fit_transform(y)
l2reg = 0.5
fitted = svm.LinearSVC(loss="hinge", dual=True, multi_class="crammer_singer", C=1 / l2reg, fit_intercept=False, tol=1e-12, max_iter=10**7)
out["multiclassSvm"] = {"X": numbers(X), "Y": numbers(Y), "l2reg": l2reg, "W": numbers(fitted.fit(X, y).coef_.T)}

# Nonnegative least squares, a column at a time, and lasso.
rng = np.random.RandomState(5)
H, W = rng.randn(20, 3), rng.randn(10, 3)
Y = H @ np.abs(W).T + 0.1 * rng.randn(20, 10)
out["nonNegative"] = {"H": numbers(H), "Y": numbers(Y), "W": numbers([scipy.optimize.nnls(H, y)[0] for y in Y.T])}
X, y = datasets.make_regression(n_samples=10, n_features=3, random_state=0)
X, y = X.round(5), y.round(5)
lam = 10.0
lasso = linear_model.Lasso(fit_intercept=False, alpha=lam / len(y), tol=1e-14, max_iter=10**6)
out["lasso"] = {"X": numbers(X), "y": numbers(y), "lambda": lam, "w": numbers(lasso.fit(X, y).coef_)}

# A portfolio with factors, against SLSQP.
rng = np.random.RandomState(6)
assets, factors, gamma = 20, 3, 1.0
F = rng.randn(assets, factors) * (rng.rand(assets, factors) < 0.5)
D = rng.uniform(0, factors**0.5, assets)
mu = rng.randn(assets)
out["portfolio"] = {"F": numbers(F), "D": numbers(D), "mu": numbers(mu), "gamma": gamma}

# Projections, to a tolerance of 1e-12. Derivatives of JAXopt's are not those of the solution where its dual stops gradients.
rng = np.random.RandomState(7)
S, a, b = rng.rand(5, 6), rng.rand(5), rng.rand(6)
a, b = a / a.sum(), b / b.sum()
M = rng.rand(5, 5)
tight = lambda fun: jaxopt.LBFGS(fun=fun, tol=1e-12, maxiter=10000, linesearch="zoom")
out["transport"] = {
    "S": numbers(S),
    "a": numbers(a),
    "b": numbers(b),
    "M": numbers(M),
    "transport": numbers(projection.projection_transport(S, (a, b), make_solver=tight)),
    "klTransport": numbers(projection.kl_projection_transport(S, (a, b), make_solver=tight)),
    "birkhoff": numbers(projection.projection_birkhoff(M, make_solver=tight)),
    "klBirkhoff": numbers(projection.kl_projection_birkhoff(M, make_solver=tight)),
}
x = rng.randn(12)
sparse = lambda x: projection.projection_sparse_simplex(x, 4, value=1.3)
out["sparseSimplex"] = {"x": numbers(x), "p": numbers(sparse(x)), "jacobian": numbers(jax.jacobian(sparse)(x))}
x, A, b, G, h = rng.randn(5), rng.randn(2, 5), rng.randn(2), rng.randn(2, 5), rng.randn(2)
solver = jaxopt.OSQP(tol=1e-11, maxiter=100000)
polyhedron = solver.run(params_obj=(np.eye(5), -x), params_eq=(A, b), params_ineq=(G, h)).params.primal
out["polyhedron"] = {**dict(zip(["x", "A", "b", "G", "h"], map(numbers, [x, A, b, G, h]))), "p": numbers(polyhedron)}

(root / "test/fixtures/quadratic-programs.json").write_text(json.dumps(out) + "\n")
