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
    indices = jnp.asarray(first, jnp.int32) + jnp.arange(size, dtype=jnp.int32)
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, indices)


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


def replica_mean(tree: Any) -> Any:
    """Averages a tree of arrays over the replicas; `AXIS` must be bound.

    A single replica has nothing to exchange, and XLA:CPU would copy every array to find that out.
    """
    return tree if lax.axis_size(AXIS) == 1 else lax.pmean(tree, AXIS)


def replica_sum(tree: Any) -> Any:
    """Adds a tree of arrays over the replicas; `AXIS` must be bound."""
    return tree if lax.axis_size(AXIS) == 1 else lax.psum(tree, AXIS)


def replica_gather(array: jax.Array) -> jax.Array:
    """Lays the parts [B, ...] of all replicas behind each other, [replicas x B, ...]; `AXIS` must be bound."""
    return array if lax.axis_size(AXIS) == 1 else lax.all_gather(array, AXIS, tiled=True)


def replica_part(array: jax.Array) -> jax.Array:
    """Takes this replica's part [B, ...] of what `replica_gather` has laid together; `AXIS` must be bound."""
    if lax.axis_size(AXIS) == 1:
        return array
    own = array.shape[0] // lax.axis_size(AXIS)
    part: jax.Array = lax.dynamic_slice_in_dim(array, lax.axis_index(AXIS) * own, own)
    return part


def replicated(run: Callable[..., Any], devices: Sequence[jax.Device] | None = None) -> Callable[..., Any]:
    """Runs `(key, state, batches)` on every device with `AXIS` bound, where all see the same key and state.

    The state is donated; the leaves of `batches` are [local devices, ...], and what is returned is the same on all.
    """
    mapped: Callable[..., Any] = jax.pmap(
        run, axis_name=AXIS, in_axes=(None, None, 0), out_axes=None, donate_argnums=(1,), devices=devices
    )
    return mapped


UNROLLED = 8
"""The longest period that `parallel` unrolls: the time to compile grows with it."""


Steps = Callable[[jax.Array, Any, Any], tuple[Any, Any]]
"""`(key, state, batches) -> (state, metrics)`: several steps on one replica."""


def parallel(
    step: Callable[..., Any],
    devices: Sequence[jax.Device] | None = None,
    *,
    period: int = 1,
    around: Callable[[Steps], Steps] = lambda steps: steps,
) -> Callable[..., Any]:
    """Fuses training steps into one dispatch and runs it on every device.

    Whole periods are unrolled where a dispatch starts at the beginning of one: then it is known when traced which turn
    is due, no branch is left in the loop, and turns can share work. (A WGAN step of MLPs: 5.7 ms looped, 4.5 unrolled.)

    Args:
      step: `(key, state, batch, *, phase) -> (state, metrics)`, with `AXIS` bound while it runs.
      devices: devices of all processes; every device by default.
      period: number of steps after which the pattern of turns repeats.
      around: makes other steps of those of a dispatch, such as those of several members.

    Returns:
      `(key, state, batches, first=0) -> (state, metrics)`, where `batches` leaves are [local devices, steps, per
      device, ...], `first` is the number of the first step, which `state.step` holds, and `metrics` leaves are [steps,
      ...]. The state is donated: the caller's copy is gone after the call. Place it with `replicate` before the first
      call, or the second one compiles again.
    """

    def looped(key: jax.Array, state: Any, batches: Any) -> tuple[Any, Any]:
        return lax.scan(lambda state, batch: step(key, state, batch), state, batches)

    def unrolled(key: jax.Array, state: Any, batches: Any) -> tuple[Any, Any]:
        def one_period(state: Any, batches: Any) -> tuple[Any, Any]:
            measured = []
            for phase in range(period):
                batch = jax.tree.map(lambda leaf, phase=phase: leaf[phase], batches)
                state, metrics = step(key, state, batch, phase=phase)
                measured.append(metrics)
            return state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *measured)

        by_period = jax.tree.map(lambda leaf: leaf.reshape(-1, period, *leaf.shape[1:]), batches)
        state, metrics = lax.scan(one_period, state, by_period)
        return state, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), metrics)

    mapped = {run: replicated(around(run), devices) for run in (looped, unrolled)}

    def dispatch(key: jax.Array, state: Any, batches: Any, first: int = 0) -> tuple[Any, Any]:
        steps = jax.tree.leaves(batches)[0].shape[1]
        whole = 1 < period <= UNROLLED and first % period == 0 and steps % period == 0
        after, metrics = mapped[unrolled if whole else looped](key, state, batches)
        return after, metrics

    return dispatch


def local_places() -> list[int]:
    """Places of this process's devices on the replica axis."""
    return [index for index, device in enumerate(jax.devices()) if device.process_index == jax.process_index()]


def replicate(tree: Any, devices: Sequence[jax.Device]) -> Any:
    """Copies a tree of arrays to each of this process's `devices`, laid out as `parallel` expects and returns it."""
    mesh = Mesh(np.asarray(devices), (AXIS,))
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))
