"""Writes test/fixtures/npy.json: files that NumPy writes, in base64, with what is in them.

    python test/oracle/npy.py
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

cases = {}


def add(name, x, version=None, values=None):
    file = io.BytesIO()
    npy.write_array(file, x, version=version, allow_pickle=False)
    listed = np.asarray(x if values is None else values).tolist()
    cases[name] = {"file": base64.b64encode(file.getvalue()).decode(), "values": listed}


rng = np.random.default_rng(0)
for code in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
    x = (rng.normal(size=(2, 3)) * 50).astype(code) if code[0] != "u" else rng.integers(0, 200, (2, 3)).astype(code)
    add(f"little {code}", x.astype("<" + code))
    if code[1] != "1":
        add(f"big {code}", x.astype(">" + code))
add("bool", np.array([True, False, True]))
add("fortran", np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)))
add("fortran big", np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)))
add("scalar", np.float64(1.5))
add("empty", np.zeros((0, 3), np.float32))
add("version 2", np.arange(3.0), (2, 0))
add("version 3", np.arange(3.0), (3, 0))
add("extremes", np.array([-(2**31), 2**31 - 1]))
add("halves", np.array([6e-8, -6.1e-5, 65504, 0.333], np.float16))

refused = {}
for name, x in {
    "complex": np.array([1j]),
    "text": np.array(["a"]),
    "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "large": np.array([1, 2**40]),
    "large unsigned": np.array([2**63], np.uint64),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
}.items():
    file = io.BytesIO()
    npy.write_array(file, x, allow_pickle=False)
    refused[name] = base64.b64encode(file.getvalue()).decode()

archives = {}
contents = {"x": np.arange(300) % 7, "y": rng.normal(size=40), "zeros": np.zeros(5000, np.float32), "é": np.array(True)}
for name, write in {"stored": np.savez, "compressed": np.savez_compressed}.items():
    file = io.BytesIO()
    write(file, **contents)
    archives[name] = base64.b64encode(file.getvalue()).decode()
fixture = {
    "numpy": np.__version__,
    "cases": cases,
    "refused": refused,
    "archives": archives,
    "contents": {k: v.tolist() for k, v in contents.items()},
}
path = Path(__file__).parent.parent / "fixtures" / "npy.json"
path.write_text(json.dumps(fixture, ensure_ascii=False) + "\n")
