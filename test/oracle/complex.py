"""Writes test/fixtures/complex.json: complex functions by NumPy (values, special values, printing), mpmath (accuracy) and JAX
(derivatives, whose gradients are conjugated here as Cotangent's are).

JAX_PLATFORMS=cpu python complex.py
"""

import json
import os
import warnings

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np

jax.config.update('jax_enable_x64', True)
warnings.simplefilter('ignore')
np.seterr(all='ignore')
rng = np.random.default_rng(7)
path = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'complex.json')

functions = (
    'exp expm1 log log1p log2 log10 sqrt sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arccosh arctanh'.split()
)


def number(x):
    if np.isnan(x):
        return 'nan'
    if np.isinf(x):
        return 'inf' if x > 0 else '-inf'
    if x == 0:
        return '-0' if np.signbit(x) else 0
    return float(x)


def pairs(z):
    return [[number(x.real), number(x.imag)] for x in np.asarray(z).ravel()]


# ── Values: mpmath to full precision at arguments of many sizes ─────────────────────────────────────────────────────
def sizes(dtype, n):
    single = dtype == 'float32'
    spread = 12 if single else 60
    re = rng.normal(size=n) * 10.0 ** rng.uniform(-spread, spread, n)
    im = rng.normal(size=n) * 10.0 ** rng.uniform(-spread, spread, n)
    middle = rng.normal(size=(2, n)) * 2
    unit = np.exp(1j * rng.uniform(-np.pi, np.pi, n)) * (1 + 1e-7 * rng.normal(size=n))
    near = np.array([1, -1, 1j, -1j])[rng.integers(0, 4, n)] + 1e-5 * (rng.normal(size=n) + 1j * rng.normal(size=n))
    z = np.concatenate([re + 1j * im, middle[0] + 1j * middle[1], unit, near])
    return z.astype('complex64').astype('complex128') if single else z


exact = {
    'exp': mp.exp, 'expm1': lambda z: mp.expm1(z) if abs(z) > 1e-30 else z, 'log': mp.log, 'log1p': lambda z: mp.log(1 + z),
    'log2': lambda z: mp.log(z) / mp.log(2), 'log10': lambda z: mp.log(z) / mp.log(10), 'sqrt': mp.sqrt,
    'sin': mp.sin, 'cos': mp.cos, 'tan': mp.tan, 'sinh': mp.sinh, 'cosh': mp.cosh, 'tanh': mp.tanh,
    'arcsin': mp.asin, 'arccos': mp.acos, 'arctan': mp.atan, 'arcsinh': mp.asinh, 'arccosh': mp.acosh, 'arctanh': mp.atanh,
}
bounded = {'exp', 'expm1', 'sin', 'cos', 'tan', 'sinh', 'cosh', 'tanh'}


def values():
    out = {}
    mp.mp.dps = 150
    for dtype in ('float32', 'float64'):
        for name in functions:
            z = sizes(dtype, 12)
            if name in bounded:
                limit = 80 if dtype == 'float32' else 700
                z = np.array([x for x in z if abs(x) < limit])
            w = [exact[name](mp.mpc(x.real, x.imag)) for x in z]
            out[f'{name} {dtype}'] = {
                'z': [[x.real, x.imag] for x in z],
                'w': [[float(x.real), float(x.imag)] for x in w],
            }
    return out


# ── Special values ──────────────────────────────────────────────────────────────────────────────────────────────────
edges = [-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, np.nan, 2.5]


def special():
    z = np.array([complex(a, b) for a in edges for b in edges])
    out = {'z': pairs(z), 'functions': {}}
    for name in functions + ['abs', 'angle', 'sign', 'square', 'reciprocal', 'conj']:
        w = getattr(np, name)(z)
        out['functions'][name] = [number(x) for x in w] if w.dtype.kind == 'f' else pairs(w)
    return out


def extremes():
    """Near the ends of the range, where naive formulas overflow or underflow."""
    z = np.array([complex(a, b) for a in (1e-310, 1e-200, 1e200, 1.5e308) for b in (-1.4e308, -1e150, 3e-309, 1.0)])
    y = np.array([2e-200 + 1e-200j, 3e200 - 1e250j, 1e-300 + 1j, 1e300 + 2e300j])
    mp.mp.dps = 700
    m = [mp.mpc(x.real, x.imag) for x in z]
    out = {'z': pairs(z), 'y': pairs(y)}
    for name in 'log log1p sqrt arcsin arccos arctan arcsinh arccosh arctanh'.split():
        w = [exact[name](x) for x in m]
        out[name] = pairs([complex(float(x.real), float(x.imag)) for x in w])
    out['abs'] = [float(abs(x)) if abs(x) < mp.mpf('1.79e308') else 'inf' for x in m]
    ratio = [mp.mpc(a.real, a.imag) / mp.mpc(b.real, b.imag) for a in y for b in y]
    out['ratio'] = pairs([complex(float(x.real), float(x.imag)) for x in ratio])
    far = np.array([709.9 + 0.5j * np.pi, 710.2 + 1.5j, 712 + 1.5707j, -745 + 2j])
    out['far'] = pairs(far)
    for name in 'exp sinh cosh'.split():
        w = [exact[name](mp.mpc(x.real, x.imag)) for x in far]
        out[f'far {name}'] = pairs([complex(float(x.real), float(x.imag)) for x in w])
    return out


# ── NumPy's functions on arrays ─────────────────────────────────────────────────────────────────────────────────────
def arrays():
    def c(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    z, w, v = c(3, 4), c(4, 2), c(4)
    stack, sq, x = c(2, 3, 4), c(3, 3), rng.normal(size=(3, 4))
    out = {name: {'shape': list(a.shape), 'data': pairs(a.astype('complex128'))}
           for name, a in dict(z=z, w=w, v=v, stack=stack, sq=sq, x=x).items()}
    results = {
        'sum0': z.sum(axis=0), 'mean': z.mean(axis=1, keepdims=True), 'prod': z.prod(), 'prod1': z.prod(axis=1),
        'cumsum': z.cumsum(), 'cumprod1': z.cumprod(axis=1), 'var': z.var(axis=0), 'std': z.std(ddof=1),
        'matmul': z @ w, 'matmulReal': x @ w, 'realMatmul': z.T @ x, 'dot': np.dot(z, v), 'vdot': np.vdot(z, z * 2j),
        'inner': np.inner(z, v), 'outer': np.outer(v, z[0]), 'kron': np.kron(z[:2, :2], w[:2]),
        'tensordot': np.tensordot(stack, z, axes=[[1, 2], [0, 1]]), 'einsum': np.einsum('bij,jk->bik', stack, w),
        'einsum3': np.einsum('ij,jk,j->ik', z, w, v), 'vecdot': np.vecdot(z, z * 1j), 'trace': np.trace(sq),
        'matvec': np.matvec(z, v), 'vecmat': np.vecmat(v, w), 'cross': np.cross(z[:, :3], sq),
        'convolve': np.convolve(v, z[0]), 'correlate': np.correlate(v, z[0], mode='full'), 'diff': np.diff(z, axis=1),
        'trapezoid': np.trapezoid(z, dx=0.5), 'interp': np.interp([0.5, 1.25], [0, 1, 2, 3], v),
        'inv': np.linalg.inv(sq), 'solve': np.linalg.solve(sq, z), 'solveVector': np.linalg.solve(sq, z[:, 0]),
        'det': np.linalg.det(sq), 'pinv': np.linalg.pinv(z), 'power': np.linalg.matrix_power(sq, 3),
        'norm': np.linalg.norm(z), 'norm1': np.linalg.norm(z, 1), 'norm2': np.linalg.norm(z, 2),
        'nuc': np.linalg.norm(z, 'nuc'), 'multiDot': np.linalg.multi_dot([z, w, w.T]),
        'slogdet': np.array(list(np.linalg.slogdet(sq))),
        'pow3': z ** 3, 'powMinus2': z ** -2, 'powHalf': z ** 0.5, 'powComplex': z ** (0.5 - 1j), 'realPow': 2.5 ** z,
        'round': np.round(z, 2), 'where': np.where(x > 0, z, x), 'concatenate': np.concatenate([z, x]),
        'average': np.average(z, axis=0, weights=[1, 2, 3]),
    }
    out['results'] = {name: {'shape': list(np.shape(r)), 'data': pairs(np.asarray(r).astype('complex128'))}
                      for name, r in results.items()}
    return out


# ── Derivatives ─────────────────────────────────────────────────────────────────────────────────────────────────────
def derivatives():
    z = jnp.array([0.3 + 0.7j, -1.2 + 0.4j, 0.5 - 2.1j])
    t = jnp.array([1 - 0.5j, 0.25 + 1j, -2 + 0.75j])
    out = {'z': pairs(z), 't': pairs(t), 'jvp': {}, 'grad': {}, 'second': {}}
    fs = {name: getattr(jnp, name) for name in functions}
    # JAX's own rule for arccosh has the other sign left of the imaginary axis.
    fs['arccosh'] = lambda z: jnp.log(z + jnp.sqrt(z - 1) * jnp.sqrt(z + 1))
    fs |= {
        'square': jnp.square, 'reciprocal': jnp.reciprocal, 'conj': jnp.conj, 'abs': jnp.abs, 'angle': jnp.angle,
        'pow3': lambda z: z ** 3, 'powMinus2': lambda z: z ** -2, 'powComplex': lambda z: z ** (0.5 - 1j),
        'realPow': lambda z: 2.5 ** z, 'div': lambda z: (z + 1) / (z * z - 2j), 'realDiv': lambda z: 3 / z,
        'prod': jnp.prod, 'cumprod': jnp.cumprod, 'var': jnp.var, 'mulReal': lambda z: z * jnp.array([1.0, -2.0, 0.5]),
        'outer': lambda z: jnp.outer(z, z), 'inv': lambda z: jnp.linalg.inv(jnp.outer(z, jnp.conj(z)) + 2j * jnp.eye(3)),
        'det': lambda z: jnp.linalg.det(jnp.outer(z, z) + jnp.diag(z) + 2j * jnp.eye(3)),
    }
    for name, f in fs.items():
        w, dw = jax.jvp(f, (z,), (t,))
        out['jvp'][name] = {'w': pairs(w.astype('complex128')), 'dw': pairs(dw.astype('complex128'))}

        def loss(z, f=f):
            w = f(z)
            weights = jnp.arange(1, w.size + 1).reshape(w.shape)
            return jnp.sum(weights * (jnp.real(w) + 0.5 * jnp.imag(w) ** 2))

        out['grad'][name] = pairs(np.conj(jax.grad(loss)(z)))
        second = jax.grad(lambda z: jnp.sum(jnp.real(jax.grad(loss)(z)) ** 2))(z)
        out['second'][name] = pairs(np.conj(second))
    return out


# ── Printing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def printing():
    cases = []
    for k in range(60):
        single = bool(rng.integers(0, 2))
        shape = [[], [3], [2, 2], [7], [2, 1, 3], [40]][rng.integers(0, 6)]
        n = int(np.prod(shape))
        kind = rng.integers(0, 5)
        z = rng.normal(size=n) + 1j * rng.normal(size=n)
        if kind == 0:
            z = rng.integers(-20, 20, n) + 1j * rng.integers(-20, 20, n)
        elif kind == 1:
            z = z * 10.0 ** rng.integers(-9, 9, n)
        elif kind == 2:
            z.real = np.where(rng.random(n) < 0.3, np.nan, z.real)
            z.imag = np.where(rng.random(n) < 0.3, -np.inf, z.imag)
        elif kind == 3:
            z = np.round(z, 2)
        z = z.reshape(shape).astype('complex64' if single else 'complex128')
        cases.append({'dtype': str(z.dtype), 'shape': shape, 'data': pairs(z.astype('complex128')), 'text': str(z)})
    return cases


with open(path, 'w') as file:
    json.dump({'values': values(), 'special': special(), 'extremes': extremes(), 'arrays': arrays(),
               'derivatives': derivatives(), 'printing': printing()}, file, separators=(',', ':'))
