"""JAXopt's block coordinate descent, mirror descent, stochastic solvers, losses and perturbations, and scikit-learn's estimators on the
same data: writes test/fixtures/composite.json."""

import json
import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import jaxopt
import numpy as np
from jaxopt import loss, objective, perturbations, projection, prox
from sklearn import datasets, isotonic, linear_model, preprocessing, svm

jax.config.update("jax_enable_x64", True)
root = pathlib.Path(__file__).resolve().parents[2]
numbers = lambda x: np.asarray(x, np.float64).tolist()
tree_numbers = lambda t: [numbers(x) for x in jax.tree.leaves(t)]
out = {"data": {}}


def data(name, X, y):
    out["data"][name] = {"X": numbers(X), "y": numbers(y)}
    return jnp.asarray(X), jnp.asarray(y)


def iterates(params, state, **more):
    return {"params": tree_numbers(params), "iterNum": int(state.iter_num), "error": float(state.error), **more}


# JAXopt's functions, with the constants and the normalisation that its documentation says.
class LeastSquares(type(objective.least_squares)):
    def subfun(self, predictions, data):
        return jnp.sum((predictions - data[1]) ** 2) / (2 * len(predictions))

    def columnwise_lipschitz_const(self, data):
        return super().columnwise_lipschitz_const(data) / len(data[0])


class BinaryLogreg(type(objective.binary_logreg)):
    def columnwise_lipschitz_const(self, data):
        return super().columnwise_lipschitz_const(data) / len(data[0])


class MulticlassLogreg(type(objective.multiclass_logreg)):
    def columnwise_lipschitz_const(self, data):
        return super().columnwise_lipschitz_const(data) / len(data[0])


class SvmDual(type(objective.multiclass_linear_svm_dual)):
    def columnwise_lipschitz_const(self, l2reg, data):
        return super().columnwise_lipschitz_const(l2reg, data) / l2reg


regression = data("regression", *datasets.make_regression(n_samples=10, n_features=3, random_state=0))
rng = np.random.RandomState(0)
X, W = rng.randn(50, 10), rng.randn(10, 3)
tasks = data("tasks", X, X @ W + rng.randn(50, 3))
pair = data("pair", *datasets.make_classification(n_samples=20, n_features=5, n_informative=3, n_classes=2, random_state=0))
three = data("three", *datasets.make_classification(n_samples=20, n_features=5, n_informative=3, n_classes=3, random_state=0))
ten = data("ten", *datasets.make_classification(n_samples=10, n_features=5, n_informative=3, n_classes=3, random_state=0))
separable = data(
    "separable",
    *datasets.make_classification(
        n_samples=100, n_features=20, n_classes=2, n_informative=10, n_redundant=10, n_clusters_per_class=1, class_sep=6.0, random_state=42
    ),
)
mixed = data(
    "mixed",
    *datasets.make_classification(
        n_samples=200, n_features=10, n_classes=3, n_informative=5, n_redundant=3, n_clusters_per_class=2, class_sep=1.0, random_state=42
    ),
)
onehot = jnp.asarray(preprocessing.LabelBinarizer().fit_transform(three[1]), float)

# Block coordinate descent after some sweeps, and what scikit-learn finds.
on_simplex = prox.make_prox_from_projection(projection.projection_simplex)
least_squares, binary, multiclass, dual = LeastSquares(), BinaryLogreg(), MulticlassLogreg(), SvmDual()
start = jnp.ones((20, 3)) / 3
descent = {}
for name, fun, block_prox, init, hyper, args in [
    ("lasso", least_squares, prox.prox_lasso, jnp.zeros(3), 10.0, (regression,)),
    ("elastic net", least_squares, prox.prox_elastic_net, jnp.zeros(3), (2.0, 0.8), (regression,)),
    ("tasks", least_squares, prox.prox_group_lasso, jnp.zeros((10, 3)), 0.3, (tasks,)),
    ("binary l1", binary, prox.prox_lasso, jnp.zeros(5), 1e-2, (pair,)),
    ("binary l2", binary, prox.prox_ridge, jnp.zeros(5), 1e-2, (pair,)),
    ("multiclass l1", multiclass, prox.prox_lasso, jnp.zeros((5, 3)), 1e-2, (three,)),
    ("multiclass l2", multiclass, prox.prox_ridge, jnp.zeros((5, 3)), 1e-2, (three,)),
    ("dual", dual, on_simplex, start, 1.0, (1000.0, (three[0], onehot))),
]:
    solver = jaxopt.BlockCoordinateDescent(fun=fun, block_prox=block_prox, maxiter=5, tol=0.0)
    descent[name] = iterates(*solver.run(init, hyper, *args), value=float(fun(init + 0.1, *args)), constants=numbers(fun.columnwise_lipschitz_const(*args)))
out["descent"] = descent

free = {"fit_intercept": False, "tol": 1e-12, "max_iter": 100000}
logistic = lambda data, penalty: linear_model.LogisticRegression(
    l1_ratio=1.0 if penalty == "l1" else 0.0, C=1 / (len(data[0]) * 1e-2), solver="saga" if penalty == "l1" else "lbfgs", **free
).fit(*data).coef_.T
out["sklearn"] = {
    "lasso": numbers(linear_model.Lasso(alpha=10.0, **free).fit(*regression).coef_),
    "elastic net": numbers(linear_model.ElasticNet(alpha=2.0 + 2.0 * 0.8, l1_ratio=2.0 / (2.0 + 2.0 * 0.8), **free).fit(*regression).coef_),
    "tasks": numbers(linear_model.MultiTaskLasso(alpha=0.3, **free).fit(*tasks).coef_.T),
    "binary l1": numbers(logistic(pair, "l1")[:, 0]),
    "binary l2": numbers(logistic(pair, "l2")[:, 0]),
    "multiclass l2": numbers(logistic(three, "l2")),
    "svm 1000": numbers(svm.LinearSVC(loss="hinge", dual=True, multi_class="crammer_singer", C=1e-3, **free).fit(*three).coef_.T),
    "svm 10": numbers(svm.LinearSVC(loss="hinge", dual=True, multi_class="crammer_singer", C=1e-1, **free).fit(*three).coef_.T),
}

# Mirror descent on the dual of a support vector machine.
schedule = lambda t: jnp.where(t <= 50, 5.0, 5.0 * 50 / jnp.maximum(t, 1))
kl = jaxopt.MirrorDescent.make_projection_grad(lambda y, _: jax.nn.softmax(y, -1), lambda p: jnp.log(p) + 1)
solver = jaxopt.MirrorDescent(fun=dual, projection_grad=kl, stepsize=schedule, maxiter=60, tol=0.0)
out["mirror"] = iterates(*solver.run(start, None, 10.0, (three[0], onehot)))

# Stochastic solvers: on all data, and batch by batch.
fun = objective.l2_multiclass_logreg_with_intercept
zeros = (jnp.zeros((5, 3)), jnp.zeros(3))
batches = [(ten[0][i : i + 5], ten[1][i : i + 5]) for i in (0, 5, 2)]
stochastic = {}
for name, cls, l2reg, options in [
    ("armijo", jaxopt.ArmijoSGD, 0.1, {"maxiter": 12}),
    ("armijo conservative", jaxopt.ArmijoSGD, 10.0, {"maxiter": 12, "reset_option": "conservative", "aggressiveness": 0.5}),
    ("armijo goldstein", jaxopt.ArmijoSGD, 10.0, {"maxiter": 12, "reset_option": "goldstein"}),
    ("armijo long", jaxopt.ArmijoSGD, 0.1, {"maxiter": 12, "reset_option": "goldstein", "max_stepsize": 20.0, "aggressiveness": 0.6}),
    ("armijo momentum", jaxopt.ArmijoSGD, 100.0, {"maxiter": 12, "momentum": 0.5, "maxls": 4}),
    ("polyak", jaxopt.PolyakSGD, 0.1, {"maxiter": 12}),
    ("polyak momentum", jaxopt.PolyakSGD, 100.0, {"maxiter": 12, "max_stepsize": 0.01, "momentum": 0.9, "delta": 0.1}),
    ("polyak plus", jaxopt.PolyakSGD, 0.1, {"maxiter": 12, "variant": "SPS+", "fun_min": 0.2}),
]:
    solver = cls(fun=fun, tol=0.0, **options)
    found = solver.run(zeros, l2reg, ten)
    by_batch = solver.run_iterator(zeros, iter([batches[0], *batches]), l2reg)
    stochastic[name] = iterates(*found, l2reg=l2reg, stepsize=float(found.state.stepsize), value=float(found.state.value), batches=tree_numbers(by_batch.params))
out["stochastic"] = stochastic

# Isotonic regression.
cases = []
for n, increasing, weighted in [(1, True, False), (10, True, False), (10, False, False), (40, True, True), (40, False, True)]:
    y, w = rng.randn(n) + (0.05 if increasing else -0.05) * np.arange(n), rng.rand(n) + 0.1 if weighted else np.ones(n)
    fit = isotonic.isotonic_regression(y, sample_weight=w, increasing=increasing)
    cases.append({"y": numbers(y), "weights": numbers(w), "increasing": increasing, "fit": numbers(fit)})
out["isotonic"] = cases

# Losses and their derivatives, and those of their sums.
scores, labels = rng.randn(6, 4) * 2, rng.randint(0, 4, 6)
logits, binary_labels = np.linspace(-2.93, 3.05, 25), rng.randint(0, 2, 25)
signs = 2 * binary_labels - 1
found = {}
for name, f, x, y in [
    ("sparsemaxLoss", loss.binary_sparsemax_loss, logits, binary_labels),
    ("sigmoidBinaryCrossEntropy", loss.binary_logistic_loss, logits, binary_labels),
    ("hingeLoss", loss.binary_hinge_loss, logits, binary_labels),
    ("perceptronLoss", loss.binary_perceptron_loss, logits, binary_labels),
    ("multiclassHingeLoss", loss.multiclass_hinge_loss, scores, labels),
    ("multiclassPerceptronLoss", loss.multiclass_perceptron_loss, scores, labels),
    ("multiclassSparsemaxLoss", loss.multiclass_sparsemax_loss, scores, labels),
    ("softmaxCrossEntropyWithIntegerLabels", loss.multiclass_logistic_loss, scores, labels),
]:
    each = jax.vmap(jax.value_and_grad(lambda s, l: f(l, s)))
    values, gradients = each(jnp.asarray(x), jnp.asarray(y))
    targets = signs if name in ("hingeLoss", "perceptronLoss") else y
    found[name] = {"x": numbers(x), "y": np.asarray(targets).tolist(), "values": numbers(values), "gradients": numbers(gradients)}
for name, f in [("sparsePlus", jax.nn.sparse_plus), ("sparseSigmoid", jax.nn.sparse_sigmoid)]:
    x = np.linspace(-2.1, 2.1, 25)
    found[name] = {"x": numbers(x), "values": numbers(f(x)), "gradients": numbers(jax.vmap(jax.grad(f))(x))}
out["losses"] = found

# Perturbed functions with the same keys.
x = jnp.array([-0.6, 1.9, -0.2, 1.1, -1.0])
argmax = lambda x: jax.nn.one_hot(jnp.argmax(x), x.shape[0])
ranks = lambda x: jnp.argsort(jnp.argsort(x)).astype(float)
key = jax.random.PRNGKey(0)
perturbed = {}
for noise_name, noise in [("normal", perturbations.Normal()), ("gumbel", perturbations.Gumbel())]:
    options = {"num_samples": 200, "sigma": 0.5, "noise": noise}
    for name, f in [
        ("argmax", perturbations.make_perturbed_argmax(argmax, **options)),
        ("ranks", perturbations.make_perturbed_argmax(ranks, **options, control_variate=True)),
        ("max", perturbations.make_perturbed_max(argmax, **options)),
        ("scalar", perturbations.make_perturbed_fun(lambda x: jnp.sum(jnp.sign(x)), **options)),
        ("controlled", perturbations.make_perturbed_fun(lambda x: jnp.sum(jnp.sign(x)), **options, control_variate=True)),
    ]:
        perturbed[f"{noise_name} {name}"] = {"value": numbers(f(x, key)), "jacobian": numbers(jax.jacobian(f)(x, key))}
out["perturbed"] = {"x": numbers(x), **perturbed}

(root / "test/fixtures/composite.json").write_text(json.dumps(out) + "\n")
