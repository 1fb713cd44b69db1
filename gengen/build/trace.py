"""What can be known of a training step before it is compiled: whether it can be taken, and what it moves."""

import jax
import numpy as np
from ml_collections import ConfigDict

from gengen.build.calls import refusing
from gengen.build.model import example_batch
from gengen.core.model import Batch, GenerativeModel, StepFn
from gengen.core.parallel import replicated
from gengen.core.refusal import Refusal
from gengen.core.state import State, networks_of
from gengen.data.signature import Signature
from gengen.networks.layers.norm import SingleValueError

PATIENCE = 100
"""Steps after which a kernel that has not moved is worth a warning."""


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
    devices = jax.local_devices()
    key, batch = jax.random.key(0), example_batch(signature, config.training.batch_size // jax.device_count())
    state = jax.eval_shape(model.init, key, example_batch(signature))
    batches = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (len(devices), *leaf.shape)), batch)
    return [
        _moved(config, step, key, state, batches)
        for step in (model.train_step, *(stage.train_step for stage in model.stages))
    ]


def _moved(config: ConfigDict, step: StepFn, key: jax.Array, state: State, batches: Batch) -> frozenset[str]:
    """The names of the parameters that a step may move: what comes out of it is another value than what went in."""
    moved: set[str] = set()

    def looked_at(key: jax.Array, state: State, batch: Batch) -> State:
        before, (after, _) = parameters_in(state), step(key, state, batch)
        moved.update(name for name, parameter in parameters_in(after).items() if parameter is not before[name])
        return after

    try:
        with refusing("model"):
            jax.eval_shape(replicated(looked_at), key, state, batches)
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
    return frozenset(moved)


def parameters_in(state: State) -> dict[str, jax.Array]:
    """The trained parameters of a state by their names, such as "generator/Dense_0/kernel"."""
    trees = {name: collections["params"] for name, collections in networks_of(state.variables).items()}
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(trees)
    }


def patience(config: ConfigDict, model: GenerativeModel) -> int:
    """Steps after which every player has moved: a hundred, or two rounds of the one who moves most rarely."""
    period = max(model.period, *(stage.period for stage in model.stages), 1)
    batches = max((section.get("accumulate", 1) for section in config.optimizers.values()), default=1)
    return max(PATIENCE, 2 * period * int(batches))
