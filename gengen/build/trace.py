"""What can be known of a training step before it is compiled: whether it can be taken, and what it moves."""

from typing import Any

import jax
from ml_collections import ConfigDict

from gengen.build.calls import refusing
from gengen.build.model import example_batch
from gengen.core.model import Batch, GenerativeModel, StepFn
from gengen.core.parallel import AXIS
from gengen.core.refusal import Refusal
from gengen.core.state import State, networks_of
from gengen.data.signature import Signature
from gengen.networks.layers.norm import SingleValueError


def moved_in_stages(config: ConfigDict, model: GenerativeModel, signature: Signature) -> list[frozenset[str]]:
    """Traces a step of every stage on as many images as one device will see.

    Args:
      config: the experiment.
      model: what was built of it.
      signature: of the data.

    Returns:
      For each stage, the first one included, the names of the parameters that its step may move, as `parameters_in`
      has them; those of players who do not play in a stage are not among them.

    Raises:
      Refusal: a layer, a loss or a view cannot work on such a batch, as batch normalisation cannot on a single image.
    """
    devices, size = jax.device_count(), config.training.batch_size
    key, batch = jax.random.key(0), example_batch(signature, size // devices)
    state = jax.eval_shape(model.init, key, example_batch(signature))
    moved = []
    for step in (model.train_step, *(stage.train_step for stage in model.stages)):
        traced, after = _traced(config, step, key, state, batch)
        kept = {id(variable) for variable in traced.jaxpr.invars}
        outputs = jax.tree.unflatten(jax.tree.structure(after), traced.jaxpr.outvars[: len(jax.tree.leaves(after))])
        moved.append(frozenset(name for name, variable in parameters_in(outputs).items() if id(variable) not in kept))
    return moved


def _traced(config: ConfigDict, step: StepFn, key: jax.Array, state: State, batch: Batch) -> tuple[Any, State]:
    """The program of a step and the state after it, whose leaves are shapes."""
    axes = [(AXIS, jax.device_count())]
    try:
        with refusing("model"):
            traced, (after, _) = jax.make_jaxpr(step, axis_env=axes, return_shape=True)(key, state, batch)
    except Refusal as refusal:
        if not isinstance(refusal.__cause__, SingleValueError):
            raise
        have = [name for name, collections in state.variables.items() if "batch_stats" in collections]
        keys = [f"config.networks.{name}.norm" for name in have if "norm" in config.networks.get(name, {})]
        other = f", or change {' and '.join(keys)}" if len(keys) == len(have) else ""
        raise Refusal(
            f"config.training.batch_size={config.training.batch_size} is too few for {', '.join(have)}: "
            f"{refusal.__cause__}; raise it{other}."
        ) from refusal
    return traced, after


def parameters_in(state: State) -> dict[str, jax.Array]:
    """The trained parameters of a state by their names, such as "generator/Dense_0/kernel"."""
    trees = {name: collections["params"] for name, collections in networks_of(state.variables).items()}
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(trees)
    }
