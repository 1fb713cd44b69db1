"""Replicas: the one axis that every training step runs over, and keys that make noise independent of it."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "replicas"
"""Name of the replica axis. Always bound: by `parallel` in a run, by `jax.vmap(..., axis_name=AXIS)` in a test."""


def example_keys(key: jax.Array, size: int, first: jax.Array | int = 0) -> jax.Array:
    """Gives each example a key of its own, which depends on the example's place and on nothing else.

    Args:
      key: a typed PRNG key [].
      size: number of examples.
      first: place of the first example.

    Returns:
      Keys [size]; example i holds `fold_in(key, first + i)`.
    """
    places = jnp.asarray(first, jnp.int32) + jnp.arange(size, dtype=jnp.int32)
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, places)


def local_keys(key: jax.Array, size: int) -> jax.Array:
    """Gives this replica's examples the keys of their places in the global batch.

    A run draws the same noise whether its batch lies on 1, 2 or 4 devices. `AXIS` must be bound.

    Args:
      key: a typed PRNG key [], the same on every replica.
      size: number of examples on this replica.

    Returns:
      Keys [size].
    """
    return example_keys(key, size, lax.axis_index(AXIS) * size)


def parallel(step: Callable[..., Any], devices: Sequence[jax.Device] | None = None) -> Callable[..., Any]:
    """Fuses training steps into one dispatch and runs it on every device.

    Args:
      step: `(key, state, batch) -> (state, metrics)`, with `AXIS` bound while it runs.
      devices: devices of all processes; every device by default.

    Returns:
      `(key, state, batches) -> (state, metrics)`, where `batches` leaves are [local devices, steps, per device, ...]
      and `metrics` leaves are [steps, ...]. The state is donated: the caller's copy is gone after the call. Place it
      with `replicate` before the first call, or the second one compiles again.
    """

    def dispatch(key: jax.Array, state: Any, batches: Any) -> tuple[Any, Any]:
        return lax.scan(lambda state, batch: step(key, state, batch), state, batches)

    return jax.pmap(
        dispatch, axis_name=AXIS, in_axes=(None, None, 0), out_axes=(None, None), donate_argnums=(1,), devices=devices
    )


def local_places() -> list[int]:
    """Places of this process's devices on the replica axis."""
    return [place for place, device in enumerate(jax.devices()) if device.process_index == jax.process_index()]


def replicate(tree: Any, devices: Sequence[jax.Device]) -> Any:
    """Copies a tree of arrays to each of this process's `devices`, laid out as `parallel` expects and returns it."""
    mesh = Mesh(np.asarray(devices), (AXIS,))
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))
