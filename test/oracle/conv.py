"""Freezes what JAX computes for convolutions and pooling: python conv.py writes ../fixtures/conv.json."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(3)


def array(x):
    x = np.asarray(x)
    names = {"nan": None, "inf": "Infinity", "-inf": "-Infinity"}
    flat = [names.get(str(v), round(v, 14) if isinstance(v, float) else v) for v in x.ravel().tolist()]
    return {"shape": list(x.shape), "dtype": str(x.dtype), "data": flat}


def draw(shape, dtype=np.float64):
    return np.round(rng.standard_normal(shape), 4).astype(dtype)


def linear(f, *primals):
    """Value, a jvp along fixed tangents and the vjp of a fixed cotangent."""
    tangents = [draw(np.shape(p), p.dtype) for p in primals]
    out, dot = jax.jvp(f, primals, tuple(tangents))
    ct = draw(out.shape, out.dtype)
    back = jax.vjp(f, *primals)[1](jnp.asarray(ct))
    return {
        "primals": [array(p) for p in primals],
        "tangents": [array(t) for t in tangents],
        "cotangents": [array(ct)],
        "outs": [array(out)],
        "jvp": [array(dot)],
        "vjp": [array(b) for b in back],
    }


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def options_of(kwargs):
    return {camel(k): v for k, v in kwargs.items()}


out = {}
nhwc = ("NHWC", "HWIO", "NHWC")
convs = []
for x, w, kw in [
    ((2, 3, 8), (4, 3, 3), dict(window_strides=[1], padding="SAME")),
    ((2, 3, 8), (4, 3, 4), dict(window_strides=[3], padding="SAME")),
    ((2, 3, 8), (4, 3, 4), dict(window_strides=[1], padding="SAME_LOWER")),
    ((2, 9, 3), (4, 3, 2), dict(window_strides=[2], padding="VALID", dimension_numbers=("NHC", "HIO", "NHC"))),
    ((2, 5, 3), (4, 3, 2), dict(window_strides=[2], padding=[(2, 3)], lhs_dilation=[3], rhs_dilation=[2], dimension_numbers=("NHC", "HIO", "NHC"))),
    ((2, 6, 7, 3), (3, 2, 3, 5), dict(window_strides=[1, 1], padding="VALID", dimension_numbers=nhwc)),
    ((2, 6, 7, 3), (3, 2, 3, 5), dict(window_strides=[2, 3], padding="SAME", dimension_numbers=nhwc)),
    ((2, 6, 7, 3), (1, 1, 3, 5), dict(window_strides=[1, 1], padding="SAME", dimension_numbers=nhwc)),
    ((2, 6, 7, 3), (6, 7, 3, 5), dict(window_strides=[1, 1], padding="VALID", dimension_numbers=nhwc)),
    ((2, 3, 6, 7), (4, 3, 2, 3), dict(window_strides=[2, 2], padding=[(1, 2), (0, 1)])),
    ((2, 3, 6, 7), (4, 3, 2, 3), dict(window_strides=[1, 2], padding=[(-1, 2), (3, -2)])),
    ((2, 3, 6, 7), (4, 3, 2, 3), dict(window_strides=[1, 1], padding=[(1, 1), (4, 2)], rhs_dilation=[2, 3])),
    ((2, 3, 4, 3), (4, 3, 2, 3), dict(window_strides=[2, 1], padding=[(1, 1), (2, 2)], lhs_dilation=[3, 2])),
    ((6, 2, 7, 3), (2, 3, 4, 3), dict(window_strides=[1, 1], padding="SAME", dimension_numbers=("HNWC", "WIOH", "CHWN"))),
    ((3, 2, 7, 4), (2, 5, 3, 4), dict(window_strides=[2, 1], padding=[(1, 0), (2, 1)], dimension_numbers=("CNWH", "HOIW", "WCNH"))),
    ((2, 5, 6, 4), (3, 3, 2, 6), dict(window_strides=[1, 1], padding="SAME", dimension_numbers=nhwc, feature_group_count=2)),
    ((2, 5, 6, 4), (3, 3, 1, 4), dict(window_strides=[1, 1], padding="SAME", dimension_numbers=nhwc, feature_group_count=4)),
    ((2, 5, 6, 4), (3, 2, 1, 8), dict(window_strides=[2, 1], padding="SAME", dimension_numbers=nhwc, feature_group_count=4, rhs_dilation=[1, 2])),
    ((2, 4, 5, 6), (4, 1, 3, 3), dict(window_strides=[1, 1], padding="SAME", feature_group_count=4)),
    ((2, 4, 5, 6), (6, 2, 3, 2), dict(window_strides=[1, 2], padding="SAME", feature_group_count=2)),
    ((6, 5, 4, 2), (3, 3, 2, 6), dict(window_strides=[1, 1], padding="SAME", dimension_numbers=nhwc, batch_group_count=3)),
    ((3, 5, 4, 2), (2, 3, 2, 3), dict(window_strides=[1, 2], padding="VALID", dimension_numbers=nhwc, batch_group_count=3)),
    ((4, 2, 5, 4), (4, 2, 3, 2), dict(window_strides=[1, 1], padding="VALID", batch_group_count=2)),
    ((1, 2, 4, 5, 3), (3, 2, 2, 3, 2), dict(window_strides=[1, 2, 1], padding="SAME")),
    ((1, 4, 5, 3, 2), (2, 3, 2, 2, 3), dict(window_strides=[1, 1, 1], padding="VALID", dimension_numbers=("NHWDC", "HWDIO", "NHWDC"))),
    ((3, 4), (5, 4), dict(window_strides=[], padding=[])),
    ((0, 3, 5), (4, 3, 3), dict(window_strides=[1], padding="VALID")),
    ((2, 3, 2), (4, 3, 3), dict(window_strides=[1], padding="VALID")),
    ((2, 0, 5), (4, 0, 3), dict(window_strides=[1], padding="VALID")),
]:
    kwargs = dict(kw)
    f = lambda x, w: lax.conv_general_dilated(x, w, **kwargs)
    convs.append(dict(linear(f, draw(x), draw(w)), options=options_of(kwargs)))
out["conv"] = convs

single = []
for case in [5, 6, 9, 15, 16]:
    c = convs[case]
    kwargs = {k: v for k, v in c["options"].items()}
    back = {"windowStrides": "window_strides", "dimensionNumbers": "dimension_numbers", "featureGroupCount": "feature_group_count"}
    kwargs = {back.get(k, k): v for k, v in kwargs.items()}
    x, w = [draw(p["shape"], np.float32) for p in c["primals"]]
    f = lambda x, w: lax.conv_general_dilated(x, w, **kwargs)
    single.append(dict(linear(f, x, w), options=c["options"]))
out["convSingle"] = single

integers = rng.integers(-9, 9, (2, 3, 5)).astype(np.int32), rng.integers(-9, 9, (4, 3, 2)).astype(np.int32)
out["convIntegers"] = {
    "primals": [array(v) for v in integers],
    "out": array(lax.conv_general_dilated(*integers, [1], "SAME")),
}

transposed = []
for x, w, kw in [
    ((2, 4, 3), (3, 3, 2), dict(strides=[2], padding="SAME")),
    ((2, 4, 3), (2, 3, 2), dict(strides=[3], padding="VALID")),
    ((2, 4, 3), (5, 3, 2), dict(strides=[2], padding="VALID", rhs_dilation=[2])),
    ((2, 4, 5, 3), (3, 3, 3, 2), dict(strides=[2, 2], padding="SAME")),
    ((2, 4, 5, 3), (3, 4, 3, 2), dict(strides=[1, 3], padding="SAME")),
    ((2, 4, 5, 2), (3, 3, 3, 2), dict(strides=[2, 2], padding="SAME", transpose_kernel=True)),
    ((2, 3, 4, 5), (3, 2, 3, 3), dict(strides=[2, 1], padding=[(1, 2), (0, 1)], dimension_numbers=("NCHW", "IOHW", "NCHW"))),
    ((1, 2, 3, 2, 2), (2, 2, 3, 2, 3), dict(strides=[2, 1, 2], padding="SAME")),
    ((3, 4), (4, 5), dict(strides=[], padding="VALID")),
]:
    kwargs = dict(kw)
    f = lambda x, w: lax.conv_transpose(x, w, **kwargs)
    transposed.append(dict(linear(f, draw(x), draw(w)), options=options_of(kwargs)))
out["convTranspose"] = transposed

# Second derivatives: the gradient of the sum of squares of the gradient in the kernel.
x, w = draw((2, 5, 5, 2)), draw((3, 3, 2, 3))
f = lambda x, w: jnp.sum(jnp.sin(lax.conv_general_dilated(x, w, [2, 1], "SAME", dimension_numbers=nhwc)))
g = lambda x, w: jnp.sum(jax.grad(f, 1)(x, w) ** 2)
gx, gw = jax.grad(g, (0, 1))(x, w)
out["second"] = {"x": array(x), "w": array(w), "gx": array(gx), "gw": array(gw)}

windows = []
for op in ["add", "max", "min"]:
    for x, dims, strides, padding, kw in [
        ((2, 6, 7, 3), (1, 2, 2, 1), (1, 2, 2, 1), "VALID", {}),
        ((2, 6, 7, 3), (1, 3, 3, 1), (1, 2, 2, 1), "SAME", {}),
        ((2, 3, 6, 5), (1, 1, 3, 2), (1, 1, 1, 1), "SAME_LOWER", {}),
        ((9,), (3,), (2,), [(2, 1)], dict(base_dilation=(2,), window_dilation=(2,))),
        ((4, 5), (2, 2), (1, 1), [(0, 1), (1, 0)], dict(window_dilation=(2, 1))),
        ((4, 7), (1, 7), (1, 1), "VALID", {}),
        ((9, 9), (7, 7), (1, 1), "SAME", {}),
        ((2,), (3,), (1,), "VALID", {}),
        ((0, 4), (1, 2), (1, 1), "VALID", {}),
    ]:
        init = {"add": 0.0, "max": -np.inf, "min": np.inf}[op]
        f = lambda x: lax.reduce_window(x, init, getattr(lax, op), dims, strides, padding, **kw)
        # JAX has no derivative of max and min with a base dilation.
        data = np.unique(draw(np.prod(x, dtype=int) * 4 + 8))
        data = rng.permutation(data)[: int(np.prod(x))].reshape(x)
        options = dict(windowDimensions=dims, windowStrides=strides, padding=padding, **options_of(kw))
        try:
            windows.append(dict(linear(f, data), op=op, options=options))
        except Exception as e:
            print("value only:", op, x, type(e).__name__, str(e)[:80])
            windows.append(dict(primals=[array(data)], outs=[array(f(data))], op=op, options=options))
out["reduceWindow"] = windows

# Ties: the first maximum of a window takes the gradient.
ties = np.array([[1.0, 2, 2, 0], [2, 2, 1, 1], [0, 0, 0, 0], [0, 0, -np.inf, -np.inf]])
f = lambda x: jnp.sum(lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 2), "SAME") * jnp.arange(1.0, 9).reshape(4, 2))
out["ties"] = {"x": array(ties), "gradient": array(jax.grad(f)(ties))}

data = np.arange(-8, 8, dtype=np.int32).reshape(4, 4)
out["integerWindows"] = {
    "x": array(data),
    "add": array(lax.reduce_window(data, np.int32(0), lax.add, (2, 2), (1, 1), "SAME")),
    "max": array(lax.reduce_window(data, np.int32(-(2**31)), lax.max, (2, 2), (1, 1), "SAME")),
    "started": array(lax.reduce_window(data, np.int32(3), lax.add, (2, 2), (1, 1), "SAME")),
    "startedMax": array(lax.reduce_window(data, np.int32(1), lax.max, (2, 2), (2, 2), "SAME")),
}

pools = []
try:
    import flax.linen as nn
except ImportError:
    nn = None
for kind, x, window, strides, padding, extra in [
    ("max", (2, 6, 6, 3), (2, 2), (2, 2), "VALID", {}),
    ("max", (2, 5, 6, 3), (3, 2), None, "SAME", {}),
    ("avg", (2, 6, 6, 3), (2, 2), (2, 2), "VALID", {}),
    ("avg", (2, 5, 6, 3), (3, 2), (2, 1), "SAME", {}),
    ("avg", (2, 5, 6, 3), (3, 3), (2, 2), "SAME", {"count_include_pad": False}),
    ("avg", (5, 6, 3), (2, 2), (1, 1), "VALID", {}),
    ("avg", (2, 7, 3), (3,), (2,), ((1, 2),), {"count_include_pad": False}),
    ("min", (2, 6, 6, 3), (2, 2), (2, 2), "SAME", {}),
]:
    data = rng.permutation(np.arange(np.prod(x, dtype=float)) / 7).reshape(x)

    def f(v, kind=kind, window=window, strides=strides, padding=padding, extra=extra):
        if nn is not None:
            return {"max": nn.max_pool, "avg": nn.avg_pool, "min": nn.min_pool}[kind](v, window, strides, padding, **extra)
        single = v.ndim == len(window) + 1
        v = v[None] if single else v
        dims, steps = (1,) + tuple(window) + (1,), (1,) + tuple(strides or (1,) * len(window)) + (1,)
        pads = padding if isinstance(padding, str) else ((0, 0),) + tuple(padding) + ((0, 0),)
        init, op = {"max": (-np.inf, lax.max), "avg": (0.0, lax.add), "min": (np.inf, lax.min)}[kind]
        y = lax.reduce_window(v, init, op, dims, steps, pads)
        if kind == "avg":
            if extra.get("count_include_pad", True):
                y = y / np.prod(window)
            else:
                y = y / lax.reduce_window(jnp.ones_like(v), 0.0, lax.add, dims, steps, pads)
        return y[0] if single else y

    options = {"padding": padding, **options_of(extra)}
    if strides:
        options["strides"] = strides
    pools.append(dict(linear(f, data), kind=kind, window=window, options=options))
out["pool"] = pools

sliding = []
for n, m in [(7, 3), (3, 7), (5, 5), (6, 1), (4, 2), (2, 5)]:
    for mode in ["full", "same", "valid"]:
        for name in ["convolve", "correlate"]:
            f = lambda a, b: getattr(jnp, name)(a, b, mode=mode)
            sliding.append(dict(linear(f, draw(n), draw(m)), name=name, mode=mode))
out["sliding"] = sliding

path = pathlib.Path(__file__).parent.parent / "fixtures" / "conv.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path.stat().st_size)
