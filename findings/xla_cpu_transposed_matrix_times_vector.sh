#!/usr/bin/env bash
# jax 0.10.2, CPU: the product of a transposed matrix and a vector is not that of the vector and the matrix.
#
# Guessed: inside one jitted function XLA folds a transposition into the product, so x.T @ v costs what v @ x does.
# Seen: x.T @ v takes several times as long, on one processor (AVX512) with two cores, best of 200, in microseconds:
#   x [128, 256]: x.T @ v 37, v @ x 16;  x [1024, 256]: 189, 29;  x [2048, 512]: 2211, 86;  x [4096, 512]: 955, 140
# The numbers are equal to rounding. The program keeps its product over the rows (lhs_contracting_dims={0}), which is
# slow, and v @ x one over rows of the right factor, which is not. So write v @ x, in power iterations above all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2
cat > "$folder/measure.py" <<'P'
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np


def best(function, *arguments):
    jax.block_until_ready(function(*arguments))
    seconds = []
    for _ in range(200):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        seconds.append(time.perf_counter() - start)
    return min(seconds)


ratios = []
for rows, columns in ((1024, 256), (2048, 512), (4096, 512)):
    numbers = np.random.default_rng(0)
    x, v = (jnp.asarray(numbers.normal(size=size), jnp.float32) for size in ((rows, columns), (rows,)))
    turned, plain = jax.jit(lambda x, v: x.T @ v), jax.jit(lambda x, v: v @ x)
    np.testing.assert_allclose(turned(x, v), plain(x, v), rtol=1e-3, atol=1e-3)
    ratios.append(best(turned, x, v) / best(plain, x, v))
    print(f"x [{rows}, {columns}]: x.T @ v takes {ratios[-1]:.1f} times as long as v @ x")
sys.exit(sorted(ratios)[1] < 2)
P
"$folder/environment/bin/python" "$folder/measure.py"
