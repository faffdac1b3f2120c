"""What JAX and NumPy compute from eigenvalues and singular values: writes test/fixtures/spectral.json.

Vectors are compared by what does not depend on their signs: projections, reconstructions, squares. Run with the
environment that test/oracle/primitives.py needs.
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
from jax import lax

rng = np.random.default_rng(5)


def number(x):
    x = float(x)
    return "NaN" if np.isnan(x) else x if np.isfinite(x) else "Infinity" if x > 0 else "-Infinity"


def array(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "dtype": str(x.dtype), "data": [number(v) for v in x.ravel()]}


U = rng.standard_normal(12)
B = rng.standard_normal((12, 12))


# Functions of one matrix, with one number as the result, that do not depend on the signs of vectors.
def eigenvalue_logs(a):
    return jnp.sum(jnp.log(1.5 + jnp.linalg.eigvalsh(a) ** 2))


def smallest_projection(a):
    v = jnp.linalg.eigh(a)[1]
    return (v[:, 0] @ jnp.asarray(U[: a.shape[0]], a.dtype)) ** 2


def eigen_square_root(a):
    w, v = jnp.linalg.eigh(a)
    return jnp.sum(((v * jnp.sqrt(1 + w * w)) @ v.T) * jnp.asarray(B[: a.shape[0], : a.shape[0]], a.dtype))


def singular_squares(a):
    s = jnp.linalg.svd(a, compute_uv=False)
    return jnp.sum(s * s * jnp.arange(1, s.shape[0] + 1, dtype=a.dtype))


def left_projection(a):
    u = jnp.linalg.svd(a, full_matrices=False)[0]
    return (u[:, 0] @ jnp.asarray(U[: a.shape[0]], a.dtype)) ** 2


def right_projection(a):
    vt = jnp.linalg.svd(a, full_matrices=False)[2]
    return (vt[-1] @ jnp.asarray(U[: a.shape[1]], a.dtype)) ** 2


def polar_factor(a):
    u, _, vt = jnp.linalg.svd(a, full_matrices=False)
    return jnp.sum((u @ vt) * jnp.asarray(B[: a.shape[0], : a.shape[1]], a.dtype))


def weighted(f):
    def g(a):
        x = f(a)
        return jnp.sum(x * jnp.asarray(B[: x.shape[0], : x.shape[1]], x.dtype))

    return g


scalar = {
    "eigenvalueLogs": (eigenvalue_logs, "square"),
    "smallestProjection": (smallest_projection, "square"),
    "eigenSquareRoot": (eigen_square_root, "square"),
    "singularSquares": (singular_squares, "any"),
    "leftProjection": (left_projection, "any"),
    "rightProjection": (right_projection, "any"),
    "polarFactor": (polar_factor, "any"),
    "pseudoInverse": (weighted(jnp.linalg.pinv), "any"),
    "exponential": (weighted(jsl.expm), "square"),
    "spectralNorm": (lambda a: jnp.linalg.norm(a, 2), "any"),
    "nuclearNorm": (lambda a: jnp.linalg.norm(a, "nuc"), "any"),
    "condition": (jnp.linalg.cond, "any"),
}


def hessian_product(f, a, t):
    return jax.jvp(jax.grad(f), (a,), (t,))[1]


derivatives = []
for name, (f, kind) in scalar.items():
    for shape in [(3, 3), (5, 5)] + ([(5, 3), (2, 4)] if kind == "any" else []):
        a, t = rng.standard_normal(shape), rng.standard_normal(shape)
        entry = {"name": name, "x": array(a), "tangent": array(t)}
        for dtype in ["float64", "float32"]:
            x, dx = jnp.asarray(a, dtype), jnp.asarray(t, dtype)
            value, tangent = jax.jvp(f, (x,), (dx,))
            entry[dtype] = {"value": number(value), "jvp": number(tangent), "grad": array(jax.grad(f)(x))}
        x, dx = jnp.asarray(a), jnp.asarray(t)
        if shape != (5, 5):
            entry["hessian"] = array(hessian_product(f, x, dx))
        derivatives.append(entry)

# Values, from NumPy. Matrices that are singular, graded, have equal eigenvalues or none.
hilbert = 1.0 / (np.arange(6)[:, None] + np.arange(6) + 1)
ranked = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))
matrices = {
    "random": rng.standard_normal((7, 7)),
    "tall": rng.standard_normal((9, 4)),
    "wide": rng.standard_normal((3, 8)),
    "zero": np.zeros((3, 3)),
    "equal": np.eye(4) * 2,
    "ones": np.ones((5, 5)),
    "hilbert": hilbert,
    "rank2": ranked,
    "nilpotent": np.diag(np.arange(1.0, 5), 1),
    "wilkinson": np.diag(np.abs(np.arange(-6.0, 7))) + np.diag(np.ones(12), 1) + np.diag(np.ones(12), -1),
    "huge": rng.standard_normal((4, 4)) * 1e300,
    "tiny": rng.standard_normal((4, 4)) * 1e-300,
    "stack": rng.standard_normal((2, 3, 4, 4)),
    "one": np.array([[-3.0]]),
}
values = []
for name, a in matrices.items():
    entry = {"name": name, "x": array(a), "svdvals": array(np.linalg.svd(a, compute_uv=False))}
    if name not in ("huge", "tiny"):
        entry["pinv"] = array(jnp.linalg.pinv(a))
        entry["matrixRank"] = array(jnp.linalg.matrix_rank(a).astype(np.int32))
        entry["norms"] = [array(jnp.linalg.norm(a, p, axis=(-2, -1))) for p in (2, -2, "nuc")]
    if a.shape[-1] == a.shape[-2]:
        entry["eigvalsh"] = array(np.linalg.eigvalsh((a + np.swapaxes(a, -1, -2)) / 2))
        if name not in ("huge", "tiny"):
            entry["expm"] = array(jsl.expm(jnp.asarray(a)))
    values.append(entry)
well = rng.standard_normal((4, 4))
conditions = {
    "x": array(well),
    "outs": [number(np.linalg.cond(well, p)) for p in (2, -2, "fro", 1, -1, np.inf, -np.inf, "nuc")],
}
exponentials = [
    {"x": array(a), "out": array(jsl.expm(jnp.asarray(a)))}
    for a in [np.array([[1.0, 30], [0, -2]]), 20 * rng.standard_normal((3, 3)), 1e-3 * rng.standard_normal((4, 4)), np.array([[0, -50.0], [50, 0]])]
]

nan, inf = float("nan"), float("inf")
top = []
for x, k in [
    ([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3], 4),
    ([1.0, nan, 3, nan, 3], 3),
    ([inf, -inf, 0.0, nan], 4),
    ([[2.0, 2, 1], [5, 7, 7]], 2),
    ([1.0, 2], 0),
]:
    for dtype in ["float32", "float64"]:
        v, i = lax.top_k(jnp.asarray(x, dtype), k)
        top.append({"x": array(np.asarray(x, dtype)), "k": k, "values": array(v), "indices": array(i)})
for x, dtype in [([-(2**31), 5, 5, 2**31 - 1], "int32"), ([3, 2**32 - 1, 0, 3], "uint32"), ([False, True, True, False], "bool")]:
    x = np.asarray(x, dtype)
    v, i = lax.top_k(jnp.asarray(x), 3)
    top.append({"x": array(x), "k": 3, "values": array(v), "indices": array(i)})

squares = []
rank2 = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))
for name, a, b, rcond in [
    ("tall", rng.standard_normal((6, 3)), rng.standard_normal(6), None),
    ("wide", rng.standard_normal((3, 6)), rng.standard_normal((3, 2)), None),
    ("square", rng.standard_normal((4, 4)), rng.standard_normal((4, 2)), None),
    ("rank 2", rank2, rng.standard_normal((6, 2)), None),
    ("rank 2, wide", rank2.T, rng.standard_normal(4), None),
    ("ones", np.ones((3, 2)), np.array([1.0, 2, 6]), None),
    ("zero", np.zeros((3, 2)), np.array([1.0, 2, 6]), None),
    ("cut", np.diag([1.0, 0.1, 0.01]), np.array([1.0, 2, 3]), 0.05),
    ("kept", np.diag([1.0, 0.125, 0.01]), np.array([1.0, 2, 3]), 0.125),
    ("negative rcond", hilbert, np.ones(6), -1.0),
    ("without columns", np.zeros((3, 0)), np.array([1.0, 2, 6]), None),
]:
    entry = {"name": name, "a": array(a), "b": array(b), "rcond": rcond}
    for dtype in ["float64", "float32"]:
        x, y = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
        outs = jnp.linalg.lstsq(x, y, rcond=rcond)
        entry[dtype] = dict(zip(["x", "residuals", "rank", "s"], map(array, outs)))
        entry[dtype]["rank"]["dtype"] = "int32"

        def total(x, y):
            solution, residuals, _, s = jnp.linalg.lstsq(x, y, rcond=rcond)
            return jnp.sum(jnp.sin(solution)) + jnp.sum(residuals) + jnp.sum(s)

        if name in ("tall", "wide", "square"):
            entry[dtype]["gradients"] = [array(g) for g in jax.grad(total, (0, 1))(x, y)]
    squares.append(entry)

out = {
    "constants": {"u": array(U), "b": array(B)},
    "derivatives": derivatives,
    "values": values,
    "conditions": conditions,
    "exponentials": exponentials,
    "topK": top,
    "leastSquares": squares,
}
path = pathlib.Path(__file__).parent.parent / "fixtures" / "spectral.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
