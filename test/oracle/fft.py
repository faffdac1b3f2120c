"""NumPy's transforms with all of their options, and JAX's derivatives: test/fixtures/fft.json."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
random = np.random.default_rng(7)


def plain(y):
    y = np.asarray(y)
    if np.iscomplexobj(y):
        return {"re": y.real.tolist(), "im": y.imag.tolist()}
    return y.tolist()


def digits(shape):
    return np.round(random.uniform(-1, 1, shape), 3)


def drawn(shape, kind):
    x = digits(shape)
    return x + 1j * digits(shape) if kind == "complex" else x


values = []


def value(name, shape, kind="complex", **options):
    x = drawn(shape, kind)
    y = getattr(np.fft, name)(x, **options)
    values.append({"name": name, "x": plain(x), "options": options, "y": plain(y)})


norms = ["backward", "ortho", "forward"]
for name in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]:
    kinds = ["real"] if name in ["rfft", "ihfft"] else ["real", "complex"]
    for kind in kinds:
        for n in [1, 2, 3, 4, 5, 8, 9, 12, 17]:
            # A half of one number stands for none, unless it is said how many.
            value(name, [n], kind, **({"n": 1} if n == 1 else {}))
        for norm in norms:
            value(name, [7], kind, norm=norm)
            value(name, [6], kind, norm=norm, n=9)
            value(name, [6], kind, norm=norm, n=4)
        value(name, [3, 5, 4], kind, axis=0)
        value(name, [3, 5, 4], kind, axis=-2, n=6)
        value(name, [3, 5, 4], kind, axis=1, n=3)
for name in ["fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"]:
    kinds = ["real"] if name in ["rfftn", "rfft2"] else ["real", "complex"]
    for kind in kinds:
        value(name, [4, 3, 5], kind)
        for norm in norms:
            value(name, [3, 4], kind, norm=norm)
        value(name, [4, 3, 5], kind, axes=[0, 2])
        value(name, [4, 3, 5], kind, axes=[-1, 0])
        value(name, [4, 3, 5], kind, axes=[1, 2], s=[5, 4])
value("fftn", [4, 3, 5], axes=[1])
value("fftn", [2, 3], s=[3, 2], axes=[0, 1])
value("irfftn", [2, 3], s=[3, 5], axes=[0, 1])

frequencies = [
    {"name": name, "n": n, "d": d, "y": plain(getattr(np.fft, name)(n, d))}
    for name in ["fftfreq", "rfftfreq"]
    for n in [1, 2, 3, 8, 9]
    for d in [1, 0.25]
]
for name in ["fftshift", "ifftshift"]:
    value(name, [5], "real")
    value(name, [6], "complex")
    value(name, [3, 4, 5], "real")
    value(name, [3, 4], "real", axes=[1])
    value(name, [3, 4], "complex", axes=0)

# Σ u·re y + v·im y + (re y)²·(im y) has derivatives of every order in both parts of x.
derivatives = []


def derivative(name, shape, kind, **options):
    re, im = digits(shape), digits(shape)
    transform = lambda re, im: getattr(jnp.fft, name)(re + 1j * im if kind == "complex" else re, **options)
    y = transform(re, im)
    u, v = digits(y.shape), digits(y.shape)

    def loss(re, im):
        y = transform(re, im)
        a, b = jnp.real(y), jnp.imag(y) if jnp.iscomplexobj(y) else y
        return jnp.sum(u * a + v * b + a * a * b)

    gradient = jax.grad(loss, (0, 1))
    tangents = digits(shape), digits(shape)
    second = jax.jvp(gradient, (re, im), tangents)[1]
    derivatives.append(
        {
            "name": name,
            "kind": kind,
            "options": options,
            "re": re.tolist(),
            "im": im.tolist(),
            "u": u.tolist(),
            "v": v.tolist(),
            "loss": float(loss(re, im)),
            "gradient": [g.tolist() for g in gradient(re, im)],
            "tangents": [x.tolist() for x in tangents],
            "second": [g.tolist() for g in second],
        }
    )


for name in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]:
    for kind in ["real"] if name in ["rfft", "ihfft"] else ["real", "complex"]:
        derivative(name, [6], kind)
        derivative(name, [5], kind, norm="ortho")
        derivative(name, [3, 4], kind, axis=0, n=5)
for name in ["fftn", "irfftn", "rfftn"]:
    derivative(name, [3, 4], "real" if name == "rfftn" else "complex")

out = pathlib.Path(__file__).parent.parent / "fixtures" / "fft.json"
out.write_text(json.dumps({"values": values, "frequencies": frequencies, "derivatives": derivatives}) + "\n")
