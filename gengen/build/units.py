"""Where a model meets the data: it is given their own units, and sees its own."""

import jax

from gengen.core.mean import Mean
from gengen.core.model import Batch, GenerativeModel, PairFn, StepFn
from gengen.core.state import State
from gengen.core.units import Units
from gengen.data.signature import Signature


def in_units(model: GenerativeModel, signature: Signature) -> GenerativeModel:
    """Wraps a model so that what takes a batch takes it as the data hold it: bytes, or numbers that nobody scaled.

    The model itself sees float32 in its own units. Data that go into its capabilities, and come out of them, are in
    these units in any case.

    Args:
      model: the model to wrap.
      signature: of the data.
    """

    def init(key: jax.Array, batch: Batch) -> State:
        return model.init(key, to_model(batch, signature))

    def stepping(step: StepFn) -> StepFn:
        def train_step(
            key: jax.Array, state: State, batch: Batch, *, phase: int | None = None
        ) -> tuple[State, dict[str, Mean]]:
            return step(key, state, to_model(batch, signature), phase=phase)

        return train_step

    def pairing(pair: PairFn) -> PairFn:
        return lambda key, batch: pair(key, to_model(batch, signature))

    return model._replace(
        init=init,
        train_step=stepping(model.train_step),
        stages=tuple(stage._replace(train_step=stepping(stage.train_step)) for stage in model.stages),
        pair=pairing(model.pair) if model.pair else None,
    )


def to_model(batch: Batch, signature: Signature) -> Batch:
    """Brings a batch, and the batches in it, to a model's units; labels and texts stay as they are.

    Args:
      batch: arrays [B, ...] by the names of the signature's fields; "second" holds those of the second data set.
      signature: of the data.
    """
    units = {name: Units(field) for name, field in signature.fields.items() if not (field.classes or field.words)}
    made: Batch = {}
    for name, value in batch.items():
        if isinstance(value, dict):
            made[name] = to_model(value, (name == "second" and signature.second) or signature)
        else:
            made[name] = units[name].to_model(value) if name in units else value
    return made
