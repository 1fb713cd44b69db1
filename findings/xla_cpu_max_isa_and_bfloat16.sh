#!/usr/bin/env bash
# jax 0.10.2, CPU: --xla_cpu_max_isa does not limit the instructions of bfloat16 products.
#
# Guessed: XLA_FLAGS=--xla_cpu_max_isa=AVX2 makes a program run as on a processor without units for bfloat16, so that
# one can measure there what users without them have.
# Seen, on a processor with AVX512-BF16, [512, 512] x [512, 512], times as fast as in float32: 1.8 without the flag, 1.8
# with AVX2, 2.3 with AVX512. The flag is of the code that LLVM makes; products of two bfloat16 factors with a float32
# result stay calls of the library YNNPACK (`ynn_fusion` in the program), which asks the processor itself.
# Only a processor that is faster in bfloat16 can show it: on others the script says so and ends well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2
cat > "$folder/gain.py" <<'P'
import time

import jax
import jax.numpy as jnp
from jax import lax


@jax.jit
def product(a, b):
    return lax.dot_general(a, b, (((1,), (0,)), ((), ())), preferred_element_type=jnp.float32)


x = jnp.ones((512, 512))
factors, best = (x, x.astype(jnp.bfloat16)), [float("inf")] * 2
for _ in range(100):
    for place, factor in enumerate(factors):
        start = time.perf_counter()
        jax.block_until_ready(product(factor, factor))
        best[place] = min(best[place], time.perf_counter() - start)
print(f"{best[0] / best[1]:.2f}")
P
plain=$("$folder/environment/bin/python" "$folder/gain.py")
limited=$(XLA_FLAGS=--xla_cpu_max_isa=AVX2 "$folder/environment/bin/python" "$folder/gain.py")
echo "bfloat16 is $plain times as fast as float32, and $limited times with --xla_cpu_max_isa=AVX2"
python3 - "$plain" "$limited" <<'P'
import sys

plain, limited = map(float, sys.argv[1:])
if plain < 1.3:
    print("this processor is not faster in bfloat16: nothing can be seen here")
sys.exit(plain >= 1.3 and limited < 1.3)
P
