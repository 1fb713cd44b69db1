"""What a model can do, as functions of arrays and of nothing else: each example by itself, and all noise an input.

A model draws for a whole batch with one key. Here each example is a batch of its own, as in `inference.batched`, mapped
over as many as there are: a size of batch appears nowhere, and what an example becomes depends on no other one.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters.partial_eval import dce_jaxpr

from gengen.core.model import GenerativeModel
from gengen.core.state import Variables
from gengen.core.units import Units
from gengen.data.signature import Signature
from gengen.export.tensors import (
    IMPL,
    Tensor,
    condition_tensor,
    data_tensor,
    key_tensor,
    of_output,
    time_tensor,
    to_data,
)
from gengen.inference.domains import signature_of, units_of

Arrays = Mapping[str, jax.Array]
One = Callable[[Variables, Arrays], dict[str, jax.Array]]
"""`(variables, arrays [1, ...] by name) -> arrays [1, ...] by name`."""

LEVELLED = ("data", "translated")
"""Outputs whose whole numbers are levels; those of latents are names of something."""


class Function(NamedTuple):
    """A function of a model.

    Attributes:
      name: of the function.
      line: what it gives, in words.
      one: of one example.
      inputs: what it looks at.
      outputs: what it gives.
      unused: inputs of `one` that change nothing, and are not asked for.
      also: further names that the same function goes by.
    """

    name: str
    line: str
    one: One
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...] = ()
    unused: tuple[Tensor, ...] = ()
    also: tuple[str, ...] = ()

    def run(self, variables: Variables, *arrays: jax.Array) -> tuple[jax.Array, ...]:
        """Maps over examples: arrays [b, ...] in the order of `inputs`, to those in the order of `outputs`."""
        zeros = {one.name: jnp.zeros(one.plan.shape, one.plan.dtype) for one in self.unused}

        def alone(arrays: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
            given = {one.name: array[None] for one, array in zip(self.inputs, arrays, strict=True)}
            made = self.one(variables, {**zeros, **given})
            return tuple(made[one.name][0] for one in self.outputs)

        return tuple(jax.vmap(alone)(arrays))

    def examples(self, n: int, seed: int = 0) -> tuple[np.ndarray, ...]:
        """Examples [n, ...] of each input, to compare artefacts on."""
        rng = np.random.default_rng(seed)
        return tuple(one.make(rng, n) for one in self.inputs if one.make is not None)


class Offer:
    """Makes the functions of a model.

    Args:
      model: the model.
      signature: of its data.
      variables: of the model.
      own: whether examples are in the data's own units, such as pixels of uint8, and not in the model's.
    """

    def __init__(self, model: GenerativeModel, signature: Signature, variables: Variables, *, own: bool) -> None:
        self._model, self._signature, self._variables, self._own = model, signature, variables, own
        self._key, nothing = key_tensor(), model.denoise is not None
        self._told = tuple(condition_tensor(name, one, nothing=False) for name, one in model.conditions.items())
        self._or_not = tuple(condition_tensor(name, one, nothing=nothing) for name, one in model.conditions.items())
        self._data = data_tensor(signature.fields["data"], own=own)

    def functions(self) -> list[Function]:
        """All that the model offers, of what can be exported; [] where that is nothing."""
        model, made = self._model, list[Function]()
        if model.encode is not None:
            made.append(self._encode())
        if model.prior is not None and model.decode is not None:
            made += [self._prior(), self._decode("sample", also=("decode",))]
        elif model.decode is not None:
            made.append(self._decode("decode"))
        if model.sample is not None and (model.prior is None or model.decode is None):
            made.append(self._sample())
        made += [self._translate(way) for way in sorted(model.translate or {})]
        if model.denoise is not None:
            made += [self._denoise(), self._path()]
        return made

    def _encode(self) -> Function:
        encode, to_model = self._model.encode, self._to_model(self._signature.units)
        assert encode is not None

        def one(variables: Variables, given: Arrays) -> dict[str, jax.Array]:
            data, told = to_model(given["data"]), _among(given, self._told)
            return {"latents": encode(_key(given), variables, data, told)}

        return self._settled(
            Function("encode", "latents of data", one, (self._data, *self._told, self._key)), "as `sample` takes them"
        )

    def _prior(self) -> Function:
        prior = self._model.prior
        assert prior is not None

        def one(variables: Variables, given: Arrays) -> dict[str, jax.Array]:
            return {"latents": prior(_key(given), variables, 1, _among(given, self._told))}

        given = Function("prior", "latents, drawn as the model draws its own", one, (self._key, *self._told))
        return self._settled(given, "as `sample` takes them")

    def _decode(self, name: str, also: tuple[str, ...] = ()) -> Function:
        decode, back = self._model.decode, self._to_data(self._signature.units)
        assert decode is not None

        def one(variables: Variables, given: Arrays) -> dict[str, jax.Array]:
            told = _among(given, self._told)
            return {"data": back(decode(_key(given), variables, given["latents"], told))}

        inputs = (self._latents(), *self._told, self._key)
        return self._settled(Function(name, "data, of latents", one, inputs, also=also), self._data.meaning)

    def _sample(self) -> Function:
        sample, back = self._model.sample, self._to_data(self._signature.units)
        assert sample is not None

        def one(variables: Variables, given: Arrays) -> dict[str, jax.Array]:
            return {"data": back(sample(_key(given), variables, 1, _among(given, self._told)))}

        given = Function("sample", "data, all of whose noise is drawn by a key", one, (self._key, *self._told))
        return self._settled(given, self._data.meaning)

    def _translate(self, way: str) -> Function:
        assert self._model.translate is not None
        translate, units = self._model.translate[way], units_of(self._signature)
        to_model, back = self._to_model(units[way[0]]), self._to_data(units[way[1]])
        field = signature_of(self._model, self._signature, way[0]).fields["data"]

        def one(variables: Variables, given: Arrays) -> dict[str, jax.Array]:
            return {"translated": back(translate(_key(given), variables, to_model(given["data"])))}

        first, second = ("first", "second")[:: 1 if way == "ab" else -1]
        line = f"data of the {second} domain, of those of the {first}"
        inputs = (data_tensor(field, own=self._own), self._key)
        meaning = data_tensor(units[way[1]].field, own=self._own).meaning
        return self._settled(Function(f"translate_{way}", line, one, inputs), meaning)

    def _denoise(self) -> Function:
        denoise, names = self._model.denoise, self._or_not
        assert denoise is not None
        noisy = data_tensor(self._signature.fields["data"], own=False)
        meaning = "alpha(time) data + sigma(time) noise, in the model's units"
        inputs = (noisy._replace(name="noisy", meaning=meaning), time_tensor(), *names)

        def one(variables: Variables, given: Arrays) -> dict[str, jax.Array]:
            return {"data": denoise.mean(variables, given["noisy"], given["time"], _among(given, names))}

        line = "the mean of the data behind noise, for samplers of your own"
        return self._settled(Function("denoise", line, one, inputs), f"in the model's units: {noisy.meaning}")

    def _path(self) -> Function:
        denoise = self._model.denoise
        assert denoise is not None

        def one(variables: Variables, given: Arrays) -> dict[str, jax.Array]:
            del variables
            return {"alpha": denoise.path.alpha(given["time"]), "sigma": denoise.path.sigma(given["time"])}

        line = "the factors of the data and of the noise at a time"
        return self._settled(Function("path", line, one, (time_tensor(),)), "a factor")

    def _settled(self, function: Function, meaning: str) -> Function:
        """The function with what it gives, and without what it does not look at."""
        plans = {one.name: one.plan for one in function.inputs}
        made = jax.eval_shape(function.one, self._variables, plans)
        outputs = tuple(
            of_output(name, made, meaning, levels=name in LEVELLED and made[name].dtype.kind in "iu") for name in made
        )
        full = function._replace(outputs=outputs)
        traced = jax.make_jaxpr(full.run)(self._variables, *plans.values())
        heeded = dce_jaxpr(traced.jaxpr, [True] * len(outputs))[1][-len(plans) :]
        kept = tuple(one for one, used in zip(function.inputs, heeded, strict=True) if used)
        unused = tuple(one for one, used in zip(function.inputs, heeded, strict=True) if not used)
        return full._replace(inputs=kept, unused=unused)

    def _latents(self) -> Tensor:
        """Latents as the prior draws them, or as data are encoded where there is none."""
        source = self._prior() if self._model.prior is not None else self._encode()
        (kind,) = source.outputs
        draw = jax.jit(source.run)

        def make(rng: np.random.Generator, n: int) -> np.ndarray:
            seed = int(rng.integers(2**31))
            made = np.array(draw(self._variables, *source.examples(n, seed))[0])
            whole = made.dtype.kind in "iu"
            ends = [made.min(0), made.max(0)] if whole else [np.zeros_like(made[0]), made.max(0)]
            made[:2] = ends[:n]
            return made

        whose = "`prior` draws" if self._model.prior is not None else "`encode` gives"
        return kind._replace(meaning=f"as {whose} them", make=make)

    def _to_model(self, units: Units) -> Callable[[jax.Array], jax.Array]:
        return units.to_model if self._own else lambda array: array

    def _to_data(self, units: Units) -> Callable[[jax.Array], jax.Array]:
        return partial(to_data, units.field) if self._own else lambda array: array


def _key(given: Arrays) -> Any:
    return jax.random.wrap_key_data(given["key"][0], impl=IMPL)


def _among(given: Arrays, tensors: tuple[Tensor, ...]) -> dict[str, jax.Array] | None:
    return {one.name: given[one.name] for one in tensors} or None
