"""Random numbers of JAX, frozen as JSON: run with the oracle's python; writes test/fixtures/random.json."""

import json
import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from jax import random


def flat(x):
    x = np.asarray(x)
    values = x.astype(np.float64 if x.dtype.kind == "f" else np.int64).ravel().tolist()
    return {"shape": list(x.shape), "values": values}


mpmath.mp.dps = 40


def exact(f, u):
    """f of each uniform number, correctly rounded to float64: XLA's own functions are up to 300 ulp off."""
    return {"shape": list(u.shape), "values": [float(f(mpmath.mpf(float(x)))) for x in np.asarray(u)]}


def cases(dtypes):
    k = random.PRNGKey
    out = {}
    if "float32" in dtypes:
        seeds = [0, 1, 42, -1, 2**31, 2**32 - 1]
        out["key"] = [{"seed": s, **flat(k(s))} for s in seeds]
        out["split"] = [{"seed": s, "n": n, **flat(random.split(k(s), n))} for s in (0, 42) for n in (1, 2, 5)]
        out["splitShape"] = flat(random.split(k(3), (2, 3)))
        out["foldIn"] = [{"seed": 7, "data": d, **flat(random.fold_in(k(7), d))} for d in (0, 1, 123456789)]
        out["bits"] = [
            {"seed": s, "shape": list(sh), "values": flat(random.bits(k(s), sh))["values"]}
            for s, sh in [(0, ()), (0, (1,)), (1, (5,)), (42, (3, 4)), (9, (0,)), (2, (1001,))]
        ]
        out["randint"] = [
            {"seed": s, "low": lo, "high": hi, "dtype": d, **flat(random.randint(k(s), (17,), lo, hi, d))}
            for s, lo, hi, d in [
                (0, 0, 10, "int32"),
                (1, -5, 3, "int32"),
                (2, -(2**31), 2**31 - 1, "int32"),
                (3, 5, 5, "int32"),
                (4, 0, 1000003, "uint32"),
            ]
        ]
        out["permutation"] = [{"n": n, **flat(random.permutation(k(5), n))} for n in (1, 2, 10, 2000)]
        grid = jnp.arange(12).reshape(4, 3)
        out["permutationRows"] = flat(random.permutation(k(6), grid))
        out["permutationAxis1"] = flat(random.permutation(k(6), grid, axis=1))
        out["permutationIndependent"] = flat(random.permutation(k(6), grid, independent=True))
        out["bernoulli"] = flat(random.bernoulli(k(8), 0.3, (20,)))
        out["rademacher"] = flat(random.rademacher(k(8), (20,), "int32"))
        out["choice"] = flat(random.choice(k(11), 7, (2, 5)))
        out["choiceNoReplace"] = flat(random.choice(k(11), 7, (5,), replace=False))
        p = jnp.array([0.1, 0.2, 0.3, 0.4])
        out["choiceP"] = flat(random.choice(k(12), 4, (20,), p=p))
        out["choicePNoReplace"] = flat(random.choice(k(12), 4, (3,), replace=False, p=p))
        out["choiceRows"] = flat(random.choice(k(13), grid, (5,)))
        logits = jnp.array([[0.0, 1.0, 2.0], [2.0, -1.0, 0.5]])
        out["categorical"] = flat(random.categorical(k(14), logits))
        out["categoricalShape"] = flat(random.categorical(k(14), logits, shape=(4, 2)))
        out["categoricalAxis0"] = flat(random.categorical(k(14), logits, axis=0))
        out["vmapNormal"] = flat(jax.vmap(lambda key: random.uniform(key, (3,)))(random.split(k(15), 4)))
    for d in dtypes:
        out["uniform_" + d] = flat(random.uniform(k(0), (33,), d))
        out["uniformRange_" + d] = flat(random.uniform(k(1), (33,), d, minval=-3.0, maxval=5.0))
        out["normal_" + d] = flat(random.normal(k(2), (1001,), d))
        out["exponential_" + d] = flat(random.exponential(k(3), (33,), d))
        out["gumbel_" + d] = flat(random.gumbel(k(4), (33,), d))
        out["laplace_" + d] = flat(random.laplace(k(5), (33,), d))
        out["logistic_" + d] = flat(random.logistic(k(6), (33,), d))
        out["cauchy_" + d] = flat(random.cauchy(k(7), (33,), d))
        out["truncatedNormal_" + d] = flat(random.truncated_normal(k(8), -2, 1, (33,), d))
        cov = jnp.array([[2, 0.5], [0.5, 1]], d)
        out["multivariateNormal_" + d] = flat(random.multivariate_normal(k(9), jnp.array([1, -1], d), cov, (5,), d))
        init = jax.nn.initializers
        made = {
            "heNormal": init.he_normal(), "glorotUniform": init.glorot_uniform(), "lecunNormal": init.lecun_normal(in_axis=0, out_axis=1),
            "varianceScaling": init.variance_scaling(3.0, "fan_out", "normal"), "orthogonal": init.orthogonal(2.0), "uniform": init.uniform(0.3),
        }
        out["initializers_" + d] = {name: flat(f(k(10), (2, 3, 4), d)) for name, f in made.items()}
        low = np.nextafter(np.array(-1, d), np.array(0, d))
        out["normalExact_" + d] = exact(
            lambda u: mpmath.sqrt(2) * mpmath.erfinv(u), random.uniform(k(2), (1001,), d, low, 1)
        )
        out["exponentialExact_" + d] = exact(lambda u: -mpmath.log1p(-u), random.uniform(k(3), (33,), d))
    return out


result = cases(["float32"])
jax.config.update("jax_enable_x64", True)
result.update(cases(["float64"]))
path = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "random.json"
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
