"""What LAPACK (through NumPy) and JAX compute of eigenvalues of general matrices: writes test/fixtures/eigen.json.

Derivatives are of functions that depend neither on the order of eigenvalues nor on the signs of vectors, but on the lengths and phases that LAPACK gives these.
"""
import json
import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpy as np
import scipy.linalg
from jax import lax

rng = np.random.default_rng(11)
W = rng.standard_normal(8)


def number(x):
    x = float(x)
    return "NaN" if np.isnan(x) else x if np.isfinite(x) else "Infinity" if x > 0 else "-Infinity"


def array(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "dtype": str(x.dtype), "data": [number(v) for v in x.ravel()]}


def planes(x):
    x = np.asarray(x)
    return {"real": array(np.real(x)), "imag": array(np.imag(x))}


def wilkinson(n):
    a = np.diag(np.ones(n - 1), -1)
    a[0] = -np.poly(np.arange(1, n + 1))[1:]
    return a


square = rng.standard_normal((11, 11))
matrices = {f"random {n}": rng.standard_normal((n, n)) for n in range(1, 13)}
matrices |= {
    "Jordan block": np.diag(np.ones(7), 1) + 2 * np.eye(8),
    "Jordan block below": np.diag(np.ones(7), -1) + 2 * np.eye(8),
    "nilpotent": np.diag(np.arange(1.0, 8), 1),
    "Wilkinson's companion": wilkinson(10),
    "graded": np.diag(10.0 ** -np.arange(0, 20, 2)) @ rng.standard_normal((10, 10)) @ np.diag(10.0 ** np.arange(0, 20, 2)),
    "equal elements": np.ones((9, 9)),
    "zero": np.zeros((4, 4)),
    "identity": np.eye(5),
    "permutation": np.eye(12)[rng.permutation(12)],
    "skew": square - square.T,
    "symmetric": square + square.T,
    "upper triangular": np.triu(rng.standard_normal((9, 9))),
    "lower triangular": np.tril(rng.standard_normal((9, 9))),
    "huge": rng.standard_normal((5, 5)) * 1e200,
    "tiny": rng.standard_normal((5, 5)) * 1e-200,
    "largest": rng.standard_normal((5, 5)) * 4e307,
    "Frank": np.array([[8.0 - max(i, j) if j >= i - 1 else 0 for j in range(8)] for i in range(8)]),
    "rank 1": np.outer(rng.standard_normal(6), rng.standard_normal(6)),
    "two pairs twice": np.kron(np.array([[0, 1.0], [-1, 0]]), np.eye(2)),
}
for n in (2, 3, 4, 6, 7, 12):
    matrices[f"cyclic shift {n}"] = np.roll(np.eye(n), 1, axis=0)

values = []
for name, a in matrices.items():
    w, v = np.linalg.eig(a)
    s = np.linalg.svd(v, compute_uv=False)
    condition = s[0] / s[-1] if s[-1] > 0 else np.inf
    values.append({"name": name, "x": array(a), "condition": number(condition), **planes(w)})


def of_values(a):
    w = lax.linalg.eig(a, compute_left_eigenvectors=False, compute_right_eigenvectors=False, enable_eigvec_derivs=True)[0]
    return jnp.sum(jnp.sin(w.real) + w.imag**2 * jnp.cos(w.real))


def of_vectors(w, v):
    weights = jnp.asarray(W[: w.shape[0]], w.real.dtype)[:, None]
    squares = v * v * weights
    return jnp.sum((1 + w.real**2) * squares.real + w.imag * squares.imag)


def of_right(a):
    w, v = lax.linalg.eig(a, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    return of_vectors(w, v)


def of_left(a):
    w, v = lax.linalg.eig(a, compute_right_eigenvectors=False, enable_eigvec_derivs=True)
    return of_vectors(w, v)


functions = {"ofValues": of_values, "ofRight": of_right, "ofLeft": of_left}
derivatives = []
for n in (1, 2, 3, 5, 8):
    a, t = rng.standard_normal((n, n)), rng.standard_normal((n, n))
    if n == 2:
        a = np.array([[1.0, 2.0], [-3.0, 0.5]])
    for name, f in functions.items():
        entry = {"name": name, "x": array(a), "t": array(t)}
        for dtype in ["float64", "float32"]:
            x, dx = jnp.asarray(a, dtype), jnp.asarray(t, dtype)
            value, tangent = jax.jvp(f, (x,), (dx,))
            entry[dtype] = {"value": number(value), "jvp": number(tangent), "grad": array(jax.grad(f)(x))}
        if n < 8:
            product = jax.jvp(jax.grad(f), (jnp.asarray(a),), (jnp.asarray(t),))[1]
            entry["hessianProduct"] = array(product)
        derivatives.append(entry)

polynomials = []
for p in (
    [1.0, -3, 2],
    [2.0, 0, 2],
    [0.0, 0, 2, -3, 1, 0],
    [1.0, 0, 0, 0, -1],
    np.poly(np.arange(1.0, 8)),
    rng.standard_normal(10),
    [3.0],
    [0.0, 5],
    [4.0, 0, 0],
):
    x = jnp.asarray(p)
    entry = {"p": array(x), "roots": planes(np.roots(np.asarray(p))), "unstripped": planes(jnp.roots(x, strip_zeros=False))}
    if len(p) in (3, 5, 10):

        def total(x):
            r = jnp.roots(x, strip_zeros=False)
            return jnp.sum(jnp.sin(r.real) + r.imag**2)

        if not np.all(np.asarray(p)[1:] == 0):
            entry["grad"] = array(jax.grad(total)(x))
    polynomials.append(entry)

characteristic = [{"x": array(a), "p": array(np.real(np.poly(a)))} for a in (matrices["random 4"], matrices["random 7"], np.diag([1.0, 2, 3]))]
polar = []
for a in (rng.standard_normal((4, 4)), rng.standard_normal((5, 3)), rng.standard_normal((3, 5))):
    for side in ("right", "left"):
        u, p = scipy.linalg.polar(a, side=side)
        polar.append({"x": array(a), "side": side, "u": array(u), "p": array(p)})

roots = []
for name, a in {
    "positive": square @ square.T + np.eye(11),
    "random": rng.standard_normal((6, 6)),
    "negative": np.array([[1.0, 2, 3], [2, 4, 2], [3, 2, 1]]),
    "triangular": np.triu(rng.standard_normal((5, 5))) + 3 * np.eye(5),
    "Jordan block": np.diag(np.ones(3), 1) + 4 * np.eye(4),
    "rotation": np.array([[0.0, -1], [1, 0]]),
    "one": np.array([[-4.0]]),
}.items():
    roots.append({"name": name, "x": array(a), **planes(jsl.sqrtm(jnp.asarray(a)))})

out = {
    "weights": array(W),
    "values": values,
    "derivatives": derivatives,
    "polynomials": polynomials,
    "characteristic": characteristic,
    "polar": polar,
    "squareRoots": roots,
}
path = pathlib.Path(__file__).parent.parent / "fixtures" / "eigen.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
