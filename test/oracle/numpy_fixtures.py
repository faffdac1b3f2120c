"""Writes test/fixtures/numpy.json and print.json: calls with inputs, and what JAX and NumPy answer.

Run with a Python that has jax: python test/oracle/numpy_fixtures.py
"""

import json
import math
import os

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import jax.scipy.special as jsp
import numpy as onp

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fixtures')
cases = []


def plain(x):
    if isinstance(x, (list, tuple)):
        return [plain(y) for y in x]
    if isinstance(x, (bool, onp.bool_)):
        return bool(x)
    if isinstance(x, (int, onp.integer)):
        return int(x)
    x = float(x)
    if math.isnan(x):
        return 'nan'
    if math.isinf(x):
        return 'inf' if x > 0 else '-inf'
    return x


def encode(x):
    if isinstance(x, (onp.ndarray, jax.Array)):
        x = onp.asarray(x)
        return {'array': plain(x.tolist()), 'dtype': str(x.dtype), 'shape': list(x.shape)}
    if isinstance(x, (list, tuple)):
        return [encode(y) for y in x]
    if isinstance(x, dict):
        return {k: encode(v) for k, v in x.items()}
    if isinstance(x, str) or x is None:
        return x
    return plain(x)


def case(name, expected, *args, **options):
    entry = {'call': name, 'args': [encode(a) for a in args], 'expected': encode(expected)}
    if options:
        entry['options'] = {k: encode(v) for k, v in options.items()}
    cases.append(entry)


def F(*v, shape=None):
    a = onp.array(v, dtype=onp.float32)
    return a if shape is None else a.reshape(shape)


def I(*v, shape=None, dtype=onp.int32):
    a = onp.array(v, dtype=dtype)
    return a if shape is None else a.reshape(shape)


nan, inf = float('nan'), float('inf')
rng = onp.random.default_rng(0)
X = rng.uniform(-3, 3, (3, 4)).astype(onp.float32)
Y = rng.uniform(-3, 3, (3, 4)).astype(onp.float32)
P = rng.uniform(0.2, 3, (3, 4)).astype(onp.float32)
U = rng.uniform(-0.9, 0.9, (3, 4)).astype(onp.float32)
V = rng.uniform(-3, 3, 7).astype(onp.float32)
T = rng.uniform(-3, 3, (2, 3, 4)).astype(onp.float32)
N = rng.integers(-9, 9, (3, 4)).astype(onp.int32)
M = rng.integers(1, 9, (3, 4)).astype(onp.int32)
W = rng.integers(0, 30, (3, 4)).astype(onp.uint32)
B = onp.array([[True, False, True, False], [False, False, True, True], [True, True, True, True]])
C = onp.array([[True, True, False, False], [False, True, True, False], [True, False, True, False]])
S = F(0.0, -0.0, 1.5, -2.5, 0.5, inf, -inf, nan)

# Unary functions
for js, f, x in [
    ('abs', jnp.abs, X), ('abs', jnp.abs, N), ('negative', jnp.negative, X), ('sign', jnp.sign, S), ('sign', jnp.sign, N),
    ('sqrt', jnp.sqrt, P), ('cbrt', jnp.cbrt, X), ('square', jnp.square, X), ('square', jnp.square, N),
    ('reciprocal', jnp.reciprocal, P), ('exp', jnp.exp, X), ('exp', jnp.exp, N), ('exp2', jnp.exp2, X),
    ('expm1', jnp.expm1, X), ('log', jnp.log, P), ('log2', jnp.log2, P), ('log10', jnp.log10, P), ('log1p', jnp.log1p, P),
    ('sin', jnp.sin, X), ('cos', jnp.cos, X), ('tan', jnp.tan, U), ('arcsin', jnp.arcsin, U), ('arccos', jnp.arccos, U),
    ('arctan', jnp.arctan, X), ('sinh', jnp.sinh, X), ('cosh', jnp.cosh, X), ('tanh', jnp.tanh, X),
    ('arcsinh', jnp.arcsinh, X), ('arccosh', jnp.arccosh, P + 1), ('arctanh', jnp.arctanh, U),
    ('floor', jnp.floor, S), ('ceil', jnp.ceil, S), ('trunc', jnp.trunc, S), ('rint', jnp.rint, S),
    ('round', jnp.round, F(0.5, 1.5, 2.5, -0.5, 1.4, -1.6)), ('isnan', jnp.isnan, S), ('isinf', jnp.isinf, S), ('isfinite', jnp.isfinite, S),
    ('isposinf', jnp.isposinf, S), ('isneginf', jnp.isneginf, S), ('isnan', jnp.isnan, N), ('signbit', jnp.signbit, S), ('logicalNot', jnp.logical_not, X), ('logicalNot', jnp.logical_not, B),
    ('bitwiseNot', jnp.bitwise_not, N), ('invert', jnp.invert, B), ('bitwiseCount', lambda w: jnp.bitwise_count(w).astype(w.dtype), W), ('deg2rad', jnp.deg2rad, X), ('rad2deg', jnp.rad2deg, X),
    ('sinc', jnp.sinc, F(0, 0.001, 0.5, 1, -1.5)), ('nanToNum', jnp.nan_to_num, S), ('fabs', jnp.fabs, X), ('positive', jnp.positive, X),
]:
    case(js, f(x), x)
case('round', jnp.round(X, 2), X, decimals=2)
case('round', jnp.round(X * 100, -1), X * 100, decimals=-1)
case('nanToNum', jnp.nan_to_num(S, nan=1.0, posinf=2.0, neginf=3.0), S, nan=1.0, posinf=2.0, neginf=3.0)

# Binary functions
for js, f, x, y in [
    ('add', jnp.add, X, Y), ('add', jnp.add, X, N), ('add', jnp.add, B, C), ('add', jnp.add, N, W), ('subtract', jnp.subtract, X, Y[0]),
    ('subtract', jnp.subtract, N, M), ('multiply', jnp.multiply, X, Y[:, :1]), ('multiply', jnp.multiply, B, C), ('divide', jnp.divide, X, Y), ('divide', jnp.divide, N, M),
    ('floorDivide', jnp.floor_divide, X, Y), ('floorDivide', jnp.floor_divide, N, M), ('floorDivide', jnp.floor_divide, N, -M), ('floorDivide', jnp.floor_divide, W, M.astype(onp.uint32)),
    ('mod', jnp.mod, X, Y), ('mod', jnp.mod, N, M), ('mod', jnp.mod, N, -M), ('remainder', jnp.remainder, X, Y), ('fmod', jnp.fmod, X, Y),
    ('power', jnp.power, P, X), ('power', jnp.power, N, M % 4), ('power', jnp.power, P, N), ('floatPower', jnp.float_power, P, X),
    ('arctan2', jnp.arctan2, X, Y), ('hypot', jnp.hypot, X, Y), ('maximum', jnp.maximum, X, Y), ('minimum', jnp.minimum, X, Y), ('maximum', jnp.maximum, B, C),
    ('maximum', jnp.maximum, S, F(1, 1, nan, 0, 0, 0, 0, 0)), ('fmax', jnp.fmax, S, F(1, 1, nan, 0, 0, 0, 0, 0)), ('fmin', jnp.fmin, S, F(1, 1, nan, 0, 0, 0, 0, 0)),
    ('equal', jnp.equal, N, M), ('notEqual', jnp.not_equal, N, M), ('less', jnp.less, X, Y), ('lessEqual', jnp.less_equal, X, Y), ('greater', jnp.greater, X, Y), ('greaterEqual', jnp.greater_equal, X, Y),
    ('logicalAnd', jnp.logical_and, N, B), ('logicalOr', jnp.logical_or, B, C), ('logicalXor', jnp.logical_xor, B, C),
    ('bitwiseAnd', jnp.bitwise_and, N, M), ('bitwiseOr', jnp.bitwise_or, N, M), ('bitwiseXor', jnp.bitwise_xor, B, C),
    ('leftShift', jnp.left_shift, M, M), ('rightShift', jnp.right_shift, N, M), ('rightShift', jnp.right_shift, W, M.astype(onp.uint32)),
    ('logaddexp', jnp.logaddexp, X * 20, Y), ('logaddexp2', jnp.logaddexp2, X, Y), ('heaviside', jnp.heaviside, S, F(0.5)), ('copysign', jnp.copysign, X, Y),
    ('logaddexp', jnp.logaddexp, F(-inf, inf, -inf), F(-inf, inf, 1)),
]:
    case(js, f(x, y), x, y)
case('power', jnp.power(X, 3), X, 3)
case('power', jnp.power(P, -2), P, -2)
case('power', jnp.power(N, 2), N, 2)
case('power', jnp.power(P, 0.5), P, 0.5)
case('add', jnp.add(N, 2), N, 2)
case('add', jnp.add(N, 0.5), N, 0.5)
case('clip', jnp.clip(X, -1, 1), X, -1, 1)
case('clip', jnp.clip(X, None, 1), X, None, 1)
case('where', jnp.where(B, X, Y), B, X, Y)
case('where', jnp.where(B, X, 0), B, X, 0)
case('where', jnp.where(B[0], N, 2), B[0], N, 2)

# Reductions
for js, f in [('sum', jnp.sum), ('prod', jnp.prod), ('mean', jnp.mean), ('var', jnp.var), ('std', jnp.std), ('max', jnp.max), ('min', jnp.min), ('ptp', jnp.ptp),
              ('median', jnp.median), ('any', jnp.any), ('all', jnp.all)]:
    case(js, f(X), X)
    case(js, f(X, axis=0), X, axis=0)
    case(js, f(T, axis=(0, 2)), T, axis=[0, 2])
    case(js, f(T, axis=-1, keepdims=True), T, axis=-1, keepdims=True)
for js, f in [('sum', jnp.sum), ('prod', jnp.prod), ('mean', jnp.mean), ('max', jnp.max), ('var', jnp.var), ('cumsum', jnp.cumsum), ('argmax', jnp.argmax), ('countNonzero', jnp.count_nonzero), ('median', jnp.median)]:
    case(js, f(N), N)
for js, f in [('sum', jnp.sum), ('mean', jnp.mean), ('any', jnp.any), ('all', jnp.all), ('max', jnp.max), ('argmax', jnp.argmax)]:
    case(js, f(B), B)
    case(js, f(B, axis=1), B, axis=1)
case('var', jnp.var(X, axis=1, ddof=1), X, axis=1, ddof=1)
case('std', jnp.std(X, ddof=1), X, ddof=1)
case('sum', jnp.sum(X, where=B), X, where=B)
case('mean', jnp.mean(X, axis=0, where=B), X, axis=0, where=B)
for js, f in [('argmax', jnp.argmax), ('argmin', jnp.argmin)]:
    case(js, f(X), X)
    case(js, f(X, axis=1), X, axis=1)
    case(js, f(X, axis=0, keepdims=True), X, axis=0, keepdims=True)
    case(js, f(S), S)
case('cumsum', jnp.cumsum(X, axis=1), X, axis=1)
case('cumprod', jnp.cumprod(X, axis=0), X, axis=0)
case('average', jnp.average(X, axis=1, weights=P), X, axis=1, weights=P)
case('average', jnp.average(X, axis=0, weights=F(1, 2, 3)), X, axis=0, weights=F(1, 2, 3))
Z = onp.where(B, X, onp.float32(nan))
for js, f in [('nansum', jnp.nansum), ('nanprod', jnp.nanprod), ('nanmean', jnp.nanmean), ('nanmax', jnp.nanmax), ('nanmin', jnp.nanmin), ('nanvar', jnp.nanvar), ('nanstd', jnp.nanstd)]:
    case(js, f(Z, axis=0), Z, axis=0)
    case(js, f(Z), Z)
case('nanmax', jnp.nanmax(F(nan, nan)), F(nan, nan))
case('median', jnp.median(F(3, nan, 1)), F(3, nan, 1))
case('median', jnp.median(F(3, inf, 1, inf)), F(3, inf, 1, inf))
for method in ['linear', 'lower', 'higher', 'midpoint', 'nearest']:
    case('quantile', jnp.quantile(V, 0.3, method=method), V, 0.3, method=method)
case('quantile', jnp.quantile(X, jnp.array([0.1, 0.5, 0.9]), axis=1), X, [0.1, 0.5, 0.9], axis=1)
case('quantile', jnp.quantile(X, jnp.array([0.1, 0.5]), axis=0, keepdims=True), X, [0.1, 0.5], axis=0, keepdims=True)
case('percentile', jnp.percentile(X, 25), X, 25)

# Shapes
case('reshape', jnp.reshape(X, (2, -1)), X, [2, -1])
case('ravel', jnp.ravel(X), X)
case('transpose', jnp.transpose(T), T)
case('transpose', jnp.transpose(T, (1, 0, 2)), T, [1, 0, 2])
case('matrixTranspose', jnp.matrix_transpose(T), T)
case('moveaxis', jnp.moveaxis(T, 0, -1), T, 0, -1)
case('moveaxis', jnp.moveaxis(T, (0, 1), (2, 0)), T, [0, 1], [2, 0])
case('swapaxes', jnp.swapaxes(T, 0, 2), T, 0, 2)
case('expandDims', jnp.expand_dims(X, 1), X, 1)
case('expandDims', jnp.expand_dims(X, (0, -1)), X, [0, -1])
case('squeeze', jnp.squeeze(T[:1]), T[:1])
case('squeeze', jnp.squeeze(T[:1, :, :1], axis=0), T[:1, :, :1], axis=0)
case('broadcastTo', jnp.broadcast_to(X, (2, 3, 4)), X, [2, 3, 4])
case('broadcastArrays', list(jnp.broadcast_arrays(X, X[:, :1])), [X, X[:, :1]])
case('flip', jnp.flip(X), X)
case('flip', jnp.flip(X, axis=1), X, axis=1)
case('fliplr', jnp.fliplr(X), X)
case('flipud', jnp.flipud(X), X)
for k in [-1, 0, 1, 2, 3]:
    case('rot90', jnp.rot90(X, k), X, k)
case('atleast1d', jnp.atleast_1d(F(2, shape=())), F(2, shape=()))
case('atleast2d', jnp.atleast_2d(V), V)
case('atleast3d', jnp.atleast_3d(X), X)
case('concatenate', jnp.concatenate([X, Y]), [X, Y])
case('concatenate', jnp.concatenate([X, N], axis=1), [X, N], axis=1)
case('concatenate', jnp.concatenate([X, V], axis=None), [X, V], axis=None)
case('stack', jnp.stack([X, Y]), [X, Y])
case('stack', jnp.stack([X, Y], axis=-1), [X, Y], axis=-1)
case('vstack', jnp.vstack([V, V]), [V, V])
case('hstack', jnp.hstack([X, Y]), [X, Y])
case('hstack', jnp.hstack([V, V]), [V, V])
case('dstack', jnp.dstack([X, Y]), [X, Y])
case('columnStack', jnp.column_stack([V, V]), [V, V])
case('append', jnp.append(X, V), X, V)
case('append', jnp.append(X, Y, axis=0), X, Y, axis=0)
case('split', jnp.split(X, 2, axis=1), X, 2, axis=1)
case('split', jnp.split(V, [2, 3]), V, [2, 3])
case('arraySplit', jnp.array_split(V, 3), V, 3)
case('tile', jnp.tile(X, 2), X, 2)
case('tile', jnp.tile(X, (2, 1, 3)), X, [2, 1, 3])
case('repeat', jnp.repeat(X, 2), X, 2)
case('repeat', jnp.repeat(X, 2, axis=0), X, 2, axis=0)
case('repeat', jnp.repeat(X, onp.array([1, 0, 2]), axis=0), X, [1, 0, 2], axis=0)
case('roll', jnp.roll(X, 2), X, 2)
case('roll', jnp.roll(X, -1, axis=1), X, -1, axis=1)
case('roll', jnp.roll(X, (1, 2), axis=(0, 1)), X, [1, 2], axis=[0, 1])
case('pad', jnp.pad(X, 1), X, 1)
case('pad', jnp.pad(X, ((1, 2), (0, 1)), constant_values=5), X, [[1, 2], [0, 1]], constantValues=5)
for mode in ['edge', 'reflect', 'symmetric', 'wrap']:
    case('pad', jnp.pad(V, (2, 3), mode=mode), V, [2, 3], mode=mode)
    case('pad', jnp.pad(X, ((1, 1), (2, 0)), mode=mode), X, [[1, 1], [2, 0]], mode=mode)
case('blockDiag', jsl.block_diag(X, Y[:1]), [X, Y[:1]])

# Creation
case('zeros', jnp.zeros((2, 3)), [2, 3])
case('ones', jnp.ones(3, dtype=jnp.int32), 3, dtype='int32')
case('full', jnp.full((2,), 7.0), [2], 7)
case('full', jnp.full((2, 3), F(1, 2, 3)), [2, 3], F(1, 2, 3))
case('zerosLike', jnp.zeros_like(N), N)
case('onesLike', jnp.ones_like(X), X)
case('fullLike', jnp.full_like(N, 3), N, 3)
case('eye', jnp.eye(3), 3)
case('eye', jnp.eye(2, 4, k=1), 2, 4, k=1)
case('identity', jnp.identity(2), 2)
case('tri', jnp.tri(3, 4, k=-1), 3, 4, k=-1)
case('arange', jnp.arange(5), 5)
case('arange', jnp.arange(2, 11, 3), 2, 11, 3)
case('arange', jnp.arange(5, 0, -2), 5, 0, -2)
case('arange', jnp.arange(0, 1, 0.3), 0, 1, 0.3)
case('linspace', jnp.linspace(0, 1, 5), 0, 1, 5)
case('linspace', jnp.linspace(2, 3, 4, endpoint=False), 2, 3, 4, endpoint=False)
case('linspace', jnp.linspace(F(0, 1), F(1, 5), 3), F(0, 1), F(1, 5), 3)
case('logspace', jnp.logspace(0, 2, 4), 0, 2, 4)
case('geomspace', jnp.geomspace(1, 64, 4), 1, 64, 4)
case('meshgrid', jnp.meshgrid(F(1, 2, 3), F(4, 5)), [F(1, 2, 3), F(4, 5)])
case('meshgrid', jnp.meshgrid(F(1, 2, 3), F(4, 5), indexing='ij'), [F(1, 2, 3), F(4, 5)], indexing='ij')
case('diag', jnp.diag(V[:3]), V[:3])
case('diag', jnp.diag(V[:3], k=1), V[:3], k=1)
case('diag', jnp.diag(V[:3], k=-2), V[:3], k=-2)
for k in [0, 1, -1, 3, -2]:
    case('diag', jnp.diag(X, k=k), X, k=k)
    case('tril', jnp.tril(X, k=k), X, k=k)
    case('triu', jnp.triu(X, k=k), X, k=k)
case('diagonal', jnp.diagonal(T, axis1=1, axis2=2), T, axis1=1, axis2=2)
case('diagonal', jnp.diagonal(T), T)
case('trace', jnp.trace(X), X)
case('trace', jnp.trace(X, offset=1), X, offset=1)
case('vander', jnp.vander(V[:3]), V[:3])
case('vander', jnp.vander(V[:3], 2, increasing=True), V[:3], n=2, increasing=True)

# Positions and order
case('take', jnp.take(X, I(1, 3, -1)), X, I(1, 3, -1))
case('take', jnp.take(X, I(2, 0), axis=1), X, [2, 0], axis=1)
case('take', jnp.take(X, I(0, 1, 1, 0, shape=(2, 2)), axis=0), X, I(0, 1, 1, 0, shape=(2, 2)), axis=0)
order = onp.argsort(X, axis=1).astype(onp.int32)
case('takeAlongAxis', jnp.take_along_axis(X, order, axis=1), X, order, axis=1)
case('takeAlongAxis', jnp.take_along_axis(X, I(1, 0, 2, 0, shape=(1, 4)), axis=0), X, I(1, 0, 2, 0, shape=(1, 4)), axis=0)
OUT = I(0, 5, -1, -3, -4, 2)
for options in [{}, {'mode': 'clip'}, {'mode': 'wrap'}, {'fill_value': 9.0}]:
    ours = {'fillValue' if k == 'fill_value' else k: v for k, v in options.items()}
    for array in [T, V, I(1, 2, 3), onp.array([True, False]), onp.array([1, 2, 3], onp.uint32)]:
        if 'fillValue' in ours and array.dtype != onp.float32:
            continue
        case('take', jnp.take(array, OUT, **options), array, OUT, **ours)
    case('take', jnp.take(T, OUT, axis=1, **options), T, OUT, axis=1, **ours)
    case('take', jnp.take(X, onp.int32(7), axis=0, **options), X, onp.int32(7), axis=0, **ours)
    case('take', jnp.take(X, onp.int32(-2), axis=1, **options), X, onp.int32(-2), axis=1, **ours)
    if options.get('mode') != 'wrap':
        places = I(0, 3, -1, -4, 7, -9, 1, 2, shape=(2, 4))
        case('takeAlongAxis', jnp.take_along_axis(onp.resize(X, (3, 4)), places, axis=0, **options), onp.resize(X, (3, 4)), places, axis=0, **ours)
        case('takeAlongAxis', jnp.take_along_axis(V, OUT, axis=None, **options), V, OUT, axis=None, **ours)
case('select', jnp.select([X > 1, X > 0], [X, Y], 7.0), [X > 1, X > 0], [X, Y], 7.0)
case('choose', jnp.choose(I(0, 1, 2, 1), [F(1, 2, 3, 4), F(5, 6, 7, 8), F(9, 10, 11, 12)]), I(0, 1, 2, 1), [F(1, 2, 3, 4), F(5, 6, 7, 8), F(9, 10, 11, 12)])
case('searchsorted', jnp.searchsorted(F(1, 2, 2, 3), F(0, 2, 2.5, 9, nan)), F(1, 2, 2, 3), F(0, 2, 2.5, 9, nan))
case('searchsorted', jnp.searchsorted(F(1, 2, 2, 3), F(0, 2, 2.5, 9), side='right'), F(1, 2, 2, 3), F(0, 2, 2.5, 9), side='right')
LONG = onp.sort(rng.uniform(-3, 3, 40)).astype(onp.float32)
LONG[5] = LONG[6]
for side in ['left', 'right']:
    queries = onp.concatenate([V, LONG[[0, 5, 39]], F(-9, 9, nan)])
    case('searchsorted', jnp.searchsorted(LONG, queries, side=side), LONG, queries, side=side)
case('digitize', jnp.digitize(F(0.5, 1, 2.5), F(0, 1, 2)), F(0.5, 1, 2.5), F(0, 1, 2))
case('bincount', jnp.bincount(I(0, 1, 1, 4), length=6), I(0, 1, 1, 4), length=6)
case('bincount', jnp.bincount(I(0, 1, 1, 3), weights=F(1, 2, 3, 4), length=4), I(0, 1, 1, 3), length=4, weights=F(1, 2, 3, 4))
case('unique', jnp.unique(I(3, 1, 3, 2)), I(3, 1, 3, 2))
case('nonzero', list(jnp.nonzero(B)), B)
case('argwhere', jnp.argwhere(B), B)
case('sort', jnp.sort(X), X)
case('sort', jnp.sort(X, axis=0), X, axis=0)
case('sort', jnp.sort(X, axis=None), X, axis=None)
case('sort', jnp.sort(S), S)
case('sort', jnp.sort(N, descending=True), N, descending=True)
case('argsort', jnp.argsort(X), X)
case('argsort', jnp.argsort(N, axis=0), N, axis=0)

# Products
Q = rng.uniform(-2, 2, (4, 5)).astype(onp.float32)
T2 = rng.uniform(-2, 2, (2, 4, 5)).astype(onp.float32)
for js, f, x, y in [
    ('dot', jnp.dot, V, V), ('dot', jnp.dot, X, Q), ('dot', jnp.dot, T, Q), ('dot', jnp.dot, T, T2), ('dot', jnp.dot, X, X[0]), ('dot', jnp.dot, N, M.T),
    ('vdot', jnp.vdot, X, Y), ('inner', jnp.inner, X, Y), ('outer', jnp.outer, V, V[:2]), ('matmul', jnp.matmul, X, Q), ('matmul', jnp.matmul, T, T2), ('matmul', jnp.matmul, T, Q),
    ('matmul', jnp.matmul, X, T2), ('matmul', jnp.matmul, X[0], T2), ('matmul', jnp.matmul, T, X[0]), ('matmul', jnp.matmul, V, V), ('matmul', jnp.matmul, N, Q),
    ('matmul', jnp.matmul, T[:, None], T2[None]), ('kron', jnp.kron, X[:2, :2], Y[:1]), ('kron', jnp.kron, V[:2], X[:2]), ('cross', jnp.cross, X[:, :3], Y[:, :3]), ('vecdot', jnp.vecdot, X, Y),
]:
    case(js, f(x, y), x, y)
case('tensordot', jnp.tensordot(T, T2.transpose(1, 0, 2)[:, :1], axes=1), T, T2.transpose(1, 0, 2)[:, :1], axes=1)
case('tensordot', jnp.tensordot(T, Y), T, Y)
case('tensordot', jnp.tensordot(T, Y, axes=((1, 2), (0, 1))), T, Y, axes=[[1, 2], [0, 1]])
case('tensordot', jnp.tensordot(V, V[:2], axes=0), V, V[:2], axes=0)
A33 = X[:, :3]
for subs, args in [
    ('ij,jk->ik', (X, Q)), ('ij,jk', (X, Q)), ('bij,bjk->bik', (T, T2)), ('ii', (A33,)), ('ii->i', (A33,)), ('ij->ji', (X,)), ('ij->', (X,)), ('ij->j', (X,)),
    ('i,j->ij', (V, V[:2])), ('i,i', (V, V)), ('ij,ij->i', (X, Y)), ('...ij,...jk->...ik', (T, T2)), ('...j,jk', (T, Q)), ('ij,jk,k->i', (X, Q, Q[0])), ('bij,j->ib', (T, X[0])),
    ('iij->j', (T.reshape(2, 2, 6)[:, :, :3],)), ('ba', (X,)), ('i,ij,j', (X[:, 0], X, X[0])), ('a,b,c->cab', (V[:2], V[:3], V[:4])), ('...ij->...', (T,)), ('ij,kj->ik', (X, X[:1])), ('bij,bij->b', (T, T[:1])),
]:
    case('einsum', jnp.einsum(subs, *args), subs, *args)

# Numeric
case('diff', jnp.diff(V), V)
case('diff', jnp.diff(X, n=2, axis=1), X, n=2, axis=1)
case('diff', jnp.diff(V, prepend=0, append=V[:2]), V, prepend=0, append=V[:2])
case('ediff1d', jnp.ediff1d(X), X)
case('gradient', jnp.gradient(V), V)
case('gradient', list(jnp.gradient(X)), X)
case('gradient', jnp.gradient(X, 0.5, axis=1), X, spacing=0.5, axis=1)
case('trapezoid', jnp.trapezoid(X), X)
case('trapezoid', jnp.trapezoid(V, dx=0.5), V, dx=0.5)
case('trapezoid', jnp.trapezoid(X, x=F(0, 1, 4), axis=0), X, x=F(0, 1, 4), axis=0)
case('interp', jnp.interp(F(-1, 0, 0.5, 1.5, 2, 9), F(0, 1, 2), F(3, 2, 5)), F(-1, 0, 0.5, 1.5, 2, 9), F(0, 1, 2), F(3, 2, 5))
case('interp', jnp.interp(F(-1, 0.5, 9), F(0, 1, 2), F(3, 2, 5), left=-7, right=8), F(-1, 0.5, 9), F(0, 1, 2), F(3, 2, 5), left=-7, right=8)
case('polyval', jnp.polyval(F(1, -2, 3), X), F(1, -2, 3), X)
for mode in ['full', 'same', 'valid']:
    for a, b in [(V, V[:3]), (V[:3], V), (V, V[:2]), (V[:2], V), (V[:4], V)]:
        case('convolve', onp.convolve(a, b, mode).astype(onp.float32), a, b, mode=mode)
        case('correlate', onp.correlate(a, b, mode).astype(onp.float32), a, b, mode=mode)
case('cov', jnp.cov(X), X)
case('cov', jnp.cov(X, rowvar=False), X, rowvar=False)
case('cov', jnp.cov(V), V)
case('corrcoef', jnp.corrcoef(X), X)
for options in [{'bins': 4}, {'bins': 3, 'range': (-1, 1)}, {'bins': 50}]:
    counts, edges = jnp.histogram(V, **options)
    case('histogram', [counts.astype(jnp.int32), edges], V, **options)
case('isclose', jnp.isclose(F(1, 1, nan, inf), F(1 + 1e-7, 1.1, nan, inf)), F(1, 1, nan, inf), F(1 + 1e-7, 1.1, nan, inf))
case('isclose', jnp.isclose(F(1, nan), F(1, nan), equal_nan=True), F(1, nan), F(1, nan), equalNan=True)
case('allclose', True, X, X + onp.float32(1e-7))
case('arrayEqual', False, X, Y)

# linalg
G = (X[:, :3] + 3 * onp.eye(3)).astype(onp.float32)
H = rng.uniform(-1, 1, (2, 4, 4)).astype(onp.float32) + 3 * onp.eye(4, dtype=onp.float32)
SPD = (H @ H.transpose(0, 2, 1)).astype(onp.float32)
R4 = rng.uniform(-1, 1, (2, 4, 3)).astype(onp.float32)
v4 = rng.uniform(-1, 1, 4).astype(onp.float32)
case('linalg.solve', jnp.linalg.solve(G, V[:3]), G, V[:3])
case('linalg.solve', jnp.linalg.solve(H, R4), H, R4)
case('linalg.solve', jnp.linalg.solve(H[0], R4), H[0], R4)
case('linalg.inv', jnp.linalg.inv(H), H)
for n in [1, 2, 3, 4]:
    case('linalg.det', jnp.linalg.det(H[:, :n, :n]), H[:, :n, :n])
case('linalg.det', jnp.linalg.det(H[0][::-1]), H[0][::-1])
case('linalg.slogdet', {'sign': jnp.linalg.slogdet(H[0][[1, 0, 2, 3]])[0], 'logabsdet': jnp.linalg.slogdet(H[0][[1, 0, 2, 3]])[1]}, H[0][[1, 0, 2, 3]])
case('linalg.cholesky', jnp.linalg.cholesky(SPD), SPD)
case('linalg.cholesky', jnp.linalg.cholesky(SPD[0], upper=True), SPD[0], upper=True)
case('linalg.solveTriangular', jsl.solve_triangular(H[0], v4, lower=True), H[0], v4, lower=True)
case('linalg.solveTriangular', jsl.solve_triangular(H[0], R4[0], trans=1), H[0], R4[0], trans=True)
case('linalg.choSolve', jsl.cho_solve((jnp.linalg.cholesky(SPD[0]), True), v4), onp.asarray(jnp.linalg.cholesky(SPD[0])), v4)
case('linalg.lstsq', {'x': jnp.linalg.lstsq(R4[0], v4)[0]}, R4[0], v4)
case('linalg.lstsq', {'x': jnp.linalg.lstsq(R4[0].T, v4[:3])[0]}, R4[0].T, v4[:3])
case('linalg.matrixPower', jnp.linalg.matrix_power(G, 5), G, 5)
case('linalg.matrixPower', jnp.linalg.matrix_power(G, -2), G, -2)
case('linalg.matrixPower', jnp.linalg.matrix_power(G, 0), G, 0)
case('linalg.multiDot', jnp.linalg.multi_dot([X, Q, Q.T, v4]), [X, Q, Q.T, v4])
case('linalg.norm', jnp.linalg.norm(X), X)
for o in [1, 2, inf, -inf, 0, 3]:
    case('linalg.norm', jnp.linalg.norm(V, ord=o), V, ord=o)
for o in ['fro', 1, -1, inf, -inf]:
    case('linalg.norm', jnp.linalg.norm(X, ord=o), X, ord=o)
case('linalg.norm', jnp.linalg.norm(X, axis=1), X, axis=1)
case('linalg.norm', jnp.linalg.norm(T, ord='fro', axis=(1, 2), keepdims=True), T, ord='fro', axis=[1, 2], keepdims=True)

# nn
for js, f in [('relu', jax.nn.relu), ('relu6', jax.nn.relu6), ('leakyRelu', jax.nn.leaky_relu), ('elu', jax.nn.elu), ('celu', jax.nn.celu), ('selu', jax.nn.selu), ('gelu', jax.nn.gelu), ('sigmoid', jax.nn.sigmoid),
              ('logSigmoid', jax.nn.log_sigmoid), ('softplus', jax.nn.softplus), ('softSign', jax.nn.soft_sign), ('silu', jax.nn.silu), ('swish', jax.nn.swish), ('tanh', jnp.tanh), ('mish', jax.nn.mish), ('hardTanh', jax.nn.hard_tanh),
              ('hardSigmoid', jax.nn.hard_sigmoid), ('hardSilu', jax.nn.hard_silu), ('squareplus', jax.nn.squareplus), ('softmax', jax.nn.softmax), ('logSoftmax', jax.nn.log_softmax), ('logsumexp', jax.nn.logsumexp), ('glu', jax.nn.glu), ('standardize', jax.nn.standardize)]:
    case('nn.' + js, f(X * 3), X * 3)
case('nn.gelu', jax.nn.gelu(X, approximate=False), X, approximate=False)
case('nn.softmax', jax.nn.softmax(X, axis=0), X, axis=0)
case('nn.logsumexp', jax.nn.logsumexp(X, axis=1, keepdims=True), X, axis=1, keepdims=True)
case('nn.logsumexp', jax.nn.logsumexp(X, axis=0, b=P), X, axis=0, b=P)
case('nn.logsumexp', jax.nn.logsumexp(F(-inf, -inf)), F(-inf, -inf))
case('nn.oneHot', jax.nn.one_hot(I(0, 2, 1, 5), 3), I(0, 2, 1, 5), 3)
case('nn.oneHot', jax.nn.one_hot(I(0, 2), 3, axis=0), I(0, 2), 3, axis=0)

# special
for js, f, x in [('erf', jsp.erf, X), ('erfc', jsp.erfc, X), ('erfinv', jsp.erfinv, U), ('expit', jsp.expit, X), ('logit', jsp.logit, (U + 1) / 2), ('gammaln', jsp.gammaln, P), ('digamma', jsp.digamma, P), ('entr', jsp.entr, F(0, 0.5, -1, 2)),
                 ('ndtr', jsp.ndtr, X), ('ndtri', jsp.ndtri, (U + 1) / 2), ('logNdtr', jsp.log_ndtr, F(-20, -9, -8, -5, 0, 2))]:
    case('special.' + js, f(x), x)
case('special.xlogy', jsp.xlogy(F(0, 1, 2, 0), F(0, 2, 3, nan)), F(0, 1, 2, 0), F(0, 2, 3, nan))
case('special.xlog1py', jsp.xlog1py(F(0, 1, 2), F(-1, 2, 3)), F(0, 1, 2), F(-1, 2, 3))
case('special.relEntr', jsp.rel_entr(F(0, 1, 2, 0), F(0, 2, 0, -1)), F(0, 1, 2, 0), F(0, 2, 0, -1))
case('special.betaln', jsp.betaln(P, P + 1), P, P + 1)
case('special.multigammaln', jsp.multigammaln(P + 1, 2), P + 1, 2)

# What programs need beside these; drawn apart, so that what is above stays as it is.
rng2 = onp.random.default_rng(1)
import jax.scipy.stats as jstats  # noqa: E402

Q3 = F(1, 2, 3)
case('polyadd', jnp.polyadd(Q3, F(5, 4)), Q3, F(5, 4))
case('polymul', jnp.polymul(Q3, F(5, 4)), Q3, F(5, 4))
case('polyder', jnp.polyder(F(3, -1, 4, 2)), F(3, -1, 4, 2))
case('polyder', jnp.polyder(F(3, -1, 4, 2), 2), F(3, -1, 4, 2), m=2)
case('polyint', jnp.polyint(Q3), Q3)
case('polyint', jnp.polyint(Q3, 2), Q3, m=2)
FX, FY, FW = F(0, 0.5, 1, 2, 3, 4.5), F(1, 0.5, 2, 3, 2.5, -1), F(1, 2, 1, 0.5, 1, 3)
case('polyfit', jnp.polyfit(FX, FY, 2), FX, FY, 2)
case('polyfit', jnp.polyfit(FX, FY, 3, w=FW), FX, FY, 3, w=FW)
FY2 = onp.stack([FY, FY * FX], 1)
case('polyfit', jnp.polyfit(FX, FY2, 2, w=FW), FX, FY2, 2, w=FW)
case('nancumsum', jnp.nancumsum(F(1, nan, 2, 3)), F(1, nan, 2, 3))
case('nancumprod', jnp.nancumprod(F(1, nan, 2, 3)), F(1, nan, 2, 3))
NX = X.copy()
NX[0, 1] = NX[2, 3] = nan
NX[:, 2] = nan
case('nancumsum', jnp.nancumsum(NX, axis=1), NX, axis=1)
case('nanargmax', jnp.nanargmax(NX, axis=0).astype(onp.int32), NX, axis=0)
case('nanargmin', jnp.nanargmin(NX, axis=1).astype(onp.int32), NX, axis=1)
case('nanargmax', jnp.nanargmax(N, axis=1).astype(onp.int32), N, axis=1)
case('nanmedian', jnp.nanmedian(NX, axis=0), NX, axis=0)
case('nanmedian', jnp.nanmedian(NX), NX)
for method in ['linear', 'lower', 'higher', 'midpoint', 'nearest']:
    case('nanquantile', jnp.nanquantile(NX, 0.4, axis=1, method=method), NX, 0.4, axis=1, method=method)
case('nanquantile', jnp.nanquantile(NX, jnp.array([0.1, 0.9]), axis=0, keepdims=True), NX, F(0.1, 0.9), axis=0, keepdims=True)
case('nanpercentile', jnp.nanpercentile(NX, 30, axis=1), NX, 30, axis=1)
phase = F(0, 1, 3, -3, -1, 2, -2.5, 7, 20)
case('unwrap', jnp.unwrap(phase), phase)
case('unwrap', jnp.unwrap(X * 3, axis=0, period=4), X * 3, axis=0, period=4)
case('unwrap', jnp.unwrap(phase, discont=5), phase, discont=5)


def argpartition(x, kth, axis):
    """Of the orders that NumPy leaves open, the one in which elements smaller than, equal to and larger than the kth stay as they were."""
    chosen = onp.take(onp.sort(x, axis=axis), [kth], axis=axis)
    return onp.argsort(onp.sign(x - chosen), axis=axis, kind='stable').astype(onp.int32)


case('partition', onp.take_along_axis(X, argpartition(X, 1, 0), axis=0), X, 1, axis=0)
case('argpartition', argpartition(X, -2, 1), X, -2)
case('lexsort', jnp.lexsort((I(2, 1, 3, 1), I(1, 1, 0, 0))).astype(onp.int32), [I(2, 1, 3, 1), I(1, 1, 0, 0)])
case('lexsort', jnp.lexsort((X, N), axis=0).astype(onp.int32), [X, N], axis=0)
case('delete', onp.delete(V, [0, -1, 3]), V, [0, -1, 3])
case('delete', onp.delete(X, 1, axis=1), X, 1, axis=1)
case('delete', onp.delete(X, 5), X, 5)
case('insert', onp.insert(V, 2, 9).astype(onp.float32), V, 2, 9)
case('insert', onp.insert(V, [0, 3, 3, -1], F(8, 9, 7, 6)), V, [0, 3, 3, -1], F(8, 9, 7, 6))
case('insert', onp.insert(X, 1, F(7, 8, 9), axis=1), X, 1, F(7, 8, 9), axis=1)
case('insert', onp.insert(X, [1], F(7, 8, 9, shape=(3, 1)), axis=1), X, [1], F(7, 8, 9, shape=(3, 1)), axis=1)
case('insert', onp.insert(X, 1, F(7, 8, 9, shape=(3, 1)), axis=1), X, 1, F(7, 8, 9, shape=(3, 1)), axis=1)
case('insert', onp.insert(X, [0, 3], -1, axis=0).astype(onp.float32), X, [0, 3], -1, axis=0)
case('insert', onp.insert(V, 7, F(1, 2)), V, 7, F(1, 2))
case('fillDiagonal', jnp.fill_diagonal(X, 5.0, inplace=False), X, 5)
tall = onp.zeros((7, 3), onp.float32)
wrapped = tall.copy()
onp.fill_diagonal(wrapped, 5, wrap=True)
case('fillDiagonal', wrapped, tall, 5, wrap=True)
case('putAlongAxis', jnp.put_along_axis(X, I(1, 0, 3, shape=(3, 1)), -1.0, axis=1, inplace=False), X, I(1, 0, 3, shape=(3, 1)), -1, axis=1)
case('block', jnp.block([[X, Y], [P, U]]), [[X, Y], [P, U]])
case('block', jnp.block([V[:3], X[0], 1.0]), [V[:3], X[0], 1])
case('block', jnp.block([[[T]], [[T * 2]]]), [[[T]], [[T * 2]]])
case('indices', jnp.indices((2, 3)).astype(onp.int32), [2, 3])
case('ix', [onp.asarray(a).astype(onp.int32) for a in onp.ix_([0, 2], [1, 3, 1])], I(0, 2), I(1, 3, 1))
case('unravelIndex', [onp.asarray(a) for a in jnp.unravel_index(I(22, -1, 5, 99, -99), (4, 6))], I(22, -1, 5, 99, -99), [4, 6])
case('ravelMultiIndex', jnp.ravel_multi_index((I(3, 1, 9), I(4, -1, 2)), (4, 6), mode='clip').astype(onp.int32), [I(3, 1, 9), I(4, -1, 2)], [4, 6])
case('ravelMultiIndex', jnp.ravel_multi_index((I(3, 1, 9), I(4, -1, 2)), (4, 6), mode='wrap').astype(onp.int32), [I(3, 1, 9), I(4, -1, 2)], [4, 6], mode='wrap')
case('diagIndices', [onp.arange(3, dtype=onp.int32)] * 3, 3, ndim=3)
case('isin', jnp.isin(N, I(1, -3, 4, 7)), N, I(1, -3, 4, 7))
case('isin', jnp.isin(S, F(0, inf, 2), invert=True), S, F(0, inf, 2), invert=True)
case('union1d', onp.union1d(I(3, 1, 2), I(5, 3)), I(3, 1, 2), I(5, 3))
case('intersect1d', onp.intersect1d(I(3, 1, 2, 3), I(5, 3, 1)), I(3, 1, 2, 3), I(5, 3, 1))
case('setdiff1d', onp.setdiff1d(I(3, 1, 2, 3), I(5, 3)), I(3, 1, 2, 3), I(5, 3))

for d in ['norm', 'laplace', 'logistic', 'cauchy', 'expon', 'uniform']:
    dist = getattr(jstats, d)
    case(f'stats.{d}.logpdf', dist.logpdf(X), X)
    case(f'stats.{d}.logpdf', dist.logpdf(X, 0.5, P), X, 0.5, P)
    case(f'stats.{d}.pdf', dist.pdf(X, -1.0, 2.0), X, -1, 2)
    case(f'stats.{d}.cdf', dist.cdf(X, 0.5, P), X, 0.5, P)
for f in ['logcdf', 'sf', 'logsf']:
    case('stats.norm.' + f, getattr(jstats.norm, f)(X * 4, 0.5, P), X * 4, 0.5, P)
case('stats.norm.ppf', jstats.norm.ppf((U + 1) / 2, 0.5, P), (U + 1) / 2, 0.5, P)
case('stats.expon.sf', jstats.expon.sf(X, -1.0, P), X, -1, P)
case('stats.logistic.sf', jstats.logistic.sf(X, -1.0, P), X, -1, P)
case('stats.t.logpdf', jstats.t.logpdf(X, P * 2, 0.5, 2.0), X, P * 2, 0.5, 2)
case('stats.gamma.logpdf', jstats.gamma.logpdf(X, P, -1.0, 2.0), X, P, -1, 2)
case('stats.gamma.pdf', jstats.gamma.pdf(P, P + 1), P, P + 1)
case('stats.beta.logpdf', jstats.beta.logpdf(U, P, P + 1), U, P, P + 1)
case('stats.beta.pdf', jstats.beta.pdf((U + 1) / 2, 2.0, 3.0), (U + 1) / 2, 2, 3)
case('stats.bernoulli.logpmf', jstats.bernoulli.logpmf(I(0, 1, 2, -1), 0.3), I(0, 1, 2, -1), 0.3)
case('stats.binom.logpmf', jstats.binom.logpmf(I(0, 3, 5, -1, 6), 5, 0.3), I(0, 3, 5, -1, 6), 5, 0.3)
case('stats.poisson.logpmf', jstats.poisson.logpmf(M, P), M, P)
case('stats.poisson.pmf', jstats.poisson.pmf(I(0, 3, -1), 2.5), I(0, 3, -1), 2.5)
simplex = onp.asarray(jax.nn.softmax(X, axis=-1))
case('stats.dirichlet.logpdf', jnp.stack([jstats.dirichlet.logpdf(row, P[0]) for row in simplex]), simplex, P[0])
C2 = F(2, 0.5, 0.3, 0.5, 1, -0.2, 0.3, -0.2, 1.5, shape=(3, 3))
case('stats.multivariateNormal.logpdf', jstats.multivariate_normal.logpdf(V[:3], V[3:6], C2), V[:3], V[3:6], C2)
case('stats.multivariateNormal.logpdf', jstats.multivariate_normal.logpdf(X[:, :3], V[3:6], C2), X[:, :3], V[3:6], C2)
stacked = onp.stack([C2, 2 * C2, C2 + onp.eye(3, dtype=onp.float32)])
case('stats.multivariateNormal.logpdf', jnp.stack([jstats.multivariate_normal.logpdf(x, V[3:6], c) for x, c in zip(X[:, :3], stacked)]), X[:, :3], V[3:6], stacked)

labels = I(1, 0, 3)
logp = jax.nn.log_softmax(X)
one = jax.nn.one_hot(labels, 4)
sgn = onp.sign(Y).astype(onp.float32)
norms = lambda a: jnp.sqrt((a * a).sum(-1, keepdims=True))
for js, f, a, b in [
    ('squaredError', lambda x, y: (x - y) ** 2, X, Y), ('l2Loss', lambda x, y: (x - y) ** 2 / 2, X, Y), ('logCosh', lambda x, y: jnp.log(jnp.cosh(x - y)), X, Y),
    ('huberLoss', lambda x, y: jnp.where(abs(x - y) < 1, (x - y) ** 2 / 2, abs(x - y) - 0.5), X, Y), ('hingeLoss', lambda x, y: jnp.maximum(0, 1 - x * y), X, sgn),
    ('sigmoidBinaryCrossEntropy', lambda x, y: jax.nn.softplus(x) - x * y, X, (sgn + 1) / 2), ('softmaxCrossEntropy', lambda x, y: -(y * jax.nn.log_softmax(x)).sum(-1), X, simplex),
    ('softmaxCrossEntropyWithIntegerLabels', lambda x, y: -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1)[:, 0], X, labels),
    ('klDivergence', lambda x, y: (y * (jnp.log(y) - x)).sum(-1), logp, simplex), ('cosineSimilarity', lambda x, y: (x * y / norms(x) / norms(y)).sum(-1), X, Y),
]:
    case('losses.' + js, f(onp.asarray(a), onp.asarray(b)), onp.asarray(a), onp.asarray(b))
case('losses.huberLoss', jnp.where(abs(X - Y) < 2, (X - Y) ** 2 / 2, 2 * abs(X - Y) - 2), X, Y, delta=2)

A1, A2, A3 = (rng2.uniform(-1, 1, s).astype(onp.float32) for s in [(5, 4, 3), (6, 2, 3), (6, 2, 3)])
A4, A5 = rng2.uniform(-1, 1, (2, 5, 4, 3)).astype(onp.float32), rng2.uniform(-1, 1, (4, 5, 5)).astype(onp.float32)
keep = rng2.uniform(size=(5, 6)) < 0.6
attend = jax.nn.dot_product_attention
case('nn.dotProductAttention', attend(A4, A4, A4), A4, A4, A4)
case('nn.dotProductAttention', attend(A4, A4, A4, is_causal=True, scale=0.3), A4, A4, A4, isCausal=True, scale=0.3)
case('nn.dotProductAttention', attend(A1, A2, A3), A1, A2, A3)
case('nn.dotProductAttention', attend(A1[None], A2[None], A3[None], mask=keep[None, None])[0], A1, A2, A3, mask=keep)
case('nn.dotProductAttention', attend(A4, A4, A4, bias=A5[None]), A4, A4, A4, bias=A5)

# Masks and beginnings of folds
for js, f in [('sum', jnp.sum), ('prod', jnp.prod), ('max', jnp.max), ('min', jnp.min)]:
    case(js, f(X, axis=0, initial=1.5), X, axis=0, initial=1.5)
    case(js, f(T, axis=(0, 2), initial=-1, where=B[:, 0].reshape(3, 1)), T, axis=[0, 2], initial=-1, where=B[:, 0].reshape(3, 1))
    case(js, f(N, initial=4, where=B), N, initial=4, where=B)
    case(js, f(X[:0], axis=0, initial=2), X[:0], axis=0, initial=2)
for js, f in [('any', jnp.any), ('all', jnp.all)]:
    case(js, f(C, axis=1, where=B), C, axis=1, where=B)
    case(js, f(C, where=B[0]), C, where=B[0])
    case(js, f(C, axis=0, where=False), C, axis=0, where=False)
for js, f in [('mean', jnp.mean), ('var', jnp.var), ('std', jnp.std)]:
    case(js, f(X, axis=1, where=B), X, axis=1, where=B)
    case(js, f(X, axis=0, keepdims=True, where=B[:, :1]), X, axis=0, keepdims=True, where=B[:, :1])
    case(js, f(X, where=B[0]), X, where=B[0])
case('var', jnp.var(X, axis=1, where=B, ddof=1), X, axis=1, where=B, ddof=1)
case('std', jnp.std(N, axis=1, where=B, ddof=1), N, axis=1, where=B, ddof=1)
for js, f in [('nansum', jnp.nansum), ('nanprod', jnp.nanprod), ('nanmax', jnp.nanmax), ('nanmin', jnp.nanmin)]:
    case(js, f(Z, axis=0, initial=0.5), Z, axis=0, initial=0.5)
    case(js, f(Z, initial=0.5, where=C), Z, initial=0.5, where=C)
case('nanmax', jnp.nanmax(F(nan, nan), initial=1), F(nan, nan), initial=1)
for js, f in [('nanmean', jnp.nanmean), ('nanvar', jnp.nanvar), ('nanstd', jnp.nanstd)]:
    case(js, f(Z, axis=1, where=C), Z, axis=1, where=C)
    case(js, f(Z, where=C), Z, where=C)
case('nanvar', jnp.nanvar(Z, axis=0, ddof=1), Z, axis=0, ddof=1)

# The array standard's names
for js, f, x in [('asin', jnp.asin, U), ('acos', jnp.acos, U), ('atan', jnp.atan, X), ('asinh', jnp.asinh, X), ('acosh', jnp.acosh, P + 1), ('atanh', jnp.atanh, U), ('bitwiseInvert', jnp.bitwise_invert, N)]:
    case(js, f(x), x)
for js, f, x, y in [('atan2', jnp.atan2, X, Y), ('pow', jnp.pow, P, X), ('pow', jnp.pow, N, M % 4), ('bitwiseLeftShift', jnp.bitwise_left_shift, M, M), ('bitwiseRightShift', jnp.bitwise_right_shift, N, M),
                    ('matvec', jnp.matvec, T, X[0]), ('matvec', jnp.matvec, T[:, None], X), ('vecmat', jnp.vecmat, X[:, 0], T), ('vecmat', jnp.vecmat, V[:4], Q)]:
    case(js, f(x, y), x, y)
case('around', jnp.around(X, 1), X, decimals=1)
case('cumulativeSum', jnp.cumulative_sum(V), V)
case('cumulativeSum', jnp.cumulative_sum(T, axis=1, include_initial=True), T, axis=1, includeInitial=True)
case('cumulativeSum', jnp.cumulative_sum(B, axis=0).astype(jnp.int32), B, axis=0)
case('cumulativeProd', jnp.cumulative_prod(X, axis=-1, include_initial=True), X, axis=-1, includeInitial=True)
case('unstack', list(jnp.unstack(T)), T)
case('unstack', list(jnp.unstack(T, axis=-1)), T, axis=-1)
D = I(3, 1, 3, 2, 1, 3, shape=(2, 3))
case('uniqueAll', {'values': I(1, 2, 3), 'indices': I(1, 3, 0), 'inverseIndices': I(2, 0, 2, 1, 0, 2, shape=(2, 3)), 'counts': I(2, 1, 3)}, D)
case('uniqueCounts', {'values': I(1, 2, 3), 'counts': I(2, 1, 3)}, D)
case('uniqueInverse', {'values': F(-2, 1), 'inverseIndices': I(1, 0, 1)}, F(1, -2, 1))
case('uniqueValues', F(-2, 1, nan, nan), F(nan, 1, -2, nan, 1))

# More of NumPy
for w, f in [('bartlett', onp.bartlett), ('blackman', onp.blackman), ('hamming', onp.hamming), ('hanning', onp.hanning)]:
    for n in [0, 1, 2, 7]:
        case(w, f(n).astype(onp.float32), n)
for n, beta in [(1, 3.0), (6, 0.0), (7, 8.6), (5, 14.0)]:
    case('kaiser', onp.kaiser(n, beta).astype(onp.float32), n, beta)
SIGNED = I(12, -18, 0, 7, 0, -2147483647, 46368, 5)
OTHERS = I(18, 12, 5, 0, 0, 3, 28657, -5)
case('gcd', onp.gcd(SIGNED, OTHERS), SIGNED, OTHERS)
case('gcd', onp.gcd(W, M.astype(onp.uint32)), W, M.astype(onp.uint32))
case('gcd', onp.gcd(N[:, :1], M[:1]), N[:, :1], M[:1])
case('lcm', onp.lcm(SIGNED[[0, 1, 2, 3, 4, 7]], OTHERS[[0, 1, 2, 3, 4, 7]]), SIGNED[[0, 1, 2, 3, 4, 7]], OTHERS[[0, 1, 2, 3, 4, 7]])
case('lcm', onp.lcm(M, 6), M, 6)
EDGES = F(0.0, -0.0, 1.5, -2.75, 1e-40, -3e38, 1.1754944e-38, inf, -inf, 0.5, 1, 1.9999999)
case('modf', [onp.asarray(v) for v in onp.modf(EDGES)], EDGES)
case('frexp', [onp.asarray(onp.frexp(EDGES)[0]), onp.where(onp.isfinite(EDGES), onp.frexp(EDGES)[1], 0).astype(onp.int32)], EDGES)
case('ldexp', onp.ldexp(EDGES, 3), EDGES, 3)
POWERS = I(100, -140, 128, 149, 200, -300, 160, 2, -2, -149, -148, -126)
case('ldexp', onp.ldexp(EDGES, POWERS), EDGES, POWERS)
case('nextafter', onp.nextafter(EDGES, F(1)), EDGES, F(1))
case('spacing', onp.spacing(F(0.0, 1.5, -2.75, 1e30, -1e-30)), F(0.0, 1.5, -2.75, 1e30, -1e-30))
case('resize', onp.resize(X, (2, 7)), X, [2, 7])
case('resize', onp.resize(V, (3,)), V, [3])
case('rollaxis', onp.rollaxis(T, 2), T, 2)
case('rollaxis', onp.rollaxis(T, 0, 3), T, 0, 3)
case('dsplit', onp.dsplit(T, 2), T, 2)
case('polysub', jnp.polysub(F(1, 2), F(3, 4, 5)), F(1, 2), F(3, 4, 5))
case('poly', jnp.poly(F(1, 2, -3)), F(1, 2, -3))
case('polydiv', [F(1.5, 1.75), F(0, 0, 0.25)], F(3, 5, 2), F(2, 1))
case('histogramBinEdges', jnp.histogram_bin_edges(V, bins=4), V, bins=4)
case('histogramBinEdges', jnp.histogram_bin_edges(V, bins=3, range=(-1, 1)), V, bins=3, range=(-1, 1))
case('compress', onp.compress(B[0], X, axis=1), B[0], X, axis=1)
case('compress', onp.compress(B[0, :3], X), B[0, :3], X)
case('extract', onp.extract(X > 0, X), X > 0, X)
case('trimZeros', F(1, 0, 2), F(0, 0, 1, 0, 2, 0))
case('trimZeros', F(1, 0, 2, 0), F(0, 1, 0, 2, 0), trim='f')
case('setxor1d', onp.setxor1d(I(3, 1, 2, 3), I(2, 4, 4)), I(3, 1, 2, 3), I(2, 4, 4))
case('trilIndicesFrom', [onp.asarray(v, dtype=onp.int32) for v in onp.tril_indices_from(X, 1)], X, k=1)
case('triuIndicesFrom', [onp.asarray(v, dtype=onp.int32) for v in onp.triu_indices_from(X)], X)
case('diagIndicesFrom', [onp.arange(2, dtype=onp.int32)] * 3, T[:, :2, :2])
case('linalg.toeplitz', jsl.toeplitz(V[:3]), V[:3])
case('linalg.toeplitz', jsl.toeplitz(V[:3], X[0]), V[:3], X[0])
sl = __import__('scipy.linalg').linalg
case('linalg.hankel', sl.hankel(V[:3]), V[:3])
case('linalg.hankel', sl.hankel(V[:3], X[0]), V[:3], X[0])
case('linalg.circulant', sl.circulant(V[:4]), V[:4])
case('linalg.companion', sl.companion(F(2, 1, -3, 4)), F(2, 1, -3, 4))
case('linalg.hilbert', sl.hilbert(4).astype(onp.float32), 4)
case('linalg.hadamard', sl.hadamard(8).astype(onp.float32), 8)
case('linalg.pascal', sl.pascal(6).astype(onp.int32), 6, dtype='int32')
case('linalg.lu', [jnp.stack(v) for v in zip(*(jsl.lu(h) for h in H))], H)
case('linalg.tensorsolve', jnp.linalg.tensorsolve(H[0].reshape(2, 2, 4), X[:2, :2]), H[0].reshape(2, 2, 4), X[:2, :2])
case('linalg.tensorsolve', jnp.linalg.tensorsolve(H[0].reshape(2, 2, 2, 2), X[:2, :2], axes=(0,)), H[0].reshape(2, 2, 2, 2), X[:2, :2], axes=[0])
case('linalg.tensorinv', jnp.linalg.tensorinv(H[0].reshape(2, 2, 4)), H[0].reshape(2, 2, 4))

with open(os.path.join(HERE, 'numpy.json'), 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')

# Derivatives: of sum(f(x) * cos of the position), with respect to x
gradients = []


def slope(js, f, x, *rest, **options):
    def total(x):
        y = f(x, *rest)
        return jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))

    entry = {'call': js, 'args': [encode(x), *[encode(r) for r in rest]], 'expected': encode(jax.grad(total)(x))}
    if options:
        entry['options'] = options
    gradients.append(entry)


for js, f, x in [('abs', jnp.abs, X), ('cbrt', jnp.cbrt, P), ('exp2', jnp.exp2, X), ('log10', jnp.log10, P), ('arcsin', jnp.arcsin, U), ('arctanh', jnp.arctanh, U), ('arccosh', jnp.arccosh, P + 1), ('sinc', jnp.sinc, F(0, 0.5, 1.5)),
                 ('var', jnp.var, X), ('std', jnp.std, X), ('prod', jnp.prod, X), ('max', jnp.max, X), ('min', jnp.min, X), ('median', jnp.median, X), ('mean', jnp.mean, X), ('ptp', jnp.ptp, X), ('sort', jnp.sort, X), ('cumsum', lambda x: jnp.cumsum(x), X), ('cumprod', lambda x: jnp.cumprod(x), X),
                 ('ravel', jnp.ravel, X), ('diag', jnp.diag, X), ('diag', jnp.diag, V), ('tril', jnp.tril, X), ('trace', jnp.trace, X), ('fliplr', jnp.fliplr, X), ('diff', jnp.diff, X), ('gradient', jnp.gradient, V), ('trapezoid', jnp.trapezoid, X), ('cov', jnp.cov, X), ('nansum', jnp.nansum, Z), ('nanmean', jnp.nanmean, Z),
                 ('linalg.inv', jnp.linalg.inv, H), ('linalg.det', jnp.linalg.det, H), ('linalg.det', jnp.linalg.det, G), ('linalg.norm', jnp.linalg.norm, X), ('linalg.cholesky', jnp.linalg.cholesky, SPD),
                 ('nn.relu', jax.nn.relu, X), ('nn.relu6', jax.nn.relu6, X * 3), ('nn.elu', jax.nn.elu, X), ('nn.selu', jax.nn.selu, X), ('nn.celu', jax.nn.celu, X), ('nn.gelu', jax.nn.gelu, X), ('nn.softplus', jax.nn.softplus, X * 9), ('nn.silu', jax.nn.silu, X), ('nn.softmax', jax.nn.softmax, X), ('nn.logSoftmax', jax.nn.log_softmax, X), ('nn.logsumexp', jax.nn.logsumexp, X), ('nn.standardize', jax.nn.standardize, X), ('nn.leakyRelu', jax.nn.leaky_relu, X), ('nn.glu', jax.nn.glu, X),
                 ('special.logit', jsp.logit, (U + 1) / 2), ('special.entr', jsp.entr, P), ('special.ndtr', jsp.ndtr, X), ('special.logNdtr', jsp.log_ndtr, F(-9, -7, 0, 2)), ('special.gammaln', jsp.gammaln, P), ('special.digamma', jsp.digamma, P)]:
    slope(js, f, x)
for js, f, x, y in [('mod', jnp.mod, X, Y), ('power', jnp.power, P, X), ('power', jnp.power, X, 3), ('hypot', jnp.hypot, X, Y), ('maximum', jnp.maximum, X, Y), ('logaddexp', jnp.logaddexp, X, Y), ('arctan2', jnp.arctan2, X, Y), ('divide', jnp.divide, X, Y[0]), ('dot', jnp.dot, X, Q), ('matmul', jnp.matmul, T, T2), ('outer', jnp.outer, V, V[:2]),
                    ('kron', jnp.kron, X[:2], Y[:1]), ('cross', jnp.cross, X[:, :3], Y[:, :3]), ('convolve', jnp.convolve, V, V[:3]), ('take', jnp.take, X, I(1, 3, 1)), ('fmax', jnp.fmax, X, Y), ('copysign', jnp.copysign, X, Y), ('quantile', jnp.quantile, X, 0.3), ('tile', jnp.tile, X, [2, 2]), ('polyval', jnp.polyval, F(1, -2, 3), X), ('vdot', jnp.vdot, X, Y),
                    ('linalg.solve', jnp.linalg.solve, G, V[:3]), ('linalg.matrixPower', jnp.linalg.matrix_power, G, 3), ('special.xlogy', jsp.xlogy, P, P + 1)]:
    slope(js, f, x, y)

for js, f, x, *rest in [
    ('polyder', jnp.polyder, F(3, -1, 4, 2)), ('polyint', jnp.polyint, Q3), ('polymul', jnp.polymul, Q3, F(5, 4)), ('unwrap', jnp.unwrap, phase), ('nanmedian', jnp.nanmedian, NX),
    ('stats.norm.logpdf', jstats.norm.logpdf, X, Y, P), ('stats.norm.logcdf', jstats.norm.logcdf, X * 4), ('stats.laplace.logpdf', jstats.laplace.logpdf, X, Y, P), ('stats.t.logpdf', lambda x, d: jstats.t.logpdf(x, d), X, P),
    ('stats.gamma.logpdf', lambda x, a: jstats.gamma.logpdf(x, a), P, P + 1), ('stats.beta.logpdf', lambda x, a, b: jstats.beta.logpdf(x, a, b), (U + 1) / 2, P, P + 1), ('stats.multivariateNormal.logpdf', jstats.multivariate_normal.logpdf, V[:3], V[3:6], C2),
    ('losses.huberLoss', lambda x, y: jnp.where(abs(x - y) < 1, (x - y) ** 2 / 2, abs(x - y) - 0.5), X, Y), ('losses.softmaxCrossEntropyWithIntegerLabels', lambda x, y: -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1)[:, 0], X, labels),
    ('losses.cosineSimilarity', lambda x, y: (x * y / norms(x) / norms(y)).sum(-1), X, Y), ('nn.dotProductAttention', attend, A4, A4, A4),
]:
    slope(js, f, x, *rest)

with open(os.path.join(HERE, 'numpy-gradients.json'), 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in gradients) + '\n]\n')

# Printing: NumPy's own text
printed = []


def shown(values, dtype, shape=None, divisor=None):
    """With a divisor, the array of 0, 1, …, values − 1 divided by it: not written out."""
    a = onp.array(values if divisor is None else onp.arange(values) / divisor, dtype=dtype)
    if shape is not None:
        a = a.reshape(shape)
    data = plain(a.ravel().tolist()) if divisor is None else {'count': values, 'divisor': divisor}
    printed.append({'data': data, 'shape': list(a.shape), 'dtype': str(a.dtype), 'text': str(a)})


f32, f64 = onp.float32, onp.float64
for d in [f32, f64]:
    shown([1, 2, 3], d)
    shown([1.5, -2.25, 3], d)
    shown([[1, 2], [3, 4.5]], d)
    shown([0.1, 0.2, 1 / 3], d)
    shown([1e-5, 1], d)
    shown([1e10, 1], d)
    shown([123456.789, 0.001], d)
    shown([1000.5, 0.5], d)
    shown([nan, 1, inf], d)
    shown([nan, -inf], d)
    shown([-inf, 1.25, -100], d)
    shown([0.0, -0.0], d)
    shown([], d)
    shown([], d, (0, 3))
    shown(2, d)
    shown(2.5, d)
    shown(-0.0, d)
    shown(nan, d)
    shown(-inf, d)
    shown(1e-7, d)
    shown(0.1, d)
    shown(1e16, d)
    shown(123456789, d)
    shown(1e-3, d)
    shown(3e38, d)
    shown([1e30, 1e-30], d)
    shown([999999.0], d)
    shown([1000000.0], d)
    shown([99999999.0, 1], d)
    shown([100000000.0], d)
    shown([0.0001], d)
    shown([0.00009], d)
    shown([1e-300 if d is f64 else 1e-40], d)
    shown(onp.arange(24) / 7, d, (2, 3, 4))
    shown(onp.arange(30) / 3, d)
    shown(onp.arange(40).reshape(2, 20) * 1.5, d)
    shown(1001, d, divisor=1)
    shown(2000, d, (2, 1000), divisor=3)
    shown(1000, d, divisor=1)
    shown(10000, d, (100, 100), divisor=1)
    shown(2100, d, (3, 700), divisor=1)
    shown(2200, d, (1100, 2), divisor=1)
    shown(onp.arange(16), d, (2, 2, 2, 2))
    shown(rng.normal(size=20), d)
    shown(rng.normal(size=(4, 5)) * 10.0 ** rng.integers(-3, 3, (4, 5)), d)
    shown(rng.normal(size=(3, 3)) * 1e-3, d)
for d in [onp.int32, onp.uint32]:
    shown([1, 20, 300], d)
    shown(7, d)
    shown(onp.arange(50), d)
    shown(2000, d, divisor=1)
    shown([], d)
shown([-5, 100], onp.int32)
shown([[-5], [100]], onp.int32)
shown([True, False], bool)
shown(True, bool)
shown([[True, False], [False, False]], bool)
shown([True] * 40, bool)
shown([4294967295, 0], onp.uint32)

with open(os.path.join(HERE, 'print.json'), 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in printed) + '\n]\n')
print(len(cases), 'calls,', len(gradients), 'gradients,', len(printed), 'texts')
