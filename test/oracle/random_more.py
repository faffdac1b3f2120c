"""Writes test/fixtures/random-more.json: samples of JAX whose algorithm is ours, for the same keys.

    python test/oracle/random_more.py
"""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax import random


def flat(x):
    return {"shape": list(x.shape), "values": [float(v) for v in np.asarray(x).ravel()]}


out = {}
for d in ["float32", "float64"]:
    # With it, signs are drawn with float64 numbers.
    jax.config.update("jax_enable_x64", d == "float64")
    k = lambda i: random.PRNGKey(i)
    a, b = jnp.array([0.3, 1, 2.5, 40], d), jnp.array([2, 0.5, 7, 3], d)
    s = (5, 4)
    vector = a
    a, b = jnp.broadcast_to(a, s), jnp.broadcast_to(b, s)
    out[d] = {name: flat(x) for name, x in {
        "gamma": random.gamma(k(0), a, s, d), "loggamma": random.loggamma(k(1), a, s, d), "beta": random.beta(k(2), a, b, s, d),
        "chisquare": random.chisquare(k(3), a, s, d), "f": random.f(k(4), a, b, s, d), "t": random.t(k(5), a, s, d),
        "dirichlet": random.dirichlet(k(6), vector, (5,), d), "pareto": random.pareto(k(7), a, s, d), "rayleigh": random.rayleigh(k(8), a, s, d),
        "wald": random.wald(k(9), a, s, d), "weibullMin": random.weibull_min(k(10), a, b, s, d), "lognormal": random.lognormal(k(11), a, s, d),
        "triangular": random.triangular(k(12), -a, b, 8 + a, s, d), "maxwell": random.maxwell(k(13), s, d),
        "generalizedNormal": random.generalized_normal(k(15), 1.5, s, d), "ball": random.ball(k(16), 3, 1.5, (5,), d),
        "orthogonal": random.orthogonal(k(17), 3, (2,), d), "orthogonalWide": random.orthogonal(k(18), 2, (), d, m=3),
        "doubleSidedMaxwell": random.double_sided_maxwell(k(14), jnp.array(0.5, d), jnp.array(2, d), (5,), d),
        "geometric": random.geometric(k(19), jnp.array([0.1, 0.5, 0.9], "float32"), (5, 3)),
        "gammaSlope": jax.vmap(jax.grad(lambda a: random.gamma(k(20), a, (), d)))(vector),
        "loggammaSlope": jax.vmap(jax.grad(lambda a: random.loggamma(k(20), a, (), d)))(vector),
    }.items()}
path = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "random-more.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
