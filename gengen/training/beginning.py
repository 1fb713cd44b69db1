"""Where a run begins."""

import jax

from gengen.core.model import Batch, GenerativeModel
from gengen.core.state import State


def initialised(model: GenerativeModel, key: jax.Array, batch: Batch) -> State:
    """The state of a new run, compiled as fast as can be: this program runs once.

    XLA:CPU took 21.9 s of CPU time to optimise the start of a small CycleGAN, and 3.2 s not to; the weights differ by
    rounding. Under jit, or averages would share memory with what they average. Key and batch are those of `InitFn`.
    """
    state: State = jax.jit(model.init, compiler_options={"xla_backend_optimization_level": 0})(key, batch)
    return state
