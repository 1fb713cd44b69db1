#!/usr/bin/env bash
# jax 0.10.2 (jaxlib 0.10.2), on CPU: a persistent compilation cache that is copied or moved to another folder is never
# hit.
#
# Guessed: the key of a compiled program is a hash of the program, the versions and the options, so that a folder of
# compiled programs can be kept by a CI, baked into an image or mounted elsewhere, and is hit there. Seen: by default
# (jax_persistent_cache_enable_xla_caches="xla_gpu_per_fusion_autotune_cache_dir") the options that are hashed hold the
# path of the cache's own folder, for the caches of XLA:GPU below it, also where there is no GPU. With "none" the same
# copy is hit:
#   default: first 0 hits, moved 0 hits, 2 keys of one program
#   none: first 0 hits, moved 3 hits, 1 keys of one program
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2
cd "$folder"
cat > compile.py <<'P'
import os, sys
import jax, jax.numpy as jnp

cache, xla_caches = sys.argv[1:]
jax.config.update("jax_compilation_cache_dir", cache)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
if xla_caches != "default":
    jax.config.update("jax_persistent_cache_enable_xla_caches", xla_caches)
hits = []
jax.monitoring.register_event_listener(lambda name, **kwargs: hits.append(name) if "cache_hits" in name else None)
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((64, 64))).block_until_ready()
keys = [name for name in os.listdir(cache) if name.startswith("jit__lambda") and name.endswith("-cache")]
print(len(hits), len(keys))
P
for setting in default none; do
    mkdir "first_$setting"
    read -r first _ < <(JAX_PLATFORMS=cpu "$folder/environment/bin/python" compile.py "$PWD/first_$setting" "$setting")
    cp -r "first_$setting" "moved_$setting"
    read -r moved keys < <(JAX_PLATFORMS=cpu "$folder/environment/bin/python" compile.py "$PWD/moved_$setting" "$setting")
    echo "$setting: first $first hits, moved $moved hits, $keys keys of one program"
    [ "$setting" = default ] && [ "$moved" -eq 0 ] && [ "$keys" -eq 2 ] || { [ "$setting" = none ] && [ "$moved" -gt 0 ] && [ "$keys" -eq 1 ]; }
done
