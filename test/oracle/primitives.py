"""Freezes what JAX computes for movement and linear algebra: python primitives.py writes ../fixtures/primitives.json."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.lax import linalg as ll

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(0)


def array(x):
    x = np.asarray(x)
    names = {"nan": None, "inf": "Infinity", "-inf": "-Infinity"}
    flat = [names.get(str(v), v) for v in x.ravel().tolist()]
    return {"shape": list(x.shape), "dtype": str(x.dtype), "data": flat}


def linear(f, *primals):
    """Value, a jvp along fixed tangents and the vjp of a fixed cotangent, for the floating outputs."""
    tangents = [rng.standard_normal(np.shape(p)) for p in primals]
    outs, dots = jax.jvp(f, primals, tuple(tangents))
    outs, dots = jax.tree.leaves(outs), jax.tree.leaves(dots)
    keep = [i for i, o in enumerate(outs) if jnp.issubdtype(o.dtype, jnp.floating)]
    floating = lambda *xs: [jax.tree.leaves(f(*xs))[i] for i in keep]
    cts = [rng.standard_normal(outs[i].shape) for i in keep]
    back = jax.vjp(floating, *primals)[1]([jnp.asarray(c) for c in cts])
    return {
        "primals": [array(p) for p in primals],
        "tangents": [array(t) for t in tangents],
        "cotangents": [array(c) for c in cts],
        "outs": [array(o) for o in outs],
        "jvp": [array(dots[i]) for i in keep],
        "vjp": [array(b) for b in back],
    }


out = {}

# Gather and scatter: rows inside, outside on both sides, repeated.
x = rng.standard_normal((4, 5))
rows = np.array([[1], [7], [-2], [1], [3]], np.int32)
corners = np.array([[0, 0], [3, 3], [2, 1], [-1, 2], [0, 1]], np.int32)
gathers = []
for mode in ["clip", "fill"]:
    for indices, offset, collapsed, index_map, sizes in [
        (rows, (1,), (0,), (0,), (1, 5)),
        (rows, (0,), (1,), (1,), (4, 1)),
        (corners, (1, 2), (), (0, 1), (2, 3)),
        (corners, (), (0, 1), (0, 1), (1, 1)),
    ]:
        dims = lax.GatherDimensionNumbers(offset, collapsed, index_map)
        f = lambda x: lax.gather(x, indices, dims, sizes, mode=mode)
        case = linear(f, x)
        case.update(
            indices=array(indices),
            options={"offsetDims": offset, "collapsedSliceDims": collapsed, "startIndexMap": index_map, "sliceSizes": sizes, "mode": mode},
        )
        gathers.append(case)
out["gather"] = gathers

scatters = []
for name, f in [("set", lax.scatter), ("add", lax.scatter_add), ("min", lax.scatter_min), ("max", lax.scatter_max)]:
    # JAX's own derivative of min and max gives infinities where it moves an index inside.
    for mode in ["clip", "fill"] if name in ("set", "add") else ["fill"]:
        for indices, window, inserted, index_map, shape in [
            (rows, (1,), (0,), (0,), (5, 5)),
            (corners, (1, 2), (), (0, 1), (5, 2, 3)),
            (corners, (), (0, 1), (0, 1), (5,)),
        ]:
            dims = lax.ScatterDimensionNumbers(window, inserted, index_map)
            updates = np.round(rng.standard_normal(shape) * 2) / 2
            operand = np.round(x * 2) / 2
            g = lambda x, u: f(x, indices, u, dims, mode=mode)
            case = linear(g, operand, updates)
            case.update(
                op=name,
                indices=array(indices),
                options={"updateWindowDims": window, "insertedWindowDims": inserted, "scatterDimsToOperandDims": index_map, "mode": mode},
            )
            scatters.append(case)
unique = np.array([[3], [0], [2]], np.int32)
dims = lax.ScatterDimensionNumbers((1,), (0,), (0,))
case = linear(lambda x, u: lax.scatter_mul(x, unique, u, dims, unique_indices=True), x, rng.standard_normal((3, 5)))
case.update(op="mul", indices=array(unique), options={"updateWindowDims": (1,), "insertedWindowDims": (0,), "scatterDimsToOperandDims": (0,)})
scatters.append(case)
out["scatter"] = scatters

out["pad"] = [
    dict(linear(lambda x, v: lax.pad(x, v, config), x, np.float64(0.7)), config=config)
    for config in [
        [(1, 2, 0), (0, 0, 3)],
        [(-1, 1, 2), (2, -3, 0)],
        [(-2, -1, 1), (-1, -1, 1)],
        [(-5, 2, 0), (0, 0, 0)],
    ]
]

# Indexing as NumPy does it: a list is a slice, {"array": …} an index array.
cube = rng.standard_normal((3, 4, 5))
a2, b2 = np.array([0, 2, -1]), np.array([[1], [2]])


def encode(entry):
    if isinstance(entry, slice):
        return [entry.start, entry.stop, entry.step]
    if entry is Ellipsis:
        return "..."
    return {"array": array(entry.astype(np.int32))} if isinstance(entry, np.ndarray) else entry


indexing = []
full = slice(None)
for index in [
    (1,), (-1, 2, 3), (Ellipsis, 0), (slice(1, None), slice(None, -1), slice(None, None, 2)), (full, slice(None, None, -1)),
    (full, slice(3, 0, -2), 1), (None, 0, None, full), (slice(5, 9),), (a2,), (full, a2), (full, full, a2), (a2, a2), (a2, full, a2),
    (0, full, a2), (a2, b2), (full, b2, 1), (full, 1, a2), (a2, None, 2), (b2, slice(1, 3), a2), (Ellipsis, a2), (slice(0, 3, 2), a2),
    (a2, slice(None, None, -1), a2), (np.array([], np.int32),), (np.array(2),), (np.array(1), full, a2), (slice(None, None, 2), np.array(1)),
]:
    part = jnp.asarray(cube)[index]
    values = rng.standard_normal(part.shape)
    case = {"index": [encode(e) for e in index], "part": array(part), "values": array(values)}
    for op in ["set", "add", "mul", "min", "max"]:
        case[op] = array(getattr(jnp.asarray(cube).at[index], op if op in ("set", "add", "min", "max") else "multiply")(values))
    indexing.append(case)
out["indexing"] = {"x": array(cube), "cases": indexing}

# Linear algebra
def spd(*shape):
    m = rng.standard_normal(shape)
    return m @ np.swapaxes(m, -1, -2) + np.eye(shape[-1])


out["cholesky"] = [linear(lambda a: ll.cholesky(a), a) for a in [spd(1, 1), spd(4, 4), spd(2, 3, 3), rng.standard_normal((4, 4)) @ np.eye(4) + spd(4, 4) * 3]]
out["lu"] = [linear(ll.lu, rng.standard_normal(s)) for s in [(1, 1), (4, 4), (5, 3), (3, 5), (2, 3, 3)]]
out["qr"] = [dict(linear(lambda a: ll.qr(a, full_matrices=False), rng.standard_normal(s)), full=False) for s in [(1, 1), (4, 4), (5, 3), (2, 3, 3)]]
out["qr"] += [dict(linear(lambda a: ll.qr(a), rng.standard_normal((4, 4))), full=True)]
out["qrValues"] = []
for shape in [(5, 3), (3, 5)]:
    a = rng.standard_normal(shape)
    out["qrValues"].append({"x": array(a), "outs": [array(o) for o in ll.qr(a, full_matrices=True)]})
triangular = []
for left in [True, False]:
    for lower in [True, False]:
        for transpose in [True, False]:
            for unit in [True, False]:
                a = rng.standard_normal((2, 4, 4)) + 3 * np.eye(4)
                b = rng.standard_normal((2, 4, 3) if left else (2, 3, 4))
                f = lambda a, b: ll.triangular_solve(a, b, left_side=left, lower=lower, transpose_a=transpose, unit_diagonal=unit)
                triangular.append(dict(linear(f, a, b), options={"leftSide": left, "lower": lower, "transposeA": transpose, "unitDiagonal": unit}))
out["triangularSolve"] = triangular
hessian = jax.hessian(lambda a: jnp.sum(jnp.log(jnp.diagonal(ll.cholesky(a)))))
a = spd(3, 3)
out["logDeterminant"] = {"x": array(a), "hessian": array(hessian(a))}

target = pathlib.Path(__file__).parent / ".." / "fixtures" / "primitives.json"
target.write_text(json.dumps(out, allow_nan=False))
print(target.stat().st_size, "bytes")
