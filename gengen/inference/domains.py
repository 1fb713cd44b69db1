"""The two domains of a translation: what makes their pairs, which are known, and each as a data set of its own."""

import hashlib
from collections.abc import Mapping

import jax
import numpy as np

from gengen.core.model import GenerativeModel
from gengen.core.refusal import Refusal
from gengen.core.units import Units
from gengen.data.signature import DataSet, Signature
from gengen.inference.batched import per_example

SEEDS = {"train": 0, "test": 1}
"""Seeds of what pairs are made with, such as the places of holes: always the same, and other ones in each split."""

Arrays = Mapping[str, np.ndarray]
"""What a data set holds of some images, by name: "data" and perhaps "paired" and "label"."""


def units_of(signature: Signature) -> dict[str, Units]:
    """The units of both domains, "a" and "b"; pictures all have the same."""
    return {"a": signature.units, "b": (signature.second or signature).units}


def names_of_domains(signature: Signature) -> tuple[str, str]:
    """What two domains are called: their data sets, where these have names of their own, and else a and b."""
    second = signature.second
    return ("a", "b") if second is None or second.name == signature.name else (signature.name, second.name)


def way_of(signature: Signature, direction: str) -> str:
    """A direction in words, "ab" or "ba": from one domain to the other."""
    start, end = names_of_domains(signature)[:: 1 if direction == "ab" else -1]
    return f"from {start} to {end}"


def signature_of(model: GenerativeModel, signature: Signature, name: str) -> Signature:
    """A signature of the shape of a domain: of the data, of their second data set, or of the pairs that they hold.

    Args:
      model: the model that translates.
      signature: of the data.
      name: "a" or "b".

    Raises:
      Refusal: the data have no second domain.
    """
    if model.pair is None:
        domain = signature if name == "a" else signature.second
        if domain is None:
            raise Refusal(f"the data of this run, {signature.name}, have no second domain to translate from.")
        return domain
    batch = {key: jax.ShapeDtypeStruct((1, *field.shape), field.dtype) for key, field in signature.fields.items()}
    _, *shape = jax.eval_shape(model.pair, jax.random.key(0), batch)["ab".index(name)].shape
    return signature.of_shape(tuple(shape))


def pairs_of(
    model: GenerativeModel, signature: Signature, arrays: Arrays, indices: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Makes the pairs of a model that learns from pairs.

    Args:
      model: the model.
      signature: of the data.
      arrays: what the data hold of N examples.
      indices: of the examples wanted [n].
      seed: of what a pairing draws, such as the place of a hole; it draws by the index of the example.

    Returns:
      Images of domain a and of domain b, uint8 [n, H, W, C] and [n, H, W, C'].

    Raises:
      ValueError: the model learns without pairs.
    """
    if model.pair is None:
        raise ValueError("this model learns without pairs, so there is nothing that makes any")
    pair, units = model.pair, units_of(signature)
    each = per_example(lambda key, variables, batch: pair(key, batch))
    batch = {name: np.asarray(arrays[name][indices]) for name in ("data", "paired") if name in arrays}
    a, b = each(jax.random.key(seed), {}, indices, batch)
    return units["a"].to_data(a), units["b"].to_data(b)


def aligned(data: DataSet, model: GenerativeModel) -> bool:
    """Whether it is known which images of both domains belong together, even if the model does not learn from it.

    So it is where the model learns from pairs, and where the second data set are the second pictures of the first.
    """
    if model.pair is not None:
        return True
    second = data.second
    if second is None or "paired" not in data.splits["test"]:
        return False
    return all(_equal(data.splits[split]["paired"], second.splits[split]["data"]) for split in SEEDS)


def domains(data: DataSet, model: GenerativeModel) -> dict[str, DataSet]:
    """Both domains as data sets of their own, with the splits "train" and "test".

    Of a model that learns without pairs, a is the data set itself and b its second one. A model that learns from pairs
    makes both of the data set's images; a domain that is these images is the data set itself. Others keep its labels,
    and have a digest of their own pixels and a folder of their own.

    Raises:
      ValueError: the model learns without pairs, and there is no second data set.
    """
    if model.pair is None:
        if data.second is None:
            raise ValueError(f"{data.signature.name} has no second data set to translate to")
        return {"a": data, "b": data.second}
    splits: dict[str, dict[str, Arrays]] = {"a": {}, "b": {}}
    for split in SEEDS:
        arrays = data.splits[split]
        images = pairs_of(model, data.signature, arrays, np.arange(len(arrays["data"])), seed=SEEDS[split])
        labels = {name: values for name, values in arrays.items() if name == "label"}
        for name, side in zip("ab", images, strict=True):
            splits[name][split] = {"data": side, **labels}
    return {name: _domain(data, name, made) for name, made in splits.items()}


def _domain(data: DataSet, name: str, splits: Mapping[str, Arrays]) -> DataSet:
    if all(_equal(splits[split]["data"], data.splits[split]["data"]) for split in splits):
        return data
    digest = hashlib.sha256(f"{data.signature.digest} domain {name}".encode())
    for split in splits:
        digest.update(f"{split} {splits[split]['data'].shape}".encode())
        digest.update(np.ascontiguousarray(splits[split]["data"]).tobytes())
    short = digest.hexdigest()[:16]
    signature = data.signature.of_shape(
        splits["train"]["data"].shape[1:],
        name=f"domain {name} of {data.signature.name}",
        counts={split: len(splits[split]["data"]) for split in splits},
        digest=short,
        second=None,
    )
    return DataSet(signature, splits, data.folder / f"domain_{short}")


def _equal(first: np.ndarray, second: np.ndarray) -> bool:
    return first is second or np.array_equal(first, second)
