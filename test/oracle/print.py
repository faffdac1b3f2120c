"""Writes test/fixtures/print-random.json: arrays of many kinds and how NumPy 2 prints them.

python print.py [count] [path]
"""

import json
import os
import sys

import numpy as np

count = int(sys.argv[1]) if len(sys.argv) > 1 else 336
path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'print-random.json')
rng = np.random.default_rng(20240607)


def shape():
    rank = rng.choice([0, 1, 1, 1, 2, 2, 3, 4])
    limit = [1, 11, 5, 3, 2][rank]
    sizes = [int(n) for n in rng.integers(1, limit + 1, rank)]
    if rank and rng.random() < 0.04:
        sizes[rng.integers(rank)] = 0
    return sizes


def floats(n):
    kind = rng.integers(10)
    if kind == 0:
        x = rng.integers(-20, 20, n).astype(float)
    elif kind == 1:
        x = rng.integers(-2000, 2000, n) / 2.0 ** rng.integers(0, 8)
    elif kind == 2:
        x = rng.normal(size=n)
    elif kind == 3:
        x = rng.normal(size=n) * 10.0 ** rng.integers(-7, 9)
    elif kind == 4:
        x = 10.0 ** rng.uniform(-4, 4, n) * rng.choice([-1, 1], n)
    elif kind == 5:
        x = 10.0 ** rng.integers(-30, 30, n).astype(float)
    elif kind == 6:
        x = np.round(rng.normal(size=n) * 100, rng.integers(0, 5))
    elif kind == 7:
        x = rng.uniform(1, 2, n) * 10.0 ** rng.integers(5, 17)
    elif kind == 8:
        x = 10.0 ** rng.uniform(-300, 300, n)
    else:
        x = rng.choice([0.0, -0.0, 1.0, 0.5, 1e-4, 9.9999e-5, 1e8, 99999999.0, 1e16, 1e15, 1e6, 999999.0, 0.1, 1 / 3], n)
    for value in [np.nan, np.inf, -np.inf, 0.0, -0.0]:
        if rng.random() < 0.12 and n:
            x[rng.integers(n)] = value
    return x


def plain(x):
    return [v if np.isfinite(v) else 'nan' if np.isnan(v) else 'inf' if v > 0 else '-inf' for v in x]


cases = []


def add(values, dtype, shape):
    with np.errstate(over='ignore'):
        a = np.array(values).astype(dtype).reshape(shape)
    flat = a.ravel()
    if dtype == 'float32':
        # The fewest digits that give the same number back.
        data = [float(str(v)) if np.isfinite(v) else v for v in flat]
    else:
        data = flat.tolist()
    data = [int(v) for v in data] if dtype not in ('float32', 'float64') else plain(data)
    cases.append({'data': data, 'shape': list(a.shape), 'dtype': dtype, 'text': str(a)})


for i in range(count):
    s = shape()
    n = int(np.prod(s))
    dtype = ['float32', 'float64', 'float32', 'float64', 'int32', 'uint32', 'bool'][i % 7]
    if dtype in ('float32', 'float64'):
        add(floats(n), dtype, s)
    elif dtype == 'int32':
        add(rng.integers(-(10 ** rng.integers(1, 9)), 10 ** rng.integers(1, 9), n), dtype, s)
    elif dtype == 'uint32':
        add(rng.integers(0, 2 ** rng.integers(1, 32), n), dtype, s)
    else:
        add(rng.integers(0, 2, n).astype(bool), dtype, s)

# Summarised arrays, i / divisor + offset: not written out.
for i in range(count // 14):
    s = [[1001], [40, 30], [10, 11, 12], [2, 600], [1200, 1], [3, 7, 8, 9], [5, 1, 1000], [1500, 2], [7, 150], [6, 6, 6, 6]][i % 10]
    n = int(np.prod(s))
    divisor = float(rng.choice([1, 2, 3, 7, 10, 64, 1000, 1e5, 1e-5]))
    offset = float(rng.choice([0, -5, 0.5, -1000, 1e6]))
    for dtype in ['float32', 'float64', 'int32']:
        a = (np.arange(n) / divisor + offset).astype(dtype).reshape(s)
        cases.append({'data': {'count': n, 'divisor': divisor, 'offset': offset}, 'shape': s, 'dtype': dtype, 'text': str(a)})

with open(path, 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
print(len(cases), 'texts by NumPy', np.__version__, os.path.getsize(path), 'bytes')
