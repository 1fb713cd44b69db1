"""Models whose pictures show what they were told and what code they were made of, and runs of them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from gengen.api import progress
from gengen.cli.tasks import given_to, main_of
from gengen.core.mean import mean_of
from gengen.core.model import Condition, GenerativeModel
from gengen.core.parallel import example_keys
from gengen.core.state import State
from gengen.data.signature import DataSet, Signature
from gengen.evaluation import translation_scores
from gengen.pictures import captions
from gengen.pictures.captions import Block, Theme
from gengen.runs import run
from gengen.runs.folder import open_folder


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


@pytest.fixture(scope="session")
def coding():
    """Returns `(size=2, classes=0, draws=None, encodes=True) -> model`: the first pixels of an image are its code.

    Decoded images are black but for those pixels, and for the pixel below the first, which says the class that they
    were told, and the one beside it, which is what the model drew. `draws` are what its prior draws from, [M, size].
    """

    def build(size=2, classes=0, draws=None, encodes=True):
        def encode(key, variables, data, condition=None):
            del key
            return data[:, 0, :size, 0] * variables["coder"]["params"]["gain"]

        def decode(key, variables, latents, condition=None):
            images = jnp.full((len(latents), 4, 4, 1), -1.0)
            images = images.at[:, 0, :size, 0].set(latents / variables["coder"]["params"]["gain"])
            images = images.at[:, 1, 1, 0].set(jax.random.uniform(key, (len(latents),)))
            if condition is None:
                return images
            return images.at[:, 1, 0, 0].set(condition["label"].astype(jnp.float32) / 127.5 - 1)

        def prior(key, variables, n, condition=None):
            del variables, condition
            return jnp.asarray(draws, jnp.float32)[jax.random.randint(key, (n,), 0, len(draws))]

        def init(key, batch):
            del key, batch
            return State(jnp.zeros((), jnp.int32), {"coder": {"params": {"gain": jnp.float32(2)}}}, {})

        return GenerativeModel(
            init,
            lambda key, state, batch, *, phase=None: (state, {}),
            conditions={"label": Condition(classes=classes)} if classes else {},
            prior=prior if draws is not None else None,
            encode=encode if encodes else None,
            decode=decode,
        )

    return build


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Returns `(model, data, config=...) -> Run`: a run of 7 steps in `tmp_path / "run"`."""

    def build(model, data, config=None):
        config = ConfigDict({"model": {"name": "fake"}}) if config is None else config
        open_folder(tmp_path / "run", config, data.signature.to_json())
        monkeypatch.setattr(run, "load_again", lambda *given: data)
        origin = {"run": str(tmp_path / "run"), "step": 7, "checkpoint": "latest", "weights": "as trained"}
        variables = model.init(None, None).variables
        return run.Run(tmp_path / "run", config, data.signature, model, 7, variables, origin, config)

    return build


@pytest.fixture
def looked(opened, tmp_path):
    """Returns `(mode, model, images, labels=None, **flags) -> path`: carries out a mode that looks at a run of a model.

    The run's data are the images uint8 [N, 4, 4, 1]. Flags that are not given have the mode's own defaults, but for
    `num`, which is 8.
    """

    def look(mode, model, images, labels=None, corruption=None, **flags):
        classes = tuple("abcdefghij"[: labels.max() + 1]) if labels is not None else ()
        signature = Signature.of_pictures("few", (4, 4, 1), classes, {"train": len(images), "test": len(images)}, "")
        split = {"data": images, **({"label": labels} if labels is not None else {})}
        config = ConfigDict({"model": {"name": "fake"} | ({"corruption": corruption} if corruption else {})})
        data = DataSet(signature, {"train": split, "test": split}, tmp_path)
        return main_of(mode)(opened(model, data, config), **given_to(mode, {"seed": 0, "num": 8, **flags}))

    return look


class Drawn(NamedTuple):
    """A sheet that was drawn.

    Attributes:
      blocks: its blocks.
      title: its title line.
      theme: its colours.
    """

    blocks: list[Block]
    title: str
    theme: Theme

    @property
    def cells(self):
        """The cells of its one block, [rows, columns, H, W] where they are grey."""
        (block,) = self.blocks
        return block.cells.reshape(-1, block.columns, *block.cells.shape[1:3])


@pytest.fixture
def sheets(monkeypatch):
    """A list of the sheets that are drawn from now on; each is drawn as ever."""
    drawn, draw = [], captions.captioned

    def record(blocks, title="", theme=captions.LIGHT):
        drawn.append(Drawn(list(blocks), title, theme))
        return draw(blocks, title, theme)

    for module in (captions, progress, translation_scores):
        monkeypatch.setattr(module, "captioned", record)
    return drawn
