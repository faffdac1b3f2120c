"""Steps of optax and a file of the safetensors package, frozen: run with the oracle's python; writes
test/fixtures/optimizers.json and test/fixtures/weights.safetensors.

Ten steps of each optimizer on a small tree. With 64 bits enabled, optax computes 1 - b ** t in float64 for float32
parameters too, as the library does; in 32 bits that difference has four correct digits for b2 = 0.999.
"""

import json
import pathlib

import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import numpy as np
import optax
from safetensors.numpy import save

fixtures = pathlib.Path(__file__).parent.parent / "fixtures"
rng = np.random.RandomState(0)
start = {"b": rng.randn(3), "layers": [rng.randn(2, 3), rng.randn()]}
gradients = [jax.tree.map(lambda x: rng.randn(*np.shape(x)) * 10.0 ** rng.randint(-3, 2), start) for _ in range(10)]
# A gradient that is 0 all the time, and one that begins at 0.
for i, g in enumerate(gradients):
    g["b"][0] = 0
    if i < 3:
        g["layers"][0][0, 1] = 0

schedules = {
    "constant": optax.constant_schedule(0.3),
    "polynomial": optax.polynomial_schedule(1.0, 0.1, 2, 6, 2),
    "polynomialRoot": optax.polynomial_schedule(1.0, 0.1, 0.5, 6),
    "linear": optax.linear_schedule(0.0, 0.5, 7),
    "linearOff": optax.linear_schedule(0.25, 0.5, 0),
    "piecewise": optax.piecewise_constant_schedule(0.5, {7: 0.3, 3: 0.1}),
    "exponential": optax.exponential_decay(0.5, 4, 0.7),
    "exponentialStairs": optax.exponential_decay(0.5, 3, 0.7, 2, True, 0.2),
    "exponentialGrowth": optax.exponential_decay(0.5, 3, 1.5, 1, False, 1.2),
    "cosine": optax.cosine_decay_schedule(0.4, 8),
    "cosineAlpha": optax.cosine_decay_schedule(0.4, 8, 0.1, 1.5),
    "warmupCosine": optax.warmup_cosine_decay_schedule(0.01, 0.4, 3, 9, 0.02),
    "warmupCosineNone": optax.warmup_cosine_decay_schedule(0.01, 0.4, 0, 9, 0.02, 2.0),
    "join": optax.join_schedules([optax.linear_schedule(0.0, 1.0, 4), optax.exponential_decay(1.0, 2, 0.5)], [5]),
}


def wide(schedule):
    """The schedule computed in float64 throughout: from integer counts, optax would compute some parts in float32."""
    return lambda count: schedule(jnp.asarray(count, jnp.float64))


schedules = {k: wide(s) for k, s in schedules.items()}


def optimizers(dtype):
    return {
        "sgd": optax.sgd(0.1),
        "sgdSchedule": optax.sgd(schedules["cosine"]),
        "momentum": optax.sgd(0.1, momentum=0.9),
        "nesterov": optax.sgd(0.1, momentum=0.9, nesterov=True),
        "adam": optax.adam(0.01),
        "adamOptions": optax.adam(schedules["warmupCosine"], b1=0.8, b2=0.95, eps=1e-4, eps_root=1e-6),
        "adamw": optax.adamw(0.01, weight_decay=0.1),
        "adamwMask": optax.adamw(0.01, weight_decay=0.1, mask=lambda params: jax.tree.map(lambda p: jnp.ndim(p) > 1, params)),
        "adamwSchedule": optax.adamw(0.01, weight_decay=lambda count: schedules["linear"](count).astype(dtype)),
        "nadam": optax.nadam(0.01),
        "nadamw": optax.nadamw(0.01),
        "rmsprop": optax.rmsprop(0.01),
        "rmspropOutside": optax.rmsprop(0.01, decay=0.8, eps=1e-3, initial_scale=0.5, eps_in_sqrt=False, bias_correction=True),
        "rmspropMomentum": optax.rmsprop(0.01, momentum=0.9, nesterov=True),
        "rmspropCentered": optax.rmsprop(0.01, eps=1e-3, centered=True, momentum=0.5),
        "adagrad": optax.adagrad(0.1),
        "adagradZero": optax.adagrad(0.1, initial_accumulator_value=0.0),
        "lion": optax.lion(0.01),
        "clip": optax.chain(optax.clip(0.5), optax.scale(-0.1)),
        "clipByGlobalNorm": optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, momentum=0.9)),
        "chain": optax.chain(
            optax.clip_by_global_norm(5.0),
            optax.add_decayed_weights(0.01),
            optax.scale_by_adam(),
            optax.scale_by_schedule(schedules["exponential"]),
            optax.scale_by_learning_rate(0.1),
        ),
    }


def numbers(x):
    return np.asarray(x, np.float64).ravel().tolist()


def run(optimizer, dtype):
    params = jax.tree.map(lambda x: jnp.asarray(x, dtype), start)
    state = optimizer.init(params)
    steps = []
    for g in gradients:
        grads = jax.tree.map(lambda x: jnp.asarray(x, dtype), g)
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        assert all(p.dtype == dtype for p in jax.tree.leaves(params))
        steps.append(sum((numbers(u) for u in jax.tree.leaves(updates)), []))
    return {"updates": steps, "params": sum((numbers(p) for p in jax.tree.leaves(params)), [])}


data = {
    "start": sum((numbers(x) for x in jax.tree.leaves(start)), []),
    "gradients": [sum((numbers(x) for x in jax.tree.leaves(g)), []) for g in gradients],
    "schedules": {k: [float(s(i)) for i in range(13)] for k, s in schedules.items()},
    "optimizers": {k: {d: run(optimizers(d)[k], d) for d in ("float32", "float64")} for k in optimizers("float32")},
}
(fixtures / "optimizers.json").write_text(json.dumps(data) + "\n")

tensors = {
    "layers.0.w": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
    "layers.0.b": np.array([1e-300, -2.5, np.inf]),
    "step": np.array(7, np.int32),
    "key": np.array([1, 2**32 - 1], np.uint32),
    "mask": np.array([[True], [False], [True]]),
    "empty": np.zeros((0, 4), np.float32),
}
(fixtures / "weights.safetensors").write_bytes(save(tensors, metadata={"format": "np", "note": "déjà vu"}))
