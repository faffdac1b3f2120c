"""Freezes what JAX and JAXopt compute in whole programs: python programs.py writes ../fixtures/programs.json."""

import json
import pathlib

import jax
import jax.numpy as jnp
import jaxopt
import numpy as np
from jax import grad, lax, random, vmap

jax.config.update("jax_enable_x64", True)
f64 = jnp.float64
out = {}


def flat(x):
    return np.asarray(x).ravel().tolist()


# Gaussian process regression: hyperparameters by the marginal likelihood.
kx, kn = random.split(random.key(1))
X = random.uniform(kx, (40, 1), f64, -3, 3)
y = jnp.sin(X[:, 0]) + 0.1 * random.normal(kn, (40,), f64)


def covariance(p, a, b):
    k = lambda u, v: jnp.exp(2 * p["amplitude"] - 0.5 * jnp.sum((u - v) ** 2) / jnp.exp(2 * p["length"]))
    return vmap(lambda u: vmap(lambda v: k(u, v))(b))(a)


def negative_likelihood(p):
    K = covariance(p, X, X) + jnp.eye(40) * (jnp.exp(2 * p["noise"]) + 1e-8)
    L = jnp.linalg.cholesky(K)
    alpha = jax.scipy.linalg.cho_solve((L, True), y)
    return 0.5 * y @ alpha + jnp.sum(jnp.log(jnp.diag(L))) + 20 * jnp.log(2 * jnp.pi)


start = {"amplitude": jnp.array(0.0), "length": jnp.array(0.0), "noise": jnp.array(-1.0)}
found = jaxopt.LBFGS(negative_likelihood, maxiter=100, tol=1e-6).run(start)
out["gp"] = {
    "value": float(negative_likelihood(start)),
    "gradient": {k: float(v) for k, v in grad(negative_likelihood)(start).items()},
    "params": {k: float(v) for k, v in found.params.items()},
    "iterations": int(found.state.iter_num),
}

# Kalman filter: the likelihood of noise variances, with two derivatives.
A, H = jnp.array([[1.0, 1], [0, 1]]), jnp.array([[1.0, 0]])
ys = jnp.cumsum(random.normal(random.key(3), (50, 1), f64), 0)


def likelihood(theta):
    Q, R = jnp.eye(2) * jnp.exp(theta[0]), jnp.eye(1) * jnp.exp(theta[1])

    def step(carry, y):
        m, P = carry
        mp, Pp = A @ m, A @ P @ A.T + Q
        S = H @ Pp @ H.T + R
        K = jnp.linalg.solve(S, H @ Pp).T
        r = y - H @ mp
        return (mp + K @ r, Pp - K @ H @ Pp), jax.scipy.stats.multivariate_normal.logpdf(r, jnp.zeros(1), S)

    return lax.scan(step, (jnp.zeros(2), jnp.eye(2)), ys)[1].sum()


theta = jnp.zeros(2)
out["kalman"] = {"value": float(likelihood(theta)), "gradient": flat(grad(likelihood)(theta)), "hessian": flat(jax.hessian(likelihood)(theta))}

# Hamiltonian Monte Carlo in one scan.
mean, precision = jnp.array([1.0, -1]), jnp.array([[2, 0.5], [0.5, 1]])
logp = lambda x: -0.5 * (x - mean) @ precision @ (x - mean)


def sample(q, key):
    k1, k2 = random.split(key)
    p = random.normal(k1, q.shape, f64)

    def leap(_, c):
        q, p = c
        half = p + grad(logp)(q) * 0.15
        q = q + half * 0.3
        return q, half + grad(logp)(q) * 0.15

    q1, p1 = lax.fori_loop(0, 10, leap, (q, p))
    gain = logp(q1) - 0.5 * p1 @ p1 - (logp(q) - 0.5 * p @ p)
    accept = jnp.log(random.uniform(k2, (), f64)) < gain
    q = jnp.where(accept, q1, q)
    return q, (q, accept)


_, (samples, accepted) = lax.scan(sample, jnp.zeros(2), random.split(random.key(0), 500))
out["hmc"] = {"mean": flat(samples.mean(0)), "last": flat(samples[-1]), "accepted": float(accepted.mean())}

# Logistic regression with an L1 penalty, and how the solution moves with it.
kx, kw = random.split(random.key(0))
X = random.normal(kx, (100, 10), f64)
truth = jnp.where(jnp.arange(10) < 3, 2 * random.normal(kw, (10,), f64), 0)
labels = (X @ truth > 0).astype(f64)


def logistic(w, X, labels):
    z = X @ w
    return jnp.mean(jnp.logaddexp(0, z) - labels * z)


solver = jaxopt.ProximalGradient(logistic, jaxopt.prox.prox_lasso, maxiter=2000, tol=1e-9)
solution = lambda strength: solver.run(jnp.zeros(10), strength, X, labels).params
w = solution(0.05)
# On the support the derivative is −H⁻¹ sign(w) with the Hessian there; elsewhere 0.
support = np.flatnonzero(np.abs(np.asarray(w)) > 1e-9)
hessian = np.asarray(jax.hessian(logistic)(w, X, labels))[np.ix_(support, support)]
slope = np.zeros(10)
slope[support] = -np.linalg.solve(hessian, np.sign(np.asarray(w))[support])
out["lasso"] = {"params": flat(w), "slope": slope.tolist()}

# MAML: the gradient of the loss after a step of gradient descent, over tasks.
sizes = [1, 8, 8, 1]
keys = random.split(random.key(0), 3)
layers = [{"w": random.normal(k, (m, n), f64) * (m**-0.5), "b": jnp.zeros(n)} for k, m, n in zip(keys, sizes, sizes[1:])]


def net(p, x):
    for i, layer in enumerate(p):
        x = x @ layer["w"] + layer["b"]
        x = jnp.tanh(x) if i < 2 else x
    return x


mse = lambda p, x, y: jnp.mean((net(p, x) - y) ** 2)
adapted = lambda p, x, y: jax.tree.map(lambda a, g: a - 0.1 * g, p, grad(mse)(p, x, y))
maml = lambda p, x, y: jnp.mean(vmap(lambda x, y: mse(adapted(p, x[:5], y[:5]), x[5:], y[5:]))(x, y))
x = random.uniform(random.key(1), (4, 10, 1), f64, -2, 2)
y = jnp.sin(x * jnp.arange(1, 5)[:, None, None])
out["maml"] = {"value": float(maml(layers, x, y)), "gradient": flat(grad(maml)(layers, x, y)[1]["w"])}

path = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "programs.json"
path.write_text(json.dumps(out, indent=1) + "\n")
