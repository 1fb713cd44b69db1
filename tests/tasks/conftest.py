"""A model that can be told things and whose pictures show what it was told."""

import jax
import jax.numpy as jnp
import pytest

from gengen.core.mean import mean_of
from gengen.core.model import GenerativeModel
from gengen.core.parallel import example_keys
from gengen.core.state import State


@pytest.fixture(scope="session")
def telling():
    """Returns `(pictures [K, M, H, W, C], conditions) -> model`: samples are pictures of the class that they are told.

    What a sample is not told is drawn: so is its class, under whichever name, and which picture of the class it is. The
    first pixels of the second row of a sample show the numbers that it was told, +-1 as they are.
    """

    def build(pictures, conditions):
        kinds = [name for name, condition in conditions.items() if condition.classes]

        def drawn(keys, name):
            condition = conditions[name]
            if condition.classes:
                return jax.vmap(lambda key: jax.random.randint(key, (), 0, condition.classes))(keys)
            return jax.vmap(lambda key: jax.random.uniform(key, (condition.size,), minval=-1, maxval=1))(keys)

        def sample(key, variables, n, condition=None):
            keys = example_keys(key, n)
            told = {name: drawn(keys, name) for name in conditions} | dict(condition or {})
            which = jax.vmap(lambda key: jax.random.randint(key, (), 0, pictures.shape[1]))(keys)
            kind = told[kinds[0]] if kinds else jnp.zeros(n, jnp.int32)
            images = variables["generator"]["params"]["pictures"][kind, which]
            for name, condition in conditions.items():
                if condition.size:
                    images = images.at[:, 1, : condition.size].set(told[name][..., None] / 2)
            return images

        def init(key, batch):
            del key, batch
            return State(jnp.zeros((), jnp.int32), {"generator": {"params": {"pictures": jnp.asarray(pictures)}}}, {})

        def train_step(key, state, batch, *, phase=None):
            del key, phase
            return state.replace(step=state.step + 1), {"loss": mean_of(batch["label"].astype(jnp.float32))}

        return GenerativeModel(init, train_step, sample=sample, conditions=conditions)

    return build
